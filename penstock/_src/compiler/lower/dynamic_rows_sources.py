"""Ops whose results have dynamic rows: `tf.where`, `tf.unique`, `tf.range` and `tf.fill` to a size that is computed."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.lower.dynamic_rows import bounded_shape
from penstock._src.compiler.lower.lowering import UNKNOWN_EXTENTS, Lowering, handler, raw_op
from penstock._src.compiler.lower.values import DynamicRows, Lowered
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_symbolic
from penstock._src.ir.node import Node

# Rows that are allocated whether or not they are used: a row with its number takes at least 16 bytes.
_MOST_ROWS = 1 << 27
# Pairs of elements that are compared each with each.
_MOST_PAIRS = 1 << 20
# Elements that are sorted to find equal ones; the table of the host kernel is several times as fast for more.
_MOST_SORTED = 1 << 11


def _array(value: Lowered) -> Node:
    if not isinstance(value, Node):
        raise NotLowerable("an array of known extent is required")
    if not value.size:
        raise NotLowerable("nothing is found in an empty array")
    if value.size > _MOST_ROWS:
        raise NotLowerable(
            "memory for all rows that there could be is too much; the host counts them first"
        )
    return value


def where_true(p: Any, mask: Node, values: Node) -> DynamicRows:
    """The elements of a vector where a mask holds, in order."""
    # The number of true elements before each one is its index among them.
    before = p.cumulative(p.cast(mask, dtypes.int32), "sum", 0, exclusive=True)
    count = p.reduce_sum(p.cast(mask, dtypes.int32), [0])
    # the others go after them: writing each somewhere is faster than a branch
    others = p.add(p.sub(p.iota(mask.shape, 0, dtypes.int32), before), count)
    place = p.expand_dims(p.select(mask, before, others), 1)
    empty = p.full(values.shape, 0, values.dtype)
    return DynamicRows(p.scatter(empty, place, values, op="set", unique=True), count)


@handler("Where")
def _where(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _array(args[0])
    if not x.rank:
        raise NotLowerable("a condition without axes")
    true = x if x.dtype == dtypes.bool_ else p.ne(x, p.constant(0, x.dtype))
    if p.is_for_cpu:
        rows, count = p.argwhere(true)
        unknown = any(map(is_symbolic, x.shape))
        p.assume(rows, 0, (_MOST_ROWS if unknown else max(x.shape)) - 1)
        p.assume(count, 0, _MOST_ROWS if unknown else x.size)
        return [DynamicRows(rows, count)]
    rows, count = places_by_sums(p, true)
    return [DynamicRows(rows, count)]


def places_by_sums(p: Any, true: Node) -> tuple[Node, Node]:
    """The indices [size, rank] of the true elements, by primitives that every device has; and how many there are. Other rows are not in use."""
    size = true.size
    indices = where_true(p, p.reshape(true, [size]), p.iota([size], 0, dtypes.int64))
    p.assume(indices.rows, 0, (_MOST_ROWS if is_symbolic(size) else size) - 1)
    columns: list[Node] = []
    rest = indices.rows
    for extent in reversed(true.shape[1:]):
        columns.insert(0, p.truncmod(rest, p.scalar(extent, dtypes.int64)))
        rest = p.truncdiv(rest, p.scalar(extent, dtypes.int64))
    columns.insert(0, rest)
    rows = p.concat([p.expand_dims(column, 1) for column in columns], 1)
    return rows, indices.count


@handler("Unique", "UniqueWithCounts")
def _unique(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x, out = lowering.p, _array(args[0]), raw_op(op).out_idx
    if x.rank != 1 or not (x.dtype.is_integer or x.dtype.is_floating):
        raise NotLowerable("only vectors of real numbers are sorted")
    size = x.shape[0]
    if not p.depth and size > _MOST_SORTED:
        raise NotLowerable("a table on the host finds equal elements sooner than a sort")
    places = p.iota([size], 0, dtypes.int32)
    ordered, origin = p.sort([x, places], 0)
    before = p.concat([p.slice(ordered, [0], [1]), p.slice(ordered, [0], [size - 1])], 0)
    starts = p.or_(p.eq(places, 0), p.ne(ordered, before))
    group = p.sub(p.cumulative(p.cast(starts, dtypes.int32), "sum", 0), 1)
    # the sort is stable: a group begins with the element that comes first
    zeros = p.full([size], 0, dtypes.int32)
    where = p.expand_dims(p.select(starts, group, -1), 1)
    first_of_group = p.scatter(zeros, where, origin, op="set")
    firsts = p.gather(first_of_group, group, 0)
    first = p.scatter(zeros, p.expand_dims(origin, 1), firsts, op="set", unique=True)
    is_first = p.eq(first, places)
    rank = p.cumulative(p.cast(is_first, dtypes.int32), "sum", 0, exclusive=True)
    index = p.gather(rank, first, 0)
    indices = where_true(p, is_first, x)
    results: list[Lowered] = [indices, p.cast(index, out)]
    if op.type == "UniqueWithCounts":
        ones = p.full([size], 1, out)
        counts = p.scatter(p.full([size], 0, out), p.expand_dims(index, 1), ones)
        results.append(DynamicRows(counts, indices.count))
    return results


@handler("ListDiff")
def _difference(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, (x, y), out = lowering.p, args, raw_op(op).out_idx
    if not isinstance(x, Node) or not isinstance(y, Node) or x.rank != 1 or y.rank != 1:
        raise NotLowerable("the operands of ListDiff are not vectors")
    known = p.known.value(x), p.known.value(y)
    if known[0] is not None and known[1] is not None:
        rest, places = raw_op(op).eager(*known)
        return [p.constant(rest, x.dtype), p.constant(places, out)]
    if not x.size or x.size * y.size > _MOST_PAIRS:
        raise NotLowerable("too many or no pairs to compare")
    pairs = p.eq(p.expand_dims(x, 1), p.expand_dims(y, 0))
    missing = p.not_(p.reduce_any(pairs, [1]))
    return [where_true(p, missing, x), where_true(p, missing, p.iota(x.shape, 0, out))]


def on_unknown_extent(*types: str) -> Any:
    """Registers a function that creates dynamic rows if an op of these classes needs the value of an extent."""

    def register(function: Any) -> Any:
        UNKNOWN_EXTENTS.update(dict.fromkeys(types, function))
        return function

    return register


@on_unknown_extent("Fill")
def _fill(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, extents, value = lowering.p, _array(args[0]), _array(args[1])
    count, shape = bounded_shape(p, extents, "dims")
    return [DynamicRows(p.broadcast_to(value, shape), count)]


@on_unknown_extent("Range")
def _range(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    start, limit, delta = (_array(a) for a in args)
    first, step = p.dims(start), p.dims(delta)
    if first is None or step is None or step[0] != 1 or not limit.dtype.is_integer:
        raise NotLowerable("needs the value of limit while compiling")
    length = p.maximum(p.sub(limit, start), 0)
    count, (most,) = bounded_shape(p, p.reshape(length, [1]), "limit")
    numbers = p.add(p.iota([most], 0, limit.dtype), start)
    return [DynamicRows(numbers, count)]


@on_unknown_extent("_UnsortedSegment")
def _segments(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, (data, ids) = lowering.p, [_array(a) for a in args[:2]]
    extents = p.reshape(_array(args[2]), [1])
    count, (most,) = bounded_shape(p, extents, "num_segments")
    inside = p.lt(p.cast(ids, dtypes.int64), p.cast(count, dtypes.int64))
    p.check(p.reduce_all(inside), f"{op.type}: segment_ids has an element that is out of range")
    whole = lowering.outputs_of(op, [data, ids, p.constant(most, extents.dtype)])
    return [DynamicRows(rows, count) for rows in whole if isinstance(rows, Node)]
