"""Chains of casts."""

from penstock._src.core.dtypes import DType
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

(x,) = m.variables("x")


def holds(wide: DType, narrow: DType) -> bool:
    """True if every value of `narrow` is a value of `wide`."""
    if narrow.is_bool:
        return wide.is_integer or wide.is_floating
    if wide.is_floating and narrow.is_floating:
        if wide.size == narrow.size:
            return wide == narrow
        return wide.size > narrow.size and wide.size >= 4
    if wide.is_integer and narrow.is_integer:
        return wide.min <= narrow.min and wide.max >= narrow.max
    if wide.is_floating and narrow.is_integer:
        return {2: 0, 4: 2, 8: 4}.get(wide.size, 0) >= narrow.size
    return False


def _through(p: NodeMaker, node: Node, x: Node) -> Node | None:
    middle = node.args[0].dtype
    if not holds(middle, x.dtype):
        return None
    return x if x.dtype == node.dtype else p.cast(x, node.dtype)


CASTS = (
    rule(
        "cast(x) to its own dtype -> x",
        m.cast(x),
        lambda p, node, x: x if x.dtype == node.dtype else None,
    ),
    rule("cast(cast(x)) -> cast(x), the middle wide enough", m.cast(m.cast(x)), _through),
)
