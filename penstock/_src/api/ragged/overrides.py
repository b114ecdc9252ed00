"""What the public functions mean for ragged tensors."""

from __future__ import annotations

import numpy as np

from penstock._src.api.array import creation, indexing, joining, shaping
from penstock._src.api.dispatch import BINARY, NOT_SUPPORTED, UNARY, register_fallback
from penstock._src.api.math import arithmetic, counting, elementwise, reduction
from penstock._src.api.math.elementwise import cast
from penstock._src.api.nn import activations, embedding
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest

from . import gathering
from . import indexing as rows
from .dynamic_shape import DynamicRaggedShape, ragged_shape
from .ragged_tensor import RaggedTensor, merge_dims
from .row_partition import scalar


def _fallback(api, args, kwargs):
    parts = nest.flatten((list(args), kwargs))
    if api in _OF_SHAPES and any(isinstance(x, DynamicRaggedShape) for x in parts):
        return _OF_SHAPES[api](*args, **kwargs)
    if not any(isinstance(x, RaggedTensor) for x in parts):
        return NOT_SUPPORTED
    special = _SPECIAL.get(api)
    if special is not None:
        return special(*args, **kwargs)
    if api in _UNARY_SET() and args and isinstance(args[0], RaggedTensor):
        return args[0].with_flat_values(api(args[0].flat_values, *args[1:], **kwargs))
    if api in _BINARY_SET() and len(args) >= 2:
        x, y = _matched(args[0], args[1])
        structure = x if isinstance(x, RaggedTensor) else y
        flat = [v.flat_values if isinstance(v, RaggedTensor) else v for v in (x, y)]
        return structure.with_flat_values(api(*flat, *args[2:], **kwargs))
    return NOT_SUPPORTED


_SETS: dict[str, set] = {}


def _UNARY_SET():
    if len(_SETS.get("unary", ())) != len(UNARY):
        _SETS["unary"] = set(UNARY)
    return _SETS["unary"]


def _BINARY_SET():
    if len(_SETS.get("binary", ())) != len(BINARY):
        _SETS["binary"] = set(BINARY)
    return _SETS["binary"]


def _matched(x, y):
    """Both made to have the same rows, so that their flat values correspond."""
    if isinstance(x, RaggedTensor) and isinstance(y, RaggedTensor):
        if x.ragged_rank != y.ragged_rank:
            raise ValueError(
                "Ragged tensors of different ragged ranks are not broadcast: "
                f"{x.ragged_rank} and {y.ragged_rank}."
            )
        if hasattr(x.flat_values, "numpy") and hasattr(y.flat_values, "numpy"):
            for a, b in zip(x.nested_row_splits, y.nested_row_splits, strict=True):
                if not np.array_equal(a.numpy(), b.numpy()):
                    return _broadcast_rows(x, y)
        return x, y
    if isinstance(x, RaggedTensor):
        return x, _dense_for(x, y)
    return _dense_for(y, x), y


def _broadcast_rows(x, y):
    """Rows of length 1 are repeated to the other's length."""
    lengths = x.row_lengths().numpy(), y.row_lengths().numpy()
    if len(lengths[0]) != len(lengths[1]):
        raise _incompatible(x, y)
    target = np.maximum(*lengths)
    parts = []
    for value, have in zip((x, y), lengths, strict=True):
        if ((have != target) & (have != 1)).any():
            raise _incompatible(x, y)
        starts = value.row_starts().numpy()
        picks = np.concatenate(
            [np.arange(s, s + n) if n == t else np.full(t, s)
             for s, n, t in zip(starts, have, target, strict=True)] or [np.zeros(0, np.int64)]
        )  # fmt: skip
        values = rows.gather(value.values, convert_to_tensor(picks.astype(np.int64)))
        parts.append(RaggedTensor.from_row_lengths(values, target.astype(np.int64), validate=False))
    return parts[0], parts[1]


