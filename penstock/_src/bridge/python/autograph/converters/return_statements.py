"""One `return` for each function: `tensorflow.python.autograph.converters.return_statements`.

Before: if a:                       After:  do_return = False; retval_ = ag__.UndefinedReturnValue()
            return 1                        if a: do_return = True; retval_ = 1
        rest                                else: rest
        return 2                            ...
                                            return fscope.ret(retval_, do_return)
"""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.converters.functions import CONTEXT_NAME
from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, parser, qual_names, templates
from penstock._src.bridge.python.autograph.pyct.static_analysis import activity
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno


def _always_returns(block: Any) -> bool:
    """True if a block always ends in a return."""
    for node in block:
        if isinstance(node, gast.Return):
            return True
        if isinstance(node, gast.If) and node.orelse:
            if _always_returns(node.body) and _always_returns(node.orelse):
                return True
        if isinstance(node, gast.With) and _always_returns(node.body):
            return True
    return False


class ConditionalReturnRewriter(converter.Base):
    """Moves what follows an `if`, of which one branch always returns, into the other branch."""

    def _block(self, nodes: Any) -> Any:
        for index, node in enumerate(nodes):
            rest = nodes[index + 1 :]
            if not isinstance(node, gast.If) or not rest:
                continue
            body, orelse = _always_returns(node.body), _always_returns(node.orelse)
            if body == orelse:
                continue
            field = "orelse" if body else "body"
            setattr(node, field, [*getattr(node, field), *rest])
            nodes = nodes[: index + 1]
            break
        return self.visit_block(nodes)

    def generic_visit(self, node: Any) -> Any:
        """Visits the blocks of a statement, and its other parts."""
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, self._block(block))
        for handler in getattr(node, "handlers", ()):
            self.visit(handler)
        return node


class _Function:
    """A function: its flag, the name of its result and whether they are used."""

    flag = result = ""
    used = False


class ReturnStatementsTransformer(converter.Base):
    """Sets a flag and the result in place of `return`; what follows runs, and loops go on, while the flag is not set.

    Args:
      ctx: the context.
      allow_missing_return: whether a function may end without a return.
    """

    def __init__(self, ctx: Any, allow_missing_return: bool = True) -> None:
        super().__init__(ctx)
        self.allow_missing_return = allow_missing_return

    def visit_Return(self, node: Any) -> Any:
        nodes = self.state[_Function]
        nodes.used = True
        value = parser.parse_expression("None") if node.value is None else node.value
        state = templates.replace(
            """
            do_return = True
            retval = value
            """,
            do_return=nodes.flag,
            retval=nodes.result,
            value=value,
        )
        for part in state:
            anno.setanno(part, "is_return", True)
        return state

    def _guarded(self, statements: Any) -> Any:
        """Visits a block: after a statement that may return, the rest is guarded."""
        scope, state = self.state[_Function], []
        around, scope.used = scope.used, False
        for index, statement in enumerate(statements):
            replacement = self.visit(statement)
            state += replacement if isinstance(replacement, list) else [replacement]
            rest = statements[index + 1 :]
            if scope.used and rest:
                if not isinstance(statement, gast.Return):
                    state += templates.replace(
                        """
                        if not do_return:
                            body
                        """,
                        do_return=scope.flag,
                        body=self._guarded(rest),
                    )
                scope.used = True
                break
        scope.used = around or scope.used
        return state

    def _loop(self, node: Any) -> Any:
        state = self.state[_Function]
        around, state.used = state.used, False
        node.body = self._guarded(node.body)
        if state.used:
            if isinstance(node, gast.While):
                node.test = templates.replace_as_expression(
                    "not flag and test", flag=state.flag, test=node.test
                )
            else:
                self._end_early(node, state.flag)
        before = state.used
        node.orelse = self._guarded(node.orelse)
        state.used = around or before or state.used
        return node

    def _end_early(self, node: Any, flag: str) -> None:
        test = templates.replace_as_expression("not flag", flag=flag)
        existing = anno.getanno(node, anno.Basic.EXTRA_LOOP_TEST, None)
        if existing is not None:
            test = templates.replace_as_expression("test and other", test=existing, other=test)
        anno.setanno(node, anno.Basic.EXTRA_LOOP_TEST, test)

    visit_While = visit_For = _loop

    def visit_If(self, node: Any) -> Any:
        node.body, node.orelse = self._guarded(node.body), self._guarded(node.orelse)
        return node

    def visit_With(self, node: Any) -> Any:
        node.body = self._guarded(node.body)
        return node

    def visit_Try(self, node: Any) -> Any:
        node.body, node.orelse = self._guarded(node.body), self._guarded(node.orelse)
        node.handlers = [self.visit(handler) for handler in node.handlers]
        node.finalbody = self._guarded(node.finalbody)
        return node

    def visit_ExceptHandler(self, node: Any) -> Any:
        node.body = self._guarded(node.body)
        return node

    def visit_Lambda(self, node: Any) -> Any:
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
        self.state[_Function].enter()
        state = self.state[_Function]
        state.flag = self.ctx.namer.new_symbol("do_return", scope.referenced)
        state.result = self.ctx.namer.new_symbol("retval_", scope.referenced)
        context = anno.getanno(node, CONTEXT_NAME, None)
        # The scope of the function, if it has one, is around all that it does.
        holder = node
        if context is not None:
            holder = next(part for part in node.body if isinstance(part, gast.With))
        body = self._guarded(holder.body)
        ended = self.state[_Function].exit()
        if ended.used:
            holder.body = self._finished(holder, body, ended, context)
        else:
            holder.body = body
        return node

    def _finished(self, holder: Any, body: Any, ended: Any, context: str | None) -> list[Any]:
        documentation: list[Any] = []
        first = body[0]
        is_text = isinstance(first, gast.Expr) and isinstance(first.value, gast.Constant)
        if isinstance(holder, gast.FunctionDef) and is_text:
            documentation, body = [first], body[1:]
        if context is None and self.allow_missing_return:
            raise AssertionError("This transformer requires the functions converter.")
        result = "retval" if context is None else "function_context.ret(retval, do_return)"
        start = """
            do_return = False
            retval = ag__.UndefinedReturnValue()"""
        return documentation + templates.replace(
            f"""{start if self.allow_missing_return else ""}
            body
            return {result}
            """,
            do_return=ended.flag,
            retval=ended.result,
            function_context=context or "None",
            body=body,
        )


def transform(node: Any, ctx: Any, default_to_null_return: bool = True) -> Any:
    """Rewrites the returns of a tree's functions.

    Args:
      node: the tree.
      ctx: its context.
      default_to_null_return: whether functions may end without a return.
    """
    node = qual_names.resolve(node)
    node = activity.resolve(node, ctx, None)
    node = ConditionalReturnRewriter(ctx).visit(node)
    node = qual_names.resolve(node)
    node = activity.resolve(node, ctx, None)
    return ReturnStatementsTransformer(ctx, default_to_null_return).visit(node)
