"""Reductions: factors that do not vary along the axes are moved out; together with hash-consing this is what batch
normalization's gradient needs.
"""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.typesets import NARROW
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import without
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

x, y = m.variables("x y")


def _nothing(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """A reduction over axes of extent 1 only."""
    axes = node.attrs["axes"]
    ones = [a for a in axes if dims.is_one(x.shape[a])]
    if len(ones) == len(axes):
        return p.reshape(x, node.shape) if axes else x
    if not ones:
        return None
    thinner = p.reshape(x, without(x.shape, ones))
    kept = [a - sum(o < a for o in ones) for a in axes if a not in ones]
    return p.reduce(thinner, node.op, kept)


def _constant_along(node: Node, axes: tuple[int, ...]) -> Node | None:
    """The argument of a broadcast that repeats along all these axes, or None."""
    if node.kind == "broadcast" and not set(axes) & set(node.attrs["axes"]):
        return node.args[0]
    return None


def _lower_axes(node: Node, axes: tuple[int, ...]) -> list[int]:
    """The axes of a broadcast's argument after the removal of `axes` of its result."""
    return [a - sum(g < a for g in axes) for a in node.attrs["axes"]]


def _sum_of_scaled(p: NodeMaker, node: Node, x: Node, y: Node) -> Node | None:
    """sum(x * c) -> sum(x) * c where c does not vary along the axes."""
    axes = node.attrs["axes"]
    for varying, fixed in ((x, y), (y, x)):
        inner = _constant_along(fixed, axes)
        if inner is not None and _constant_along(varying, axes) is None:
            scale = p.broadcast(inner, node.shape, _lower_axes(fixed, axes))
            return p.mul(p.reduce(varying, "sum", axes), scale)
    return None


def _of_broadcast(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """A reduction of a value that is repeated along (some of) the axes."""
    wide, axes = node.args[0], node.attrs["axes"]
    repeated = [a for a in axes if a not in wide.attrs["axes"]]
    if not repeated or any(wide.shape[a] == 0 for a in repeated) or node.op == "prod":
        return None
    shape = without(wide.shape, repeated)
    thinner = p.broadcast(x, shape, [a - sum(g < a for g in repeated) for a in wide.attrs["axes"]])
    kept = [a - sum(g < a for g in repeated) for a in axes if a not in repeated]
    result = p.reduce(thinner, node.op, kept) if kept else thinner
    if node.op != "sum":
        return result
    if not (node.dtype.is_floating or node.dtype.is_integer or node.dtype.is_complex):
        return None
    count = dims.product(wide.shape[a] for a in repeated)
    if _is_rounded(count, node.dtype):
        return None
    return p.mul(result, p.scalar(count, node.dtype))


def _is_rounded(count: int, dtype: DType) -> bool:
    """True if a narrow type may not represent a number of elements: float16 ends at 65504, a mantissa of 7 bits lacks 257."""
    if dtype not in NARROW:
        return False
    whole = 2 ** (dtypes.float_format(dtype.np).mantissa + 1)
    return type(count) is not int or count > whole


def _twice(p: NodeMaker, node: Node, x: Node) -> Node | None:
    inner = node.args[0]
    if inner.op != node.op:
        return None
    left = [i for i in range(x.rank) if i not in inner.attrs["axes"]]
    axes = [*inner.attrs["axes"], *[left[a] for a in node.attrs["axes"]]]
    return p.reduce(x, node.op, axes)


def _of_reshape(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """reduce(reshape(x)) -> reduce(x) where the reshape only adds axes of extent 1 that are reduced away."""
    wide, axes = node.args[0], node.attrs["axes"]
    if any(map(dims.is_one, x.shape)):
        return None
    left = [i for i, d in enumerate(wide.shape) if not dims.is_one(d)]
    if dims.shape_key([wide.shape[i] for i in left]) != dims.shape_key(x.shape):
        return None
    kept = [left.index(a) for a in axes if a in left]
    return p.reshape(p.reduce(x, node.op, kept) if kept else x, node.shape)


def _wraps(node: Node, **_: Any) -> bool:
    """True if a factor may be moved out of a sum, as integers wrap alike. Floats' sums could overflow, or be infinite less infinite, on one side only."""
    return node.dtype.is_integer


REDUCTION = (
    rule("reduce(x) over extents 1 -> reshape(x)", m.Apply("reduce", None, (x,)), _nothing),
    rule(
        "sum(-x) -> -sum(x)",
        m.reduce_sum(-x),
        lambda p, node, x: p.neg(p.reduce(x, "sum", node.attrs["axes"])),
    ),
    rule("sum(x * c) -> sum(x) * c, integers", m.reduce_sum(x * y), _sum_of_scaled, when=_wraps),
    rule(
        "reduce(repeat(x)) -> x, of sums times the count",
        m.Apply("reduce", None, (m.broadcast(x),)),
        _of_broadcast,
    ),
    rule(
        "reduce(reduce(x)) -> reduce(x)",
        m.Apply("reduce", None, (m.Apply("reduce", None, (x,)),)),
        _twice,
    ),
    rule(
        "reduce(reshape(x)) -> reduce(x), axes of extent 1",
        m.Apply("reduce", None, (m.reshape(x),)),
        _of_reshape,
    ),
)
