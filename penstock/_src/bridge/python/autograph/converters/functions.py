"""Scopes around the bodies of functions: `tensorflow.python.autograph.converters.functions`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, templates
from penstock._src.bridge.python.autograph.pyct.static_analysis import activity
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno

# The annotation with the name of a function's scope, for other converters.
CONTEXT_NAME = "function_context_name"


class _Function:
    """A function that is being rewritten."""

    context_name: str | None = None


class FunctionTransformer(converter.Base):
    """Puts bodies of functions and lambdas into a `FunctionScope`; functions inside are marked as converted."""

    def _scope_name(self, node: Any) -> str:
        scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
        name = self.ctx.namer.new_symbol("fscope", scope.referenced)
        anno.setanno(node, CONTEXT_NAME, name)
        self.state[_Function].context_name = name
        return str(name)

    def _options(self) -> Any:
        """The options of this function: functions within it were not requested by the user."""
        options = self.ctx.user.options
        return (options if self.state[_Function].level <= 2 else options.call_options()).to_ast()

    def visit_Lambda(self, node: Any) -> Any:
        self.state[_Function].enter()
        name = self._scope_name(node)
        node = self.generic_visit(node)
        # The body alone is not the lambda's tree any more, so it is all of a call.
        node.body = templates.replace_as_expression(
            "ag__.with_function_scope(lambda function_context: body, context_name, options)",
            options=self._options(),
            function_context=name,
            context_name=gast.Constant(name, kind=None),
            body=node.body,
        )
        self.state[_Function].exit()
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        self.state[_Function].enter()
        name = self._scope_name(node)
        is_outermost = self.state[_Function].level <= 2
        node = self.generic_visit(node)
        if is_outermost:
            node.decorator_list = []  # they were applied to the function that is rewritten
        else:
            mark = templates.replace_as_expression("ag__.autograph_artifact")
            node.decorator_list.append(mark)
        body, documentation = list(node.body), []
        first = body[0]
        if isinstance(first, gast.Expr) and isinstance(first.value, gast.Constant):
            documentation, body = [first], body[1:] or [gast.Pass()]
        node.body = documentation + templates.replace(
            """
            with ag__.FunctionScope(function_name, context_name, options) as function_context:
                body
            """,
            function_name=gast.Constant(node.name, kind=None),
            context_name=gast.Constant(name, kind=None),
            options=self._options(),
            function_context=name,
            body=body,
        )
        self.state[_Function].exit()
        return node


def transform(node: Any, ctx: Any) -> Any:
    """Puts the bodies of a tree's functions into scopes."""
    return FunctionTransformer(ctx).visit(activity.resolve(node, ctx, None))
