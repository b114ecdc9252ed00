"""`a if test else b` as calls: `tensorflow.python.autograph.converters.conditional_expressions`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import parser, templates


class ConditionalExpressionTransformer(converter.Base):
    """Rewrites conditional expressions; only the chosen operand is computed."""

    def visit_IfExp(self, node: Any) -> Any:
        text = parser.unparse(node, include_encoding_marker=False).strip()
        node = self.generic_visit(node)
        return templates.replace_as_expression(
            "ag__.if_exp(test, lambda: true_expr, lambda: false_expr, text)",
            test=node.test,
            true_expr=node.body,
            false_expr=node.orelse,
            text=gast.Constant(text, kind=None),
        )


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the conditional expressions of a tree."""
    return ConditionalExpressionTransformer(ctx).visit(node)