def _incompatible(x, y):
    return errors.InvalidArgumentError(
        None, None, f"Unable to broadcast: dimension size mismatch in dimension 1. {x} and {y}."
    )


def _dense_for(ragged, dense):
    """A dense operand laid out as the flat values of `ragged`."""
    if not isinstance(dense, Tensor):
        dense = convert_to_tensor(dense, dtype_hint=ragged.dtype)
    rank = dense.shape.rank
    if rank == 0:
        return dense
    inner = ragged.flat_values.shape.rank - 1
    if rank is None or rank <= inner:
        return dense
    if ragged.ragged_rank == 1 and rank == ragged.shape.rank:
        if dense.shape[1] == 1:
            flat = raw.Squeeze(input=dense, axis=[1])
            if dense.shape[0] == 1:
                return flat
            return raw.GatherV2(params=flat, indices=ragged.value_rowids(), axis=0)
        matching = RaggedTensor.from_tensor(dense, lengths=ragged.row_lengths())
        return matching.flat_values
    if rank == 1 and ragged.shape.rank == 1 + ragged.ragged_rank and dense.shape[0] == 1:
        return raw.Reshape(tensor=dense, shape=np.zeros(0, np.int32))
    raise ValueError(
        f"A dense operand of shape {dense.shape} is not broadcast against a ragged one of shape "
        f"{ragged.shape}."
    )


def _reducer(unsorted, combine):
    def reduce(input_tensor, axis=None, keepdims=False, name=None):
        rt = input_tensor
        if axis is None:
            return combine(rt.flat_values, None, keepdims)
        rank = rt.shape.rank
        axes = sorted({int(a) % rank for a in np.atleast_1d(np.asarray(axis))}, reverse=True)
        result = rt
        for a in axes:
            result = _along(unsorted, combine, result, a, keepdims)
        return result

    return reduce


def _along(unsorted, combine, rt, axis, keepdims):
    if not isinstance(rt, RaggedTensor):
        return combine(rt, axis, keepdims)
    if axis == 0:
        lengths = rt.row_lengths()
        offsets = rt._row_partition.offsets_in_rows()
        width = raw.Max(
            input=raw.ConcatV2(values=[lengths, np.zeros(1, lengths.dtype.as_numpy_dtype)], axis=0),
            axis=[0],
        )
        if isinstance(rt.values, RaggedTensor):
            raise ValueError(
                "Reducing the first axis of a deeply ragged tensor is not implemented."
            )
        result = unsorted(rt.values, offsets, width)
        return raw.ExpandDims(input=result, axis=0) if keepdims else result
    if axis == 1:
        values = rt.values
        if isinstance(values, RaggedTensor):
            raise ValueError("Reducing an outer axis of a deeply ragged tensor is not implemented.")
        result = unsorted(values, rt.value_rowids(), rt.nrows())
        return raw.ExpandDims(input=result, axis=1) if keepdims else result
    return rt.with_values(_along(unsorted, combine, rt.values, axis - 1, keepdims))


def _segments(name):
    return lambda data, ids, count: getattr(raw, name)(
        data=data, segment_ids=ids, num_segments=count
    )


def _mean(data, ids, count):
    total = raw.UnsortedSegmentSum(data=data, segment_ids=ids, num_segments=count)
    ones = raw.UnsortedSegmentSum(data=raw.OnesLike(x=data), segment_ids=ids, num_segments=count)
    if data.dtype.is_integer:
        wide = cast(total, dtypes.float64) / cast(ones, dtypes.float64)
        return cast(wide, data.dtype) if data.dtype != dtypes.int32 else wide
    return total / ones


def _logical(name):
    def run(data, ids, count):
        numbers = raw.Cast(x=data, DstT=dtypes.int32)
        found = getattr(raw, name)(data=numbers, segment_ids=ids, num_segments=count)
        return raw.Cast(x=found, DstT=dtypes.bool_)

    return run


