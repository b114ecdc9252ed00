"""Ops on `DynamicRows`.

Ops that treat rows independently process the whole buffer; ops across rows mask the unused rows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.dynamic_rows import (
    aligned,
    as_dynamic_rows,
    by_rows,
    filled,
    number,
    padded,
    same_number,
    valid,
)
from penstock._src.compiler.lower.lowering import (
    HANDLERS,
    Lowering,
    on_dynamic_rows,
    raw_op,
)
from penstock._src.compiler.lower.values import DynamicRows, Lowered
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ops.array.scatter import combined
from penstock._src.ops.array.slice import cut


def _refuse(op: Operation, why: str = "has a data-dependent number of rows") -> NotLowerable:
    return NotLowerable(f"{op.type}: an input {why}")


def _nodes(op: Operation, args: Sequence[Lowered]) -> list[Node]:
    """Arguments that must have known extents."""
    if not all(isinstance(a, Node) for a in args):
        raise _refuse(op)
    return list(args)  # type: ignore[arg-type]


def _rows(op: Operation, value: Lowered) -> DynamicRows:
    if not isinstance(value, DynamicRows):
        raise _refuse(op)
    return value


def _value(p: LoweringContext, op: Operation, node: Lowered) -> np.ndarray:
    """The value of an argument that must be known."""
    (node,) = _nodes(op, [node])
    known = p.value(node)
    if known is None:
        raise _refuse(op, "is not known")
    return np.asarray(known)


def _axis(axis: int, rank: int) -> int:
    return int(axis) + rank if axis < 0 else int(axis)


@on_dynamic_rows("Op")
def _by_facts(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    """Ops that have no handler of their own."""
    if op.raw_op.elements.is_elementwise:
        return _elementwise(lowering, op, args)
    if op.raw_op.elements.is_row_wise:
        return _each_row(lowering, op, args)
    raise _refuse(op)


@on_dynamic_rows("PackedMatMul")
def _packed_product(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    if raw_op(op).bfloat16_rows:
        # The rows of the buffer are more than those that count.
        raise _refuse(op, "rounds by the number of rows")
    return _each_row(lowering, op, args)


def _elementwise(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    rank = max(a.rank for a in args if isinstance(a, (Node, DynamicRows)))
    wide = [i for i, a in enumerate(args) if _has_rows(op, a, rank)]
    rows = [as_dynamic_rows(p, args[i]) for i in wide]
    # `==` of tensors whose shapes do not fit is one value, not an error.
    if getattr(raw_op(op), "incompatible_shape_error", True) is False and not all(
        same_number(p, one.count, rows[0].count) for one in rows
    ):
        raise _refuse(op, "compares tensors whose numbers of rows may differ")
    same = dict(zip(wide, aligned(p, op, rows)))
    values = [same[i].rows if i in same else a for i, a in enumerate(args)]
    return by_rows(lowering, op, values, same[wide[0]].count)


def _each_row(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    x = _rows(op, args[0])
    raw = raw_op(op)
    if x.rank < 2 or getattr(raw, "transpose_a", False) or "NCHW" in raw.attrs.values():
        raise _refuse(op)
    return by_rows(lowering, op, [x.rows, *_nodes(op, args[1:])], x.count)


def _has_rows(op: Operation, value: Lowered, rank: int) -> bool:
    """True if an argument's first axis is that of the dynamic rows, not a broadcast one."""
    if isinstance(value, DynamicRows):
        if value.rank != rank:
            raise _refuse(op, "has fewer axes than another")
        return True
    return isinstance(value, Node) and value.rank == rank and value.shape[0] != 1


# -- shapes


