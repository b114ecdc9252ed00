"""General gathers and scatters.

Both address elements by an index vector and an offset inside a window. Common forms (whole slices along leading axes or one
axis) map directly to primitives; the others use indices into the flattened array.
"""

from collections.abc import Callable, Sequence

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.reduction import reduction_of
from penstock._src.ops.xla.translation.translate import Translation, ints, place_of, translates
from penstock._src.stablehlo.module import HloBlock, HloOperation
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Addressing:
    """Mapping of index vectors and windows to an operand.

    `mapped`: the operand's axis for each element of an index vector. `gone`: the operand's axes that windows do not have.
    `batch`: pairs (operand's axis, axis of the indices) of batch axes. `window`: the axes of windows in the result.
    `sizes`: window sizes along every axis of the operand.
    """

    mapped: list[int]
    gone: list[int]
    batch: list[tuple[int, int]]
    window: list[int]
    sizes: list[int]

    @property
    def kept(self) -> list[int]:
        """The operand's axes that remain in windows, in order."""
        out = {*self.gone, *(axis for axis, _ in self.batch)}
        return [i for i in range(len(self.sizes)) if i not in out]


def _index_dtype(x: Node) -> DType:
    return dtypes.int64 if int(x.size) >= 1 << 31 else dtypes.int32


def _vectors(t: Translation, indices: Node, axis: int, dtype: DType) -> Node:
    """The indices, transposed so that index vectors are along the last axis."""
    p = t.p
    if axis == indices.rank:
        indices = p.expand_dims(indices, axis)
    order = [i for i in range(indices.rank) if i != axis] + [axis]
    return p.cast(p.transpose(indices, order), dtype)


def _flat_places(
    t: Translation, x: Node, starts: Node, how: Addressing, shape: Sequence[int]
) -> Node:
    """The index into the flattened x of every window element, in the result's `shape`."""
    p, dtype = t.p, starts.dtype
    outer = [i for i in range(len(shape)) if i not in how.window]
    strides = [dims.product(x.shape[i + 1 :]) for i in range(x.rank)]
    total = p.constant(0, dtype)
    for number, axis in enumerate(how.mapped):
        start = p.take_index(starts, starts.rank - 1, number)
        spread = p.broadcast(start, shape, outer)
        total = p.add(total, p.mul(spread, p.scalar(strides[axis], dtype)))
    for axis, place in how.batch:
        own = p.iota(shape, outer[place], dtype)
        total = p.add(total, p.mul(own, p.scalar(strides[axis], dtype)))
    for axis, place in zip(how.kept, how.window):
        if how.sizes[axis] != 1:
            offset = p.iota(shape, place, dtype)
            total = p.add(total, p.mul(offset, p.scalar(strides[axis], dtype)))
    return p.broadcast_to(total, shape)


def _batch_pairs(operation: HloOperation, own: str, other: str, index_axis: int) -> list:
    """Pairs of batch axes; axes of the indices are numbered without the index vector axis."""
    if own not in operation.attributes:
        return []
    places = [a - (a > index_axis) for a in ints(operation, other)]
    return list(zip(ints(operation, own), places))


@translates("gather")
def gather(t: Translation, operation: HloOperation, x: Node, indices: Node) -> Node:
    """Windows of x at index vectors, clamped so that they fit."""
    return _gather(t, operation, x, indices, ints(operation, "slice_sizes"))


@translates("dynamic_gather")
def dynamic_gather(
    t: Translation, operation: HloOperation, x: Node, indices: Node, sizes: Node
) -> Node:
    """A gather of windows with computed sizes."""
    return _gather(t, operation, x, indices, t.extents(sizes))


def _gather(
    t: Translation, operation: HloOperation, x: Node, indices: Node, sizes: list[int]
) -> Node:
    p, axis = t.p, operation.attribute("index_vector_dim")
    how = Addressing(
        mapped=ints(operation, "start_index_map"),
        gone=ints(operation, "collapsed_slice_dims"),
        batch=_batch_pairs(operation, "operand_batching_dims", "start_indices_batching_dims", axis),
        window=ints(operation, "offset_dims"),
        sizes=sizes,
    )
    starts = _vectors(t, indices, axis, _index_dtype(x))
    outer = list(starts.shape[:-1])
    inside = [sizes[i] for i in how.kept]
    shape = _laid(outer, inside, how.window)
    if not dims.product(shape):
        return p.full(shape, 0, x.dtype)
    if _takes_whole_slices(x, how):
        return _whole_slices(t, x, starts, how)
    last = [x.shape[i] - sizes[i] for i in how.mapped]
    starts = p.minimum(p.maximum(starts, 0), p.shape_value(last, starts.dtype))
    places = _flat_places(t, x, starts, how, shape)
    return p.gather(p.reshape(x, [-1]), places, 0)


def _laid(outer: Sequence[int], inside: Sequence[int], window: Sequence[int]) -> list[int]:
    """The shape of a result: `inside` at the axes `window`, `outer` at the others."""
    rest, own = iter(outer), dict(zip(window, inside))
    return [own[i] if i in own else next(rest) for i in range(len(outer) + len(inside))]


