"""Calls, whose functions are converted when they are called: `tensorflow.python.autograph.converters.call_trees`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.converters.functions import CONTEXT_NAME
from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, parser, templates

# Debuggers stop where they are called.
_LEFT_ALONE = ("pdb.set_trace", "ipdb.set_trace", "breakpoint")


class _Function:
    """A function that is being rewritten."""

    context_name: str | None = None


class CallTreeTransformer(converter.Base):
    """Rewrites `f(x, y=1)` into `ag__.converted_call(f, (x,), dict(y=1), scope)`, the scope being the function's."""

    def _function(self, node: Any) -> Any:
        self.state[_Function].enter()
        self.state[_Function].context_name = anno.getanno(node, CONTEXT_NAME, None)
        node.args = self.visit(node.args)
        if isinstance(node, gast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = self.visit_block(node.body)
        self.state[_Function].exit()
        return node

    visit_Lambda = _function

    def visit_FunctionDef(self, node: Any) -> Any:
        # Decorators are called where the function is defined, by Python.
        node.decorator_list = [self._decorator(decorator) for decorator in node.decorator_list]
        return self._function(node)

    def _decorator(self, node: Any) -> Any:
        return node if _name(node).startswith("ag__.") else self.visit(node)

    def visit_With(self, node: Any) -> Any:
        # Context managers are those of Python.
        node.body = self.visit_block(node.body)
        return node

    def visit_Call(self, node: Any) -> Any:
        name = _name(node.func)
        node = self.generic_visit(node)
        own = f"{self.state[_Function].context_name}."
        if name.startswith(("ag__.", own)) or name in _LEFT_ALONE:
            return node
        if name == "print" and not self.ctx.user.options.uses(converter.Feature.BUILTIN_FUNCTIONS):
            return node
        return templates.replace_as_expression(
            "ag__.converted_call(func, args, kwargs, function_ctx)",
            func=node.func,
            args=gast.Tuple(elts=node.args, ctx=gast.Load()),
            kwargs=self._keywords(node.keywords),
            function_ctx=self.state[_Function].context_name or "None",
        )

    def _keywords(self, keywords: Any) -> Any:
        if not keywords:
            return parser.parse_expression("None")
        call = parser.parse_expression("dict()")
        call.keywords = keywords
        return call


def _name(node: Any) -> str:
    return str(anno.getanno(node, anno.Basic.QN, ""))


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the calls of a tree."""
    return CallTreeTransformer(ctx).visit(node)