@on_dynamic_rows("Shape")
def _shape(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x, dtype = lowering.p, _rows(op, args[0]), raw_op(op).out_type
    first = p.reshape(p.cast(x.count, dtype), [1])
    return [p.concat([first, p.shape_value(x.rows.shape[1:], dtype)], 0)]


@on_dynamic_rows("Size")
def _size(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x, dtype = lowering.p, _rows(op, args[0]), raw_op(op).out_type
    return [p.mul(p.cast(x.count, dtype), p.scalar(_row_size(x), dtype))]


@on_dynamic_rows("Rank")
def _rank(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return [lowering.p.constant(_rows(op, args[0]).rank, dtypes.int32)]


def _row_size(x: DynamicRows) -> int:
    return dims.product(x.rows.shape[1:])


@on_dynamic_rows("ExpandDims")
def _expand(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _rows(op, args[0])
    axis = _axis(int(_value(p, op, args[1])), x.rank + 1)
    if axis == 0:
        raise _refuse(op)
    return [DynamicRows(p.expand_dims(x.rows, axis), x.count)]


@on_dynamic_rows("Squeeze")
def _squeeze(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _rows(op, args[0])
    axes = sorted(_axis(a, x.rank) for a in raw_op(op).squeeze_dims)
    if not axes or axes[0] == 0 or any(x.rows.shape[a] != 1 for a in axes):
        raise _refuse(op)
    return [DynamicRows(p.squeeze(x.rows, axes), x.count)]


@on_dynamic_rows("Reshape")
def _reshape(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _rows(op, args[0])
    (shape,) = _nodes(op, args[1:])
    if not shape.shape[0]:
        raise _refuse(op)
    first = p.dims(p.take_index(shape, 0, 0))
    rest = p.dims(p.slice_axis(shape, 0, 1, shape.shape[0]))
    row, wanted = _row_size(x), dims.product(rest or ())
    # Each row is split into `times` rows, never joined with the next: unused rows stay after those in use.
    if rest is None or wanted <= 0 or row % wanted:
        raise _refuse(op)
    times = row // wanted
    count = p.mul(x.count, p.scalar(times, dtypes.int32)) if times != 1 else x.count
    if first is None or first[0] != -1:
        rows = number(p, p.take_index(shape, 0, 0))
        if not same_number(p, rows, count):
            fits = p.eq(rows, count)
            if first is None:  # a computed shape may hold -1
                fits = p.or_(fits, p.eq(rows, -1))
            p.check(fits, "Reshape: the shape does not fit the number of values")
    return [DynamicRows(p.reshape(x.rows, (x.capacity * times, *rest)), count)]


@on_dynamic_rows("Transpose")
def _transpose(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _rows(op, args[0])
    perm = _value(p, op, args[1]).tolist()
    if perm[0] != 0:
        raise _refuse(op)
    return by_rows(lowering, op, [x.rows, args[1]], x.count)


# -- parts


@on_dynamic_rows("Unpack")
def _unpack(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    x = _rows(op, args[0])
    if _axis(raw_op(op).axis, x.rank) == 0:
        raise _refuse(op)
    return by_rows(lowering, op, [x.rows], x.count)


@on_dynamic_rows("Pack")
def _pack(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return _side_by_side(lowering, op, args, raw_op(op).axis, 1)


def _side_by_side(
    lowering: Lowering, op: Operation, args: list[Lowered], axis: int, added: int
) -> Sequence[Lowered]:
    p = lowering.p
    values = [as_dynamic_rows(p, a) for a in args]
    if _axis(axis, values[0].rank + added) == 0:
        raise _refuse(op)
    if not all(same_number(p, v.count, values[0].count) for v in values[1:]):
        raise _refuse(op, "has another number of rows")
    values = aligned(p, op, values)
    return by_rows(lowering, op, [v.rows for v in values], values[0].count)


@on_dynamic_rows("ConcatV2")
def _concat(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    values = [as_dynamic_rows(p, a) for a in args[:-1]]
    axis = _axis(int(_value(p, op, args[-1])), values[0].rank)
    if axis:
        if not all(same_number(p, v.count, values[0].count) for v in values[1:]):
            raise _refuse(op, "has another number of rows")
        values = aligned(p, op, values)
        return [DynamicRows(p.concat([v.rows for v in values], axis), values[0].count)]
    # The capacities add up, so that no write is clamped to the end.
    capacity = sum(v.capacity for v in values)
    rows, count = padded(p, values[0], capacity).rows, values[0].count
    for v in values[1:]:  # each overwrites the unused rows of the previous one
        rows = p.dynamic_update_slice(rows, v.rows, [count, *[0] * (v.rank - 1)])
        count = p.add(count, v.count)
    return [DynamicRows(rows, count)]


@on_dynamic_rows("StridedSlice")
def _strided_slice(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x, raw = lowering.p, _rows(op, args[0]), raw_op(op)
    vectors = [_value(p, op, a) for a in args[1:]]
    entries = raw.entries(x.rank, *vectors)
    first, others = entries[0], entries[1:]
    if first.axis != 0 or any(e.axis == 0 for e in others):
        raise _refuse(op)
    if first.is_full:
        return [DynamicRows(cut(p, x.rows, entries), x.count)]
    if first.is_index:
        rows = _element(p, x, first.begin or 0)
        count = None
    # An end counted from the back depends on the number of rows in use.
    elif first.stride == 1 and (first.begin or 0) >= 0 and (first.end is None or first.end >= 0):
        begin = min(first.begin or 0, x.capacity)
        end = max(begin, x.capacity if first.end is None else min(first.end, x.capacity))
        if begin == end:
            raise _refuse(op)
        rows = p.slice_axis(x.rows, 0, begin, end)
        count = p.minimum(p.maximum(p.sub(x.count, begin), 0), end - begin)
    else:
        raise _refuse(op)
    rest = [type(first)(0, None), *others] if count is not None else others
    if count is None:
        return [cut(p, rows, [_earlier(e) for e in rest])]
    return [DynamicRows(cut(p, rows, rest), count)]


def _earlier(entry: Any) -> Any:
    """The entry of a slice after the first axis has gone."""
    values = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    values["axis"] = None if entry.axis is None else entry.axis - 1
    return type(entry)(**values)


def _element(p: LoweringContext, x: DynamicRows, index: int) -> Node:
    """One of the rows in use, negative indices from the end."""
    at = p.scalar(index, dtypes.int32) if index >= 0 else p.add(x.count, index)
    inside = p.and_(p.ge(at, 0), p.lt(at, x.count))
    p.check(inside, f"slice index {index} of dimension 0 out of bounds.")
    return p.dynamic_index(x.rows, at)


@on_dynamic_rows("GatherV2")
def _gather(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, (params, indices, axis) = lowering.p, args
    if raw_op(op).batch_dims:
        raise _refuse(op)
    at = int(_value(p, op, axis))
    if isinstance(indices, DynamicRows) and isinstance(params, Node):
        if _axis(at, params.rank) != 0 or not params.shape[0]:
            raise _refuse(op)
        # Unused rows hold undefined indices; 0 is valid for any array with rows.
        rows = lowering.outputs_of(op, [params, filled(p, indices, 0), axis])
        return [DynamicRows(rows[0], indices.count)]  # type: ignore[arg-type]
    if not isinstance(params, DynamicRows) or not isinstance(indices, Node):
        raise _refuse(op)
    if _axis(at, params.rank) != 0:
        return by_rows(lowering, op, [params.rows, indices, axis], params.count)
    # In int64: the indices may be of a narrower type than the count.
    wide = p.cast(indices, dtypes.int64)
    inside = p.and_(p.ge(wide, 0), p.lt(wide, p.cast(params.count, dtypes.int64)))
    p.check(p.reduce_all(inside), "GatherV2: an index is out of range")
    return [p.gather(params.rows, indices, 0)]


@on_dynamic_rows("GatherNd", "ResourceGather", "OneHot")
def _by_indices(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    at = 0 if op.type == "OneHot" else 1
    p, indices, raw = lowering.p, _rows(op, args[at]), raw_op(op)
    if getattr(raw, "batch_dims", 0) or _axis(getattr(raw, "axis", -1), indices.rank + 1) == 0:
        raise _refuse(op)
    others = [a for i, a in enumerate(args) if i != at]
    arguments = list(_nodes(op, others))
    arguments.insert(at, filled(p, indices, 0))
    return [DynamicRows(node, indices.count) for node in lowering.outputs_of(op, list(arguments))]  # type: ignore[arg-type]


# -- scatters: rows that are not in use go nowhere


def _targets(
    p: LoweringContext, op: Operation, indices: Lowered, updates: Lowered
) -> tuple[Node, Node, Node]:
    """The indices, which of their rows are in use, and the updates, in buffers of one extent."""
    index_rows, update_rows = as_dynamic_rows(p, indices), as_dynamic_rows(p, updates)
    if not same_number(p, index_rows.count, update_rows.count):
        equal = p.eq(index_rows.count, update_rows.count)
        p.check(equal, f"{op.type}: there must be as many updates as indices")
    capacity = max(index_rows.capacity, update_rows.capacity)
    index_rows = padded(p, index_rows, capacity)
    rows = padded(p, update_rows, capacity).rows
    return index_rows.rows, valid(p, index_rows), rows


def _scattered(
    p: LoweringContext, op: Operation, x: Node, places: Node, kept: Node, rows: Node, how: str
) -> Node:
    """x with rows combined at index vectors `[rows, axes]` where they are kept."""
    depth = places.shape[-1]
    if places.rank != 2 or rows.shape[1:] != x.shape[depth:]:
        raise _refuse(op)
    limits = p.shape_value(x.shape[:depth], places.dtype)
    inside = p.and_(p.ge(places, 0), p.lt(places, p.broadcast_to(limits, places.shape)))
    # An index vector is inside if each of its entries is.
    inside = p.reduce_all(inside, [1])
    p.check(p.reduce_all(p.or_(inside, p.not_(kept))), f"{op.type}: an index is out of range")
    # -1 is outside: the mode "drop" leaves these rows out.
    wide = p.broadcast_to(p.expand_dims(kept, 1), places.shape)
    return combined(p, x, p.select(wide, places, -1), rows, how, "drop")


@on_dynamic_rows("ScatterNd")
def _scatter_nd(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    shape = p.dims(*_nodes(op, args[2:]))
    if shape is None:
        raise _refuse(op, "is not known")
    x = p.full(shape, 0, _rows_dtype(args[1]))
    return [_scattered(p, op, x, *_targets(p, op, args[0], args[1]), "add")]


def _rows_dtype(value: Lowered) -> Any:
    return value.dtype  # type: ignore[union-attr]


@on_dynamic_rows("_TensorScatter")
def _tensor_scatter(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    (x,) = _nodes(op, args[:1])
    return [_scattered(p, op, x, *_targets(p, op, args[1], args[2]), raw_op(op).how)]


@on_dynamic_rows("_VariableScatter")
def _resource_scatter(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    (resource,) = _nodes(op, args[:1])
    places, kept, rows = _targets(p, op, args[1], args[2])
    if places.rank != 1 or raw_op(op).combination == "div":
        raise _refuse(op)
    value = p.read_variable(resource)
    result = _scattered(p, op, value, p.expand_dims(places, 1), kept, rows, raw_op(op).combination)
    p.assign_variable(resource, result)
    return []


@on_dynamic_rows("_SparseApply")
def _update_rule(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, raw = lowering.p, raw_op(op)
    names = [argument.name for argument in raw.inputs]
    at, of = names.index("indices"), names.index("grad")
    arguments = list(args)
    arguments[at], kept, arguments[of] = _targets(p, op, args[at], args[of])
    raw.lower_rows(p, kept, *_nodes(op, arguments))
    return []


@on_dynamic_rows("_UnsortedSegment")
def _segments(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    places, kept, rows = _targets(p, op, args[1], args[0])
    if places.rank != 1:
        raise _refuse(op)
    nowhere = p.full(places.shape, -1, places.dtype)  # negative segments are left out
    return lowering.outputs_of(op, [rows, p.select(kept, places, nowhere), args[2]])


# -- across rows


@on_dynamic_rows("Where")
def _where(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return HANDLERS[op.type](lowering, op, [filled(lowering.p, _rows(op, args[0]), 0)])


@on_dynamic_rows("_Reduction")
def _reduce(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _rows(op, args[0])
    axes = {_axis(a, x.rank) for a in _value(p, op, args[1]).reshape(-1).tolist()}
    if 0 not in axes:
        return by_rows(lowering, op, [x.rows, *args[1:]], x.count)
    if op.type != "Mean":
        return lowering.outputs_of(op, [filled(p, x, raw_op(op).neutral), *args[1:]])
    if not x.dtype.is_floating:
        raise _refuse(op)
    # Halves are summed as float32: a sum over rows loses too much in their own type.
    wide = dtypes.float64 if x.dtype == dtypes.float64 else dtypes.float32
    whole = p.cast(filled(p, x, 0), wide)
    total = p.reduce_sum(whole, sorted(axes), keepdims=raw_op(op).keep_dims)
    # The number of elements may exceed int32 where the number of rows does not.
    each = p.scalar(dims.product(x.rows.shape[axis] for axis in axes - {0}), dtypes.int64)
    count = p.mul(p.cast(x.count, dtypes.int64), each)
    return [p.cast(p.div(total, p.cast(count, wide)), x.dtype)]


@on_dynamic_rows("_Scan")
def _running(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, x = lowering.p, _rows(op, args[0])
    # A reverse scan would begin with rows that are not in use.
    if raw_op(op).reverse and _axis(int(_value(p, op, args[1])), x.rank) == 0:
        raise _refuse(op)
    return by_rows(lowering, op, [x.rows, *_nodes(op, args[1:])], x.count)
