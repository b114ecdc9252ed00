"""Directives, taken out of the code and kept at what they are about: `tensorflow.python.autograph.converters.directives`."""

from __future__ import annotations

import inspect
import types
from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.lang import directives
from penstock._src.bridge.python.autograph.pyct import anno
from penstock._src.function.autograph.public import set_loop_options


class _LoopScope:
    """A loop, or the function: the statements of its body so far."""

    def __init__(self) -> None:
        self.ast_node: Any = None
        self.statements_visited = 0


def _arguments(call: Any, directive: Any) -> dict[str, Any]:
    """Returns the trees of the arguments that a call gives, by parameter.

    Raises:
      ValueError: the directive does not take them.
    """
    names = list(inspect.signature(directive).parameters)
    if len(call.args) > len(names):
        raise ValueError(f"{directive.__name__} takes {len(names)} arguments: {', '.join(names)}")
    # Further keyword arguments are for other readers of the directive.
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    return {**dict(zip(names, call.args)), **named}


class DirectivesTransformer(converter.Base):
    """Removes calls of directives; their values become an annotation of a definition or a loop."""

    def _static(self, node: Any) -> Any:
        """The value of a name or attribute of a module that the function sees, without running any code of the program's."""
        if isinstance(node, gast.Name):
            if anno.getanno(node, anno.Static.DEFINITIONS, ()):
                return None  # the function's own
            return self.ctx.info.namespace.get(node.id)
        if isinstance(node, gast.Attribute):
            holder = self._static(node.value)
            return (
                getattr(holder, node.attr, None) if isinstance(holder, types.ModuleType) else None
            )
        return None

    def visit_Expr(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if not isinstance(node.value, gast.Call):
            return node
        called = self._static(node.value.func)
        if called is directives.set_element_type:
            self._about_symbol(node.value)
            return None
        if called is set_loop_options:
            self._about_loop(node.value)
            return None
        return node

    def _about_symbol(self, call: Any) -> None:
        directive = directives.set_element_type
        if not call.args:
            raise ValueError(
                f'"{directive.__name__}" requires a positional first argument as the target'
            )
        arguments = _arguments(call, directive)
        for definition in anno.getanno(call.args[0], anno.Static.DEFINITIONS, ()):
            definition.directives[directive] = arguments

    def _about_loop(self, call: Any) -> None:
        name, loop = set_loop_options.__name__, self.state[_LoopScope]
        if loop.statements_visited > 1:
            raise ValueError(f'"{name}" must be the first statement in the loop block')
        if loop.ast_node is None:
            raise ValueError(f'"{name}" must be used inside a statement')
        directives = anno.getanno(loop.ast_node, anno.Basic.DIRECTIVES, {})
        directives[set_loop_options] = _arguments(call, set_loop_options)
        anno.setanno(loop.ast_node, anno.Basic.DIRECTIVES, directives)

    def _count(self) -> None:
        self.state[_LoopScope].statements_visited += 1

    def _loop(self, node: Any) -> Any:
        for field in ("test", "target", "iter"):
            if hasattr(node, field):
                setattr(node, field, self.visit(getattr(node, field)))
        self.state[_LoopScope].enter()
        self.state[_LoopScope].ast_node = node
        node.body = self.visit_block(node.body, before_visit=self._count) or [gast.Pass()]
        self.state[_LoopScope].exit()
        node.orelse = self.visit_block(node.orelse)
        return node

    visit_While = visit_For = _loop


def transform(node: Any, ctx: Any) -> Any:
    """Takes the directives out of a tree."""
    return DirectivesTransformer(ctx).visit(node)
