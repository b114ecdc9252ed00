"""Reads of variables, which may have no value yet, as calls: `tensorflow.python.autograph.converters.variables`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, templates


class VariableAccessTransformer(converter.Base):
    """Rewrites reads of the function's own names, and deletions of them, which leave them without a value."""

    def visit_Name(self, node: Any) -> Any:
        # Names that other rewrites have added always have values.
        is_users = anno.hasanno(node, anno.Static.ORIG_DEFINITIONS)
        if not is_users or not isinstance(node.ctx, gast.Load):
            return node
        return templates.replace_as_expression("ag__.ld(var_)", var_=node)

    def visit_Delete(self, node: Any) -> Any:
        node = self.generic_visit(node)
        statements: list[Any] = []
        kept: list[Any] = []
        for target in node.targets:
            if isinstance(target, gast.Name):
                statements += templates.replace(
                    "var_ = ag__.Undefined(var_name)",
                    var_=target,
                    var_name=gast.Constant(target.id, kind=None),
                )
            else:
                kept.append(target)
        return [*([gast.Delete(targets=kept)] if kept else []), *statements]

    def visit_AugAssign(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if not isinstance(node.target, gast.Name):
            return node
        before = templates.replace("var_ = ag__.ld(var_)", var_=node.target)
        return [*before, node]


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the variables of a tree."""
    return VariableAccessTransformer(ctx).visit(node)