def _takes_whole_slices(x: Node, how: Addressing) -> bool:
    """True if windows span all axes except one, which has size 1 and is removed."""
    if len(how.mapped) != 1 or how.gone != how.mapped or how.batch:
        return False
    return all(how.sizes[i] == x.shape[i] for i in how.kept)


def _whole_slices(t: Translation, x: Node, starts: Node, how: Addressing) -> Node:
    p = t.p
    (axis,) = how.mapped
    taken = p.gather(x, p.take_index(starts, starts.rank - 1, 0), axis)
    count = starts.rank - 1  # axes of the indices, which stand where `axis` was
    own = [*range(axis), *range(axis + count, taken.rank)]
    indexed = iter(range(axis, axis + count))
    places = dict(zip(how.window, own))
    return p.transpose(
        taken, [places[i] if i in places else next(indexed) for i in range(taken.rank)]
    )


@translates("scatter")
def scatter(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """x with windows of updates combined at index vectors; windows that do not fit are dropped."""
    if len(operands) != 3:
        raise UnimplementedError(
            f"XlaCallModule: a scatter into several arrays is not implemented{place_of(operation)}."
        )
    x, indices, updates = operands
    p, axis = t.p, operation.attribute("index_vector_dim")
    if not updates.size:
        return [x]
    window = ints(operation, "update_window_dims")
    batch = _batch_pairs(operation, "input_batching_dims", "scatter_indices_batching_dims", axis)
    how = Addressing(
        mapped=ints(operation, "scatter_dims_to_operand_dims"),
        gone=ints(operation, "inserted_window_dims"),
        batch=batch,
        window=window,
        sizes=[1] * x.rank,
    )
    for operand_axis, place in zip(how.kept, window):
        how.sizes[operand_axis] = updates.shape[place]
    starts = _vectors(t, indices, axis, _index_dtype(x))
    block = operation.regions[0].block
    combine = t.function(block)
    if _sets_leading_slices(x, updates, starts, how):
        kind = _kind(block, x)
        if kind is not None:
            return [p.scatter(x, starts, updates, kind)]
    places = _flat_places(t, x, starts, how, updates.shape)
    fits = _fits(t, x, starts, how)
    outer = [i for i in range(updates.rank) if i not in window]
    if fits is not None:
        places = p.select(p.broadcast(fits, updates.shape, outer), places, -1)
    combined = combine_at(
        t, p.reshape(x, [-1]), p.reshape(places, [-1]), p.reshape(updates, [-1]), block, combine
    )
    return [p.reshape(combined, x.shape)]


def _sets_leading_slices(x: Node, updates: Node, starts: Node, how: Addressing) -> bool:
    count = len(how.mapped)
    leading = list(range(count))
    if how.mapped != leading or how.gone != leading or how.batch:
        return False
    if how.window != list(range(starts.rank - 1, updates.rank)):
        return False
    return all(how.sizes[i] == x.shape[i] for i in how.kept)


def _fits(t: Translation, x: Node, starts: Node, how: Addressing) -> Node | None:
    """Return True where a window lies inside x; None without index vectors."""
    p = t.p
    if not how.mapped:
        return None
    last = p.shape_value([x.shape[i] - how.sizes[i] for i in how.mapped], starts.dtype)
    inside = p.and_(p.ge(starts, 0), p.le(starts, last))
    return p.reduce_all(inside, [starts.rank - 1])


def _kind(block: HloBlock, x: Node) -> str | None:
    """The scatter primitive equivalent to a body, or None."""
    last = block.operations[-1]
    if len(block.operations) == 1 and last.operands == block.arguments[1:]:
        return "set"
    kind = {"sum": "add", "prod": "mul", "max": "max", "min": "min"}
    return kind.get(reduction_of(block, x) or "")


def combine_at(
    t: Translation,
    x: Node,
    places: Node,
    updates: Node,
    block: HloBlock,
    combine: Callable[..., list[Node]],
) -> Node:
    """x with updates combined at indices, in order; indices out of range are dropped. All are vectors."""
    p = t.p
    kind = _kind(block, x)
    if kind is not None:
        return p.scatter(x, p.expand_dims(places, 1), updates, kind)
    count, extent = int(updates.shape[0]), int(x.shape[0])

    def step(number: Node, whole: Node) -> list[Node]:
        place = p.dynamic_index(places, number)
        old = p.dynamic_index(whole, place)
        (new,) = combine(old, p.dynamic_index(updates, number))
        inside = p.and_(p.ge(place, 0), p.lt(place, extent))
        new = p.select(inside, new, old)
        return [p.add(number, 1), p.dynamic_set_index(whole, place, new)]

    start = p.constant(0, dtypes.int32)
    _, final = p.while_(lambda number, _: p.lt(number, count), step, [start, x], max_trips=count)
    return final


@translates("torch_index_select")
def torch_index_select(t: Translation, operation: HloOperation, x: Node, indices: Node) -> Node:
    """Slices along an axis at indices."""
    axis, batch = operation.attribute("dim"), operation.attribute("batch_dims")
    return t.p.gather(x, indices, axis, batch)
