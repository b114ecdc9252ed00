"""Items as calls: `tensorflow.python.autograph.converters.slices`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.lang import directives
from penstock._src.bridge.python.autograph.pyct import templates


class SliceTransformer(converter.Base):
    """Rewrites `x[i]` and `x[i] = value` with a single index; lists of tensors need to know their elements' dtype."""

    def visit_Assign(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if len(node.targets) != 1:
            raise NotImplementedError("multiple assignment")
        target = node.targets[0]
        if not isinstance(target, gast.Subscript) or isinstance(
            target.slice, gast.Slice | gast.Tuple
        ):
            return node
        return templates.replace(
            "target = ag__.set_item(target, key, item)",
            target=target.value,
            key=target.slice,
            item=node.value,
        )

    def visit_Subscript(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if isinstance(node.slice, gast.Slice | gast.Tuple) or not isinstance(node.ctx, gast.Load):
            return node
        dtype = self.get_definition_directive(
            node.value,
            directives.set_element_type,
            "dtype",
            default=templates.replace_as_expression("None"),
        )
        return templates.replace_as_expression(
            "ag__.get_item(target, key, opts=ag__.GetItemOpts(element_dtype=dtype))",
            target=node.value,
            key=node.slice,
            dtype=dtype,
        )


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the items of a tree."""
    return SliceTransformer(ctx).visit(node)