def _reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    if axis is None:
        return reduction.reduce_variance(input_tensor.flat_values, None, keepdims)
    square = input_tensor.with_flat_values(raw.Square(x=input_tensor.flat_values))
    mean = reduction.reduce_mean(input_tensor, axis, keepdims)
    mean_square = reduction.reduce_mean(square, axis, keepdims)
    return mean_square - mean * mean


def _reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    variance = _reduce_variance(input_tensor, axis, keepdims)
    return raw.Sqrt(x=variance)


def _expand_dims(input, axis, name=None):
    rt = input
    rank = rt.shape.rank
    axis = axis + rank + 1 if axis < 0 else axis
    if axis == 0:
        return RaggedTensor.from_uniform_row_length(rt, rt.nrows(), nrows=1)
    if axis == 1:
        return RaggedTensor.from_uniform_row_length(rt, scalar(1, rt.row_splits.dtype))
    inner = rt.values
    if isinstance(inner, RaggedTensor):
        return rt.with_values(_expand_dims(inner, axis - 1))
    return rt.with_values(raw.ExpandDims(input=inner, axis=axis - 1))


def _squeeze(input, axis=None, name=None):
    rt = input
    if axis is None:
        raise ValueError("Ragged.squeeze must have an axis argument.")
    rank = rt.shape.rank
    axes = sorted({int(a) % rank for a in np.atleast_1d(np.asarray(axis))}, reverse=True)
    for a in axes:
        if a == 0:
            rt = rt.values if isinstance(rt, RaggedTensor) else raw.Squeeze(input=rt, axis=[0])
        elif isinstance(rt, RaggedTensor) and a == 1:
            rt = merge_dims(rt, 0, 1)
        elif isinstance(rt, RaggedTensor):
            inner = rt.values
            inner = (
                _squeeze(inner, [a - 1])
                if isinstance(inner, RaggedTensor)
                else raw.Squeeze(input=inner, axis=[a - 1])
            )
            rt = rt.with_values(inner)
        else:
            rt = raw.Squeeze(input=rt, axis=[a])
    return rt


def _concat(values, axis, name=None):
    return rows.concat(values, int(axis))


def _stack(values, axis=0, name=None):
    return rows.stack(values, axis)


def _where(condition, x=None, y=None, name=None):
    if x is None and y is None:
        flat = condition.flat_values
        places = raw.Where(condition=flat)[:, 0]
        columns = [raw.GatherV2(params=c, indices=places, axis=0) for c in _coordinates(condition)]
        return raw.Pack(values=columns, axis=1)
    structure = next(v for v in (condition, x, y) if isinstance(v, RaggedTensor))
    parts = [
        v.flat_values if isinstance(v, RaggedTensor) else _dense_for(structure, v)
        for v in (condition, x, y)
    ]
    return structure.with_flat_values(raw.SelectV2(condition=parts[0], t=parts[1], e=parts[2]))


def _coordinates(rt):
    """The int64 index of each flat value along every dimension."""
    columns = []
    inner = rt
    while isinstance(inner, RaggedTensor):
        outer = inner.value_rowids()
        offsets = inner._row_partition.offsets_in_rows()
        columns = [raw.GatherV2(params=c, indices=outer, axis=0) for c in columns] or [outer]
        columns.append(offsets)
        inner = inner.values
    return [cast(c, dtypes.int64) for c in columns]


def _size(input, out_type=None, name=None):
    return raw.Size(input=input.flat_values, out_type=dtypes.as_dtype(out_type or dtypes.int32))


def _rank(input, name=None):
    return convert_to_tensor(np.int32(input.shape.rank))


def _identity(input, name=None):
    return input.with_flat_values(raw.Identity(input=input.flat_values))


def _like(api):
    return lambda input, dtype=None, name=None, layout=None: input.with_flat_values(
        api(input.flat_values, dtype)
    )


def _embedding_lookup(params, ids, max_norm=None, name=None):
    return ids.with_flat_values(embedding.embedding_lookup(params, ids.flat_values, max_norm, name))


