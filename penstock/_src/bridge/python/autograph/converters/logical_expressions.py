"""Logical expressions as calls: `tensorflow.python.autograph.converters.logical_expressions`."""

from __future__ import annotations

import functools
from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import templates

LOGICAL_OPERATORS = {gast.And: "ag__.and_", gast.Not: "ag__.not_", gast.Or: "ag__.or_"}
EQUALITY_OPERATORS = {gast.Eq: "ag__.eq", gast.NotEq: "ag__.not_eq"}


def _both(operator: str, left: Any, right: Any) -> Any:
    return templates.replace_as_expression(
        f"{operator}(lambda: left, lambda: right)", left=left, right=right
    )


class LogicalExpressionTransformer(converter.Base):
    """Rewrites `and`, `or`, `not` and chains of comparisons; `==` and `!=` where the options ask for it."""

    def visit_Compare(self, node: Any) -> Any:
        node = self.generic_visit(node)
        equality = self.ctx.user.options.uses(converter.Feature.EQUALITY_OPERATORS)
        rewrites = equality and any(type(op) in EQUALITY_OPERATORS for op in node.ops)
        if len(node.ops) == 1 and not rewrites:
            return node
        parts, left = [], node.left
        for op, right in zip(node.ops, node.comparators):
            if equality and type(op) in EQUALITY_OPERATORS:
                function = EQUALITY_OPERATORS[type(op)]
                parts.append(
                    templates.replace_as_expression(
                        f"{function}(left, right)", left=left, right=right
                    )
                )
            else:
                parts.append(gast.Compare(left=left, ops=[op], comparators=[right]))
            left = right
        return functools.reduce(functools.partial(_both, "ag__.and_"), parts)

    def visit_UnaryOp(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if not isinstance(node.op, gast.Not):
            return node
        return templates.replace_as_expression("ag__.not_(operand)", operand=node.operand)

    def visit_BoolOp(self, node: Any) -> Any:
        node = self.generic_visit(node)
        *first, last = node.values
        operator = LOGICAL_OPERATORS[type(node.op)]
        return functools.reduce(lambda right, left: _both(operator, left, right), first[::-1], last)


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the logical expressions of a tree."""
    return LogicalExpressionTransformer(ctx).visit(node)
