"""Reductions: a primitive if the body is a known binary operation, else pairwise combination along the axis."""

from collections.abc import Callable, Sequence

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.reduction import highest, lowest
from penstock._src.ops.xla.translation.body import expression
from penstock._src.ops.xla.translation.translate import Translation, ints, translates
from penstock._src.stablehlo.module import HloBlock, HloOperation

Combine = Callable[..., list[Node]]

# Single-operation body -> the primitive's name, for numbers and for bools.
_NUMBERS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
_BOOLS = {
    "add": "any",
    "or": "any",
    "maximum": "any",
    "and": "all",
    "multiply": "all",
    "minimum": "all",
}
_AGAIN = {
    "sum": "add",
    "prod": "mul",
    "max": "maximum",
    "min": "minimum",
    "any": "or_",
    "all": "and_",
}


def reduction_of(block: HloBlock, x: Node) -> str | None:
    """The primitive equivalent to a body: "sum", "max", ...; None for other functions."""
    if len(block.operations) != 2 or len(block.arguments) != 2:
        return None
    body, last = block.operations
    operands = {id(v) for v in body.operands}
    if last.operands != body.results or operands != {id(v) for v in block.arguments}:
        return None
    if x.dtype.is_complex and body.name in ("maximum", "minimum"):
        return None
    return (_BOOLS if x.dtype.is_bool else _NUMBERS).get(body.name)


def is_identity(t: Translation, name: str, init: Node) -> bool:
    """True if the initial value of a reduction is its identity."""
    known = t.p.value(init)
    if known is None:
        return False
    dtype = np.dtype(init.dtype.np)
    identities = {"sum": 0, "prod": 1, "any": False, "all": True}
    if name in ("max", "min"):
        return bool(np.all(known == (lowest if name == "max" else highest)(dtype)))
    return bool(np.all(known == identities[name]))


def combined(t: Translation, name: str, x: Node, init: Node) -> Node:
    """A reduction's result combined with its initial value, unless that is the identity."""
    if is_identity(t, name, init):
        return x
    return getattr(t.p, _AGAIN[name])(x, init)


@translates("reduce")
def reduce(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """Reduces one or several operands along axes."""
    half = len(operands) // 2
    xs, inits = list(operands[:half]), list(operands[half:])
    block, axes = operation.regions[0].block, ints(operation, "dimensions")
    name = reduction_of(block, xs[0]) if half == 1 else None
    if name is not None:
        return [combined(t, name, t.p.reduce(xs[0], name, axes), inits[0])]
    if half == 2 and len(axes) == 1:
        extreme = _extreme(t, block, xs, inits, axes[0])
        if extreme is not None:
            return extreme
    rest = [i for i in range(xs[0].rank) if i not in axes]
    flat = [_axes_first(t, x, axes, rest) for x in xs]
    return folded(t, t.function(block), flat, inits)


def _axes_first(t: Translation, x: Node, axes: Sequence[int], rest: Sequence[int]) -> Node:
    """The reduced axes merged into one leading axis."""
    moved = t.p.transpose(x, [*axes, *rest])
    return t.p.reshape(moved, [-1, *[x.shape[i] for i in rest]])


def folded(t: Translation, combine: Combine, xs: list[Node], inits: Sequence[Node]) -> list[Node]:
    """Combines adjacent elements along the first axis in log2(n) rounds.

    StableHLO does not specify the grouping, only the order of the elements.
    """
    p = t.p
    shape = xs[0].shape[1:]
    wide = [p.broadcast_to(init, shape) for init in inits]
    count = int(xs[0].shape[0])
    if not count:
        return wide
    while count > 1:
        pairs = count // 2
        left = [p.slice_axis(x, 0, 0, 2 * pairs, 2) for x in xs]
        right = [p.slice_axis(x, 0, 1, 2 * pairs, 2) for x in xs]
        combined = [p.broadcast_to(y, x.shape) for x, y in zip(left, combine(*left, *right))]
        if count % 2:
            combined = [
                p.concat([y, p.slice_axis(x, 0, count - 1, count)], 0) for x, y in zip(xs, combined)
            ]
        xs, count = combined, pairs + count % 2
    return combine(*wide, *[p.reshape(x, shape) for x in xs])


# JAX's bodies of argmax and argmin over values a and indices i: (value selection, index selection).
def _extremes() -> dict[str, str]:
    kinds = {}
    for word, kind in (("GT", "max"), ("LT", "min")):
        for take in (f"or({word}(a,b),NE(a,a))", f"{word}(a,b)"):
            index = f"or({take},and(EQ(a,b),LT(i,j)))"
            kinds[f"select({take},a,b) select({index},i,j)"] = kind
    return kinds


_EXTREMES = _extremes()


def _extreme(
    t: Translation, block: HloBlock, xs: list[Node], inits: list[Node], axis: int
) -> list[Node] | None:
    """The largest or smallest value and its first index; the first NaN wins both."""
    p = t.p
    kind = _EXTREMES.get(" ".join(expression(block, ["a", "i", "b", "j"])))
    if kind is None or not is_identity(t, kind, inits[0]) or not xs[0].shape[axis]:
        return None
    x, places = xs
    best = p.reduce(x, kind, axis)
    shape = [1 if i == axis else d for i, d in enumerate(x.shape)]
    is_best = p.eq(x, p.broadcast_to(p.reshape(best, shape), x.shape))
    if x.dtype.is_floating:
        is_best = p.or_(is_best, p.is_nan(x))
    none = p.constant(np.iinfo(places.dtype.np).max, places.dtype)
    return [best, p.reduce_min(p.select(is_best, places, none), axis)]


@translates("unary_einsum")
def unary_einsum(t: Translation, operation: HloOperation, x: Node) -> Node:
    """A sum over the letters missing on the right-hand side, transposed to its order."""
    left, right = operation.attribute("einsum_config").split("->")
    summed = t.p.reduce_sum(x, [i for i, letter in enumerate(left) if letter not in right])
    kept = [letter for letter in left if letter in right]
    return t.p.transpose(summed, [kept.index(letter) for letter in right])


@translates("all_reduce", "all_gather", "all_to_all", "reduce_scatter", "collective_broadcast")
def alone(_t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """A collective with one participant returns its operand."""
    groups = np.asarray(operation.attribute("replica_groups"))
    if groups.size > 1:
        raise UnimplementedError(
            f"XlaCallModule: {operation.name} of {groups.size} participants is not implemented."
        )
    return list(operands)


@translates("partition_id", "replica_id")
def first(t: Translation, _operation: HloOperation) -> Node:
    """The index of the only participant."""
    return t.p.constant(0, dtypes.uint32)