def _bincount(
    arr,
    weights=None,
    minlength=None,
    maxlength=None,
    dtype=dtypes.int32,
    name=None,
    axis=None,
    binary_output=False,
):
    held = weights.flat_values if isinstance(weights, RaggedTensor) else weights
    if axis != -1:
        return counting.bincount(
            arr.flat_values, held, minlength, maxlength, dtype, name, axis, binary_output
        )
    return raw.RaggedBincount(
        splits=cast(arr.row_splits, dtypes.int64),
        values=arr.values,
        size=counting.bincount_size(arr.values, minlength, maxlength),
        weights=counting.bincount_weights(held, dtype),
        binary_output=binary_output,
        name=name,
    )


def _one_hot(indices, depth, *args, **kwargs):
    return indices.with_flat_values(creation.one_hot(indices.flat_values, depth, *args, **kwargs))


def _reverse(tensor, axis, name=None):
    result = tensor
    for a in sorted(int(x) % tensor.shape.rank for x in np.atleast_1d(np.asarray(axis))):
        key = tuple([slice(None)] * a + [slice(None, None, -1)])
        result = rows.get_item(result, key)
    return result


def _boolean_mask(tensor, mask, axis=None, name=None):
    return rows.boolean_mask(tensor, mask)


def _add_n(inputs, name=None):
    first = inputs[0]
    flat = [x.flat_values for x in inputs]
    return first.with_flat_values(raw.AddN(inputs=flat))


def _tile(input, multiples, name=None):
    counts = [int(m) for m in np.asarray(multiples)]
    result = input
    for axis, count in enumerate(counts):
        if count != 1:
            result = rows.concat([result] * count, axis)
    return result


def _softmax(logits, axis=None, name=None):
    rank = logits.shape.rank
    axis = rank - 1 if axis is None else axis % rank if axis < 0 else axis
    flat = logits.flat_values
    if axis > logits.ragged_rank:
        within = axis - logits.ragged_rank
        return logits.with_flat_values(activations.softmax(flat, axis=within, name=name))
    if axis == logits.ragged_rank:
        innermost = logits
        while isinstance(innermost.values, RaggedTensor):
            innermost = innermost.values
        return logits.with_flat_values(_softmax_of_segments(flat, innermost, name))
    top = reduction.reduce_max(logits, axis=axis, keepdims=True)
    powers = elementwise.exp(arithmetic.subtract(logits, top))
    total = reduction.reduce_sum(powers, axis=axis, keepdims=True)
    return arithmetic.divide(powers, total, name=name)


def _softmax_of_segments(values, partition, name):
    """The softmax within each row of a partition of `values`."""
    ids, count = partition.value_rowids(), partition.nrows()
    top = raw.UnsortedSegmentMax(data=values, segment_ids=ids, num_segments=count)
    shifted = values - raw.GatherV2(params=shaping.stop_gradient(top), indices=ids, axis=0)
    powers = raw.Exp(x=shifted)
    total = raw.UnsortedSegmentSum(data=powers, segment_ids=ids, num_segments=count)
    return raw.RealDiv(x=powers, y=raw.GatherV2(params=total, indices=ids, axis=0), name=name)


def _filled(api):
    def fill(shape, *args, **kwargs):
        return shape._add_partitions(api(shape.inner_shape, *args, **kwargs))

    return fill


def _reshape(tensor, shape, name=None):
    values = tensor.flat_values if isinstance(tensor, RaggedTensor) else tensor
    return shape._add_partitions(shaping.reshape(values, shape.inner_shape, name))


def _broadcast_to(input, shape, name=None):
    flat = creation.zeros(shape.inner_shape, dtypes.int32)
    if isinstance(input, RaggedTensor) or _rank_of(input) == 0 or not shape.row_partitions:
        values = input.flat_values if isinstance(input, RaggedTensor) else input
        return shape._add_partitions(shaping.broadcast_to(values, shape.inner_shape, name))
    places = shape._add_partitions(flat)
    zeros = places.with_flat_values(cast(flat, convert_to_tensor(input).dtype))
    return arithmetic.add(zeros, input)


