"""Reductions over windows, and the gradient of max pooling."""

from collections.abc import Sequence

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.reduction import lowest
from penstock._src.ops.xla.products import cut
from penstock._src.ops.xla.translation.indexing import combine_at
from penstock._src.ops.xla.translation.reduction import (
    combined,
    folded,
    is_identity,
    reduction_of,
)
from penstock._src.ops.xla.translation.translate import Translation, ints, translates
from penstock._src.stablehlo.module import HloBlock, HloOperation
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class ReduceWindow:
    """The window parameters for each axis; padding is a pair."""

    sizes: list[int]
    strides: list[int]
    base_dilations: list[int]
    dilations: list[int]
    padding: list[tuple[int, int]]


def window_of(operation: HloOperation, rank: int) -> ReduceWindow:
    """The window of an operation's attributes, with neutral defaults."""

    def optional(name: str, default: int, count: int = rank) -> list[int]:
        numbers = ints(operation, name) if operation.attributes.get(name) is not None else []
        return numbers or [default] * count

    edges = optional("padding", 0, 2 * rank)
    return ReduceWindow(
        optional("window_dimensions", 1),
        optional("window_strides", 1),
        optional("base_dilations", 1),
        optional("window_dilations", 1),
        list(zip(edges[::2], edges[1::2])),
    )


@translates("reduce_window")
def reduce_window(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """Reduces every window."""
    half = len(operands) // 2
    window = window_of(operation, operands[0].rank)
    block = operation.regions[0].block
    return reduced_windows(t, block, window, operands[:half], operands[half:])


def reduced_windows(
    t: Translation, block: HloBlock, window: ReduceWindow, xs: Sequence[Node], inits: Sequence[Node]
) -> list[Node]:
    """Reduces every window with the function of a block."""
    rank = xs[0].rank
    name = reduction_of(block, xs[0]) if len(xs) == 1 else None
    if name is not None:
        running = _running(t, window, name, xs[0], inits[0])
        if running is not None:
            return [running]
    views = [_windows(t, window, x, init) for x, init in zip(xs, inits)]
    if name is not None:
        reduced = t.p.reduce(views[0], name, list(range(rank, 2 * rank)))
        return [combined(t, name, reduced, inits[0])]
    return folded(t, t.function(block), [_offsets_first(t, view) for view in views], inits)


def _offsets_first(t: Translation, view: Node) -> Node:
    """Windows with their offsets merged into one leading axis."""
    rank = view.rank // 2
    moved = t.p.transpose(view, [*range(rank, 2 * rank), *range(rank)])
    return t.p.reshape(moved, [-1, *view.shape[:rank]])


def _windows(t: Translation, window: ReduceWindow, x: Node, fill: Node) -> Node:
    """A view of every window of x; the offset axes come last."""
    axes = list(range(x.rank))
    dilations = list(window.base_dilations)
    x, padding = cut(t.p, x, axes, dilations, window.padding)
    return t.p.windows(
        x,
        axes=axes,
        size=window.sizes,
        strides=window.strides,
        dilations=window.dilations,
        low=[low for low, _ in padding],
        high=[high for _, high in padding],
        base_dilations=dilations,
        value=fill,
    )


def _running(t: Translation, window: ReduceWindow, name: str, x: Node, init: Node) -> Node | None:
    """A cumulative reduction if windows cover everything before (or after) along one axis, else None."""
    axes = [i for i, n in enumerate(window.sizes) if n > 1]
    is_plain = {*window.strides, *window.base_dilations, *window.dilations} <= {1}
    if len(axes) != 1 or not is_plain or name in ("any", "all") or not is_identity(t, name, init):
        return None
    (axis,), padding = axes, list(window.padding)
    extent = int(x.shape[axis])
    edges = padding.pop(axis)
    if window.sizes[axis] != extent or any(low or high for low, high in padding):
        return None
    if edges not in ((extent - 1, 0), (0, extent - 1)):
        return None
    return t.p.cumulative(x, name, axis, reverse=edges[0] == 0)


@translates("select_and_scatter")
def select_and_scatter(
    t: Translation, operation: HloOperation, x: Node, source: Node, init: Node
) -> Node:
    """Adds each value of `source` to the element that `select` chooses in its window of x."""
    p = t.p
    window = window_of(operation, x.rank)
    places = p.reshape(p.iota([x.size], 0, dtypes.int64), x.shape)
    nothing = [p.constant(_least(x), x.dtype), p.constant(-1, dtypes.int64)]
    views = [
        _offsets_first(t, _windows(t, window, each, fill))
        for each, fill in zip((x, places), nothing)
    ]
    select, scatter = (t.function(region.block) for region in operation.regions)

    def chosen(a: Node, i: Node, b: Node, j: Node) -> list[Node]:
        # positions outside x (-1) are never selected
        (first,) = select(a, b)
        first = p.or_(p.lt(j, 0), p.and_(first, p.ge(i, 0)))
        return [p.select(first, a, b), p.select(first, i, j)]

    _, where = folded(t, chosen, views, nothing)
    start = p.broadcast_to(init, [x.size])
    flat = p.reshape(where, [-1]), p.reshape(source, [-1])
    block = operation.regions[1].block
    return p.reshape(combine_at(t, start, *flat, block, scatter), x.shape)


def _least(x: Node) -> float | int | bool:
    return lowest(np.dtype(x.dtype.np)) if not x.dtype.is_floating else -np.inf
