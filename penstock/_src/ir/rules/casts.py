"""Chains of casts."""

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

# Integers of a few bits, which compiled code neither reads nor holds, and the bytes that hold their values.
_BYTES = {
    dtypes.int4: dtypes.int8,
    dtypes.int2: dtypes.int8,
    dtypes.uint4: dtypes.uint8,
    dtypes.uint2: dtypes.uint8,
}
# Kinds of nodes whose elements are those of an argument.
_MOVEMENTS = frozenset("reshape transpose broadcast slice reverse concat gather".split())

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


def _of_stored_bytes(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """cast(constant of 4 or 2 bits, or a part of it) -> cast of the same numbers as bytes, which compiled code can read."""
    wide = _BYTES.get(x.dtype)
    if wide is None:
        return None
    if x.kind == "constant":
        return p.cast(p.constant(x.attrs["value"].astype(wide.np), wide), node.dtype)
    if x.kind not in _MOVEMENTS:
        return None
    args = tuple([p.cast(arg, wide) if arg.dtype == x.dtype else arg for arg in x.args])
    return p.cast(p.make(x.kind, args, **x.attrs), node.dtype)


def _low_bits(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """cast(cast(integer) to 4 or 2 bits) -> cast of the low bits, extended by their sign."""
    middle = node.args[0].dtype
    if middle not in _BYTES or not x.dtype.is_integer or x.dtype in _BYTES:
        return None
    bits = int(middle.max - middle.min).bit_length()
    if middle.is_unsigned:
        return p.cast(p.and_(x, (1 << bits) - 1), node.dtype)
    signed = p.cast(x, dtypes.int32)
    shift = 32 - bits
    return p.cast(p.shift_right(p.shift_left(signed, shift), shift), node.dtype)


CASTS = (
    rule(
        "cast(x) to its own dtype -> x",
        m.cast(x),
        lambda p, node, x: x if x.dtype == node.dtype else None,
    ),
    rule("cast(cast(x)) -> cast(x), the middle wide enough", m.cast(m.cast(x)), _through),
    rule(
        "cast(cast(x)) -> cast(low bits of x), the middle of few bits", m.cast(m.cast(x)), _low_bits
    ),
    rule("cast(movement of few bits) -> cast(movement of bytes)", m.cast(x), _of_stored_bytes),
)
