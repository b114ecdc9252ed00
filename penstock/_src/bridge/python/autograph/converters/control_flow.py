"""Branches and loops as calls of functions: `tensorflow.python.autograph.converters.control_flow`.

Before: if test: x = x + 1
After:  def get_state(): return (x,)
        def set_state(vars_): nonlocal x; (x,) = vars_
        def if_body(): nonlocal x; x = x + 1
        def else_body(): nonlocal x; pass
        ag__.if_stmt(test, if_body, else_body, get_state, set_state, ('x',), 1)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, cfg, parser, qual_names, templates
from penstock._src.bridge.python.autograph.pyct.static_analysis import (
    activity,
    liveness,
    reaching_definitions,
    reaching_fndefs,
)
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno
from penstock._src.function.autograph.public import set_loop_options


class _Function:
    """A function: the names that its body uses."""

    scope: Any = None


def _text(value: Any) -> Any:
    return gast.Constant(str(value), kind=None)


def _tuple(elements: Iterable[Any]) -> Any:
    return gast.Tuple(elts=list(elements), ctx=gast.Load())


class ControlFlowTransformer(converter.Base):
    """Rewrites `if`, `while` and `for`."""

    def visit_Lambda(self, node: Any) -> Any:
        with self.state[_Function]:
            self.state[_Function].scope = anno.getanno(node, anno.Static.SCOPE)
            return self.generic_visit(node)

    def visit_FunctionDef(self, node: Any) -> Any:
        with self.state[_Function]:
            self.state[_Function].scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
            return self.generic_visit(node)

    def visit_AnnAssign(self, node: Any) -> Any:
        # In a body, which is a function, the name is declared, and a declared name cannot have an annotation.
        node = self.generic_visit(node)
        if node.value is None:
            return []
        return gast.Assign(targets=[node.target], value=node.value, type_comment=None)

    # -- variables

    def _variables(self, node: Any, modified: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], int]:
        """Finds the common parts of a statement's functions.

        Args:
          node: the statement.
          modified: the names that it changes.

        Returns:
          The names, first those that are read later; those of them without a value before; how many are read later.
        """
        defined = anno.getanno(node, anno.Static.DEFINED_VARS_IN)
        live_in = anno.getanno(node, anno.Static.LIVE_VARS_IN)
        live_out = anno.getanno(node, anno.Static.LIVE_VARS_OUT)
        function = self.state[_Function].scope
        plain = {name for name in modified if not name.is_composite()}
        # Names of functions around may be read anywhere.
        live_out = live_out | function.globals | function.nonlocals
        # Names that are neither read before nor after exist in the statement only.
        shared = {name for name in plain if name in live_in or name in live_out}
        for name in modified - plain:
            # An attribute of an object that is made in the statement does not belong to its state.
            if all(part in live_in for part in name.support_set if part.is_symbol()):
                shared.add(name)
        outside = defined | function.globals | function.nonlocals
        # Functions of statements inside declare names too, which are to exist even if nothing is shared.
        undefined = tuple(sorted(plain - outside, key=str))
        inputs = {name for name in shared & plain if name in live_in and name not in live_out}
        ordered = tuple(sorted(shared, key=lambda name: (name in inputs, str(name))))
        return ordered, undefined, len(ordered) - len(inputs)

    def _declarations(self, variables: Iterable[Any]) -> list[Any]:
        """The statements by which a function changes names of the function around it."""
        plain = sorted(str(name) for name in variables if not name.is_composite())
        around = {str(name) for name in self.state[_Function].scope.globals}
        statements: list[Any] = []
        outer = [name for name in plain if name in around]
        if outer:
            statements.append(gast.Global(outer))
        inner = [name for name in plain if name not in around]
        if inner:
            statements.append(gast.Nonlocal(inner))
        return statements

    def _undefined(self, names: Iterable[Any]) -> list[Any]:
        return [
            part
            for name in names
            for part in templates.replace(
                "var = ag__.Undefined(symbol_name)", var=name, symbol_name=_text(name.ssf())
            )
        ]

    def _state(self, variables: Any, reserved: Any) -> tuple[list[Any], str, str]:
        """The functions that return and set the variables, and their names."""
        get = self.ctx.namer.new_symbol("get_state", reserved)
        put = self.ctx.namer.new_symbol("set_state", reserved)
        if not variables:
            nodes = templates.replace(
                """
                def getter():
                    return ()
                def setter(vars_):
                    pass
                """,
                getter=get,
                setter=put,
            )
            return nodes, get, put
        reads: list[Any] = []
        sets: list[Any] = []
        for index, name in enumerate(variables):
            value = parser.parse_expression(f"vars_[{index}]")
            if name.is_composite():
                # The object it is a part of may not have it.
                template = "ag__.ldu(lambda: var_, name)"
                reads.append(templates.replace_as_expression(template, var_=name, name=_text(name)))
                template = """
                    if not ag__.is_undefined(value):
                        target = value
                """
            else:
                reads.append(name.ast())
                template = "target = value"
            sets += templates.replace(template, target=name, value=value)
        nodes = templates.replace(
            """
            def getter():
                return values
            def setter(vars_):
                declarations
                assignments
            """,
            getter=get,
            setter=put,
            values=_tuple(reads),
            declarations=self._declarations(variables),
            assignments=sets,
        )
        return nodes, get, put

    def _options(self, node: Any) -> Any:
        """The options that directives set for a loop."""
        options = anno.getanno(node, anno.Basic.DIRECTIVES, {}).get(set_loop_options, {})
        return gast.Dict(keys=[_text(name) for name in options], values=list(options.values()))

    # -- statements

    def visit_If(self, node: Any) -> Any:
        node = self.generic_visit(node)
        body, orelse = (
            anno.getanno(node, NodeAnno.BODY_SCOPE),
            anno.getanno(node, NodeAnno.ORELSE_SCOPE),
        )
        variables, undefined, count = self._variables(node, body.bound | orelse.bound)
        reserved = body.referenced | orelse.referenced
        functions, get, put = self._state(variables, reserved)
        return templates.replace(
            """
            state_functions
            def body_name():
                declarations
                body
            def orelse_name():
                declarations
                orelse
            undefined
            ag__.if_stmt(test, body_name, orelse_name, getter, setter, (symbol_names), nouts)
            """,
            state_functions=functions,
            body_name=self.ctx.namer.new_symbol("if_body", reserved),
            orelse_name=self.ctx.namer.new_symbol("else_body", reserved),
            declarations=self._declarations(variables),
            body=node.body,
            orelse=node.orelse or [gast.Pass()],
            undefined=self._undefined(undefined),
            test=node.test,
            getter=get,
            setter=put,
            symbol_names=_tuple(map(_text, variables)),
            nouts=gast.Constant(count, kind=None),
        )

    def visit_While(self, node: Any) -> Any:
        node = self.generic_visit(node)
        scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
        condition = anno.getanno(node, NodeAnno.COND_SCOPE)
        variables, undefined, _ = self._variables(node, scope.bound)
        reserved = scope.referenced | condition.referenced
        functions, get, put = self._state(variables, reserved)
        nodes = templates.replace(
            """
            state_functions
            def body_name():
                declarations
                body
            def test_name():
                return test
            undefined
            ag__.while_stmt(test_name, body_name, getter, setter, (symbol_names), opts)
            """,
            state_functions=functions,
            body_name=self.ctx.namer.new_symbol("loop_body", reserved),
            test_name=self.ctx.namer.new_symbol("loop_test", reserved),
            declarations=self._declarations(variables),
            body=node.body,
            test=node.test,
            undefined=self._undefined(undefined),
            getter=get,
            setter=put,
            symbol_names=_tuple(map(_text, variables)),
            opts=self._options(node),
        )
        return [*nodes, *node.orelse]

    def visit_For(self, node: Any) -> Any:
        node = self.generic_visit(node)
        scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
        target_scope = anno.getanno(node, NodeAnno.ITERATE_SCOPE)
        variables, undefined, _ = self._variables(node, scope.bound | target_scope.bound)
        reserved = scope.referenced | target_scope.referenced
        functions, get, put = self._state(variables, reserved)
        item = self.ctx.namer.new_symbol("itr", reserved)
        stop, stop_name = self._extra_test(node, reserved)
        options = self._options(node)
        options.keys.append(_text("iterate_names"))
        options.values.append(_text(parser.unparse(node.target, None, False).strip()))
        nodes = templates.replace(
            """
            state_functions
            def body_name(item):
                declarations
                target = item
                body
            stop
            undefined
            ag__.for_stmt(
                iterated, stop_name, body_name, getter, setter, (symbol_names), opts)
            """,
            state_functions=functions,
            body_name=self.ctx.namer.new_symbol("loop_body", reserved),
            item=item,
            target=node.target,
            declarations=self._declarations(variables),
            body=node.body,
            stop=stop,
            stop_name=stop_name,
            undefined=self._undefined(undefined),
            iterated=node.iter,
            getter=get,
            setter=put,
            symbol_names=_tuple(map(_text, variables)),
            opts=options,
        )
        return [*nodes, *node.orelse]

    def _extra_test(self, node: Any, reserved: Any) -> tuple[list[Any], Any]:
        """The function that says whether a loop goes on, where other rewrites have left a test, and its name."""
        test = anno.getanno(node, anno.Basic.EXTRA_LOOP_TEST, None)
        if test is None:
            return [], parser.parse_expression("None")
        name = self.ctx.namer.new_symbol("extra_test", reserved)
        nodes = templates.replace(
            """
            def extra_test_name():
                return extra_test_expr
            """,
            extra_test_name=name,
            extra_test_expr=test,
        )
        return nodes, name


class AnnotatedDef(reaching_definitions.Definition):
    """A definition with the values of its directives."""

    def __init__(self) -> None:
        super().__init__()
        self.directives = {}


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the branches and loops of a tree."""
    graphs = cfg.build(node)
    node = qual_names.resolve(node)
    node = activity.resolve(node, ctx, None)
    node = reaching_definitions.resolve(node, ctx, graphs)
    node = reaching_fndefs.resolve(node, ctx, graphs)
    node = liveness.resolve(node, ctx, graphs)
    return ControlFlowTransformer(ctx).visit(node)
