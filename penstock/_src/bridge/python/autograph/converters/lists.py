"""Lists as calls: `tensorflow.python.autograph.converters.lists`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.lang import directives
from penstock._src.bridge.python.autograph.pyct import anno, templates
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno


class _Statement:
    """A statement: the calls of `pop` in it, and the names of their results."""

    def __init__(self) -> None:
        self.pops: list[tuple[Any, str]] = []


class ListTransformer(converter.Base):
    """Rewrites displays of lists, `append`, `pop` and `stack`; lists of tensors are values, so they are assigned again."""

    def visit_List(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if not isinstance(node.ctx, gast.Load):
            return node
        return templates.replace_as_expression("ag__.new_list(elements)", elements=node)

    def _directive(self, node: Any, name: str) -> Any:
        nothing = templates.replace_as_expression("None")
        return self.get_definition_directive(node, directives.set_element_type, name, nothing)

    def visit_Call(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if not isinstance(node.func, gast.Attribute):
            return node
        name, count = node.func.attr, len(node.args) + len(node.keywords)
        if name == "append" and count == 1 and anno.hasanno(node.func.value, anno.Basic.QN):
            return self._append(node)
        if name == "pop" and count <= 1:
            return self._pop(node)
        if name == "stack" and len(node.args) == 1:
            return self._stack(node)
        return node

    def _append(self, node: Any) -> Any:
        return templates.replace(
            "target = ag__.list_append(target, element)",
            target=node.func.value,
            element=node.args[0],
        )

    def _pop(self, node: Any) -> Any:
        target = node.func.value
        named = anno.hasanno(target, anno.Basic.QN)
        stem = anno.getanno(target, anno.Basic.QN).ssf() if named else "list_"
        scope = anno.getanno(node, NodeAnno.ARGS_SCOPE, None) or anno.getanno(
            node, anno.Static.ARGS_SCOPE
        )
        name = self.ctx.namer.new_symbol(stem, scope.referenced)
        self.state[_Statement].pops.append((node, name))
        return templates.replace_as_expression("var_name", var_name=name)

    def _stack(self, node: Any) -> Any:
        return templates.replace_as_expression(
            "ag__.list_stack(target, opts=ag__.ListStackOpts(element_dtype=dtype, original_call=function))",
            target=node.args[0],
            dtype=self._directive(node.args[0], "dtype"),
            function=node.func,
        )

    def _popped(self, call: Any, name: str) -> list[Any]:
        """The statements that take an element before the statement that uses it."""
        target = call.func.value
        if anno.hasanno(target, anno.Basic.QN):
            assigned = target
        else:  # it has no name under which the shorter list could be kept
            assigned = gast.Name(self.ctx.namer.new_symbol("_", ()), gast.Store(), None, None)
        position = call.args[0] if call.args else templates.replace_as_expression("None")
        return templates.replace(
            """
            assigned, var_name = ag__.list_pop(
                target, position, opts=ag__.ListPopOpts(element_dtype=dtype, element_shape=shape))
            """,
            assigned=assigned,
            target=target,
            var_name=name,
            position=position,
            dtype=self._directive(target, "dtype"),
            shape=self._directive(target, "shape"),
        )

    def _after(self, node: Any) -> tuple[Any, Any]:
        before = [s for call, name in self.state[_Statement].pops for s in self._popped(call, name)]
        self.state[_Statement].exit()
        rest = node if isinstance(node, list | tuple) else [node]
        return [*before, *rest], None

    def _block(self, nodes: Any) -> Any:
        return self.visit_block(
            nodes, before_visit=self.state[_Statement].enter, after_visit=self._after
        )

    def visit_FunctionDef(self, node: Any) -> Any:
        node.args = self.generic_visit(node.args)
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.body = self._block(node.body)
        return node

    def visit_For(self, node: Any) -> Any:
        node.target, node.iter = self.visit(node.target), self.visit(node.iter)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node

    def visit_While(self, node: Any) -> Any:
        node.test = self.visit(node.test)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node

    visit_If = visit_While

    def visit_With(self, node: Any) -> Any:
        node.items = [self.visit(item) for item in node.items]
        node.body = self._block(node.body)
        return node


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the lists of a tree."""
    return ListTransformer(ctx).visit(node)