def _rank_of(value):
    """The rank of what converts to a tensor."""
    return convert_to_tensor(value).shape.rank


# Functions that take a DynamicRaggedShape where others take a shape.
_OF_SHAPES = {
    creation.ones: _filled(creation.ones),
    creation.zeros: _filled(creation.zeros),
    creation.fill: _filled(creation.fill),
    shaping.reshape: _reshape,
    shaping.broadcast_to: _broadcast_to,
}
_SPECIAL = {
    activations.softmax: _softmax,
    reduction.reduce_sum: _reducer(_segments("UnsortedSegmentSum"), reduction.reduce_sum),
    reduction.reduce_prod: _reducer(_segments("UnsortedSegmentProd"), reduction.reduce_prod),
    reduction.reduce_max: _reducer(_segments("UnsortedSegmentMax"), reduction.reduce_max),
    reduction.reduce_min: _reducer(_segments("UnsortedSegmentMin"), reduction.reduce_min),
    reduction.reduce_mean: _reducer(_mean, reduction.reduce_mean),
    reduction.reduce_all: _reducer(_logical("UnsortedSegmentMin"), reduction.reduce_all),
    reduction.reduce_any: _reducer(_logical("UnsortedSegmentMax"), reduction.reduce_any),
    reduction.reduce_variance: _reduce_variance,
    reduction.reduce_std: _reduce_std,
    shaping.expand_dims: _expand_dims,
    shaping.squeeze: _squeeze,
    shaping.shape: ragged_shape,
    shaping.size: _size,
    shaping.rank: _rank,
    shaping.identity: _identity,
    joining.concat: _concat,
    joining.stack: _stack,
    joining.tile: _tile,
    joining.reverse: _reverse,
    indexing.gather: gathering.gather,
    indexing.gather_nd: gathering.gather_nd,
    indexing.where: _where,
    indexing.boolean_mask: _boolean_mask,
    creation.zeros_like: _like(creation.zeros_like),
    creation.ones_like: _like(creation.ones_like),
    creation.one_hot: _one_hot,
    counting.bincount: _bincount,
    arithmetic.add_n: _add_n,
    embedding.embedding_lookup: _embedding_lookup,
}
register_fallback(_fallback)


def _operator(api, reflected=False):
    def run(self, other):
        return api(other, self) if reflected else api(self, other)

    return run


for _name, _api in {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.truediv,
    "div": arithmetic.truediv,
    "floordiv": arithmetic.floordiv,
    "mod": arithmetic.floormod,
    "pow": arithmetic.pow,
    "and": arithmetic.logical_and,
    "or": arithmetic.logical_or,
    "xor": arithmetic.logical_xor,
}.items():
    setattr(RaggedTensor, f"__{_name}__", _operator(_api))
    setattr(RaggedTensor, f"__r{_name}__", _operator(_api, reflected=True))
for _name, _api in {
    "lt": arithmetic.less,
    "le": arithmetic.less_equal,
    "gt": arithmetic.greater,
    "ge": arithmetic.greater_equal,
    "eq": arithmetic.equal,
    "ne": arithmetic.not_equal,
}.items():
    setattr(RaggedTensor, f"__{_name}__", _operator(_api))
RaggedTensor.__hash__ = object.__hash__
RaggedTensor.__neg__ = lambda self: self.with_flat_values(-self.flat_values)
RaggedTensor.__abs__ = lambda self: self.with_flat_values(abs(self.flat_values))
RaggedTensor.__invert__ = lambda self: self.with_flat_values(~self.flat_values)


def _no_truth(self):
    raise TypeError("RaggedTensor may not be used as a boolean.")


RaggedTensor.__bool__ = _no_truth
