"""The table of public functions for ragged tensors."""

import inspect

import numpy as np

from penstock._src.api import operators
from penstock._src.api.array import creation, indexing, joining, ranges, shaping
from penstock._src.api.extending.dispatch import (
    BINARY,
    BINARY_ASSERTS,
    NOT_SUPPORTED,
    UNARY,
)
from penstock._src.api.math import arithmetic, counting, elementwise, logic, reduction
from penstock._src.api.math.elementwise import cast
from penstock._src.api.nn import activations, embedding
from penstock._src.api.ragged import gathering
from penstock._src.api.ragged import indexing as rows
from penstock._src.api.ragged import joining as ragged_joining
from penstock._src.api.ragged.dynamic_shape import DynamicRaggedShape, ragged_shape
from penstock._src.api.ragged.ragged_tensor import RaggedTensor, ragged_of_value
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.api.ragged.row_checks import positive_axis, scalar
from penstock._src.api.ragged.shapes.broadcasting import broadcast_dynamic_shape, broadcast_to
from penstock._src.api.strings import functions as strings
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.static_values import get_static_value
from penstock._src.util import nest

from .broadcasting import matched
from .reductions import REDUCTIONS
from .structural import STRUCTURAL
from .text import TEXT


def call_with_ragged_tensors(api, args, kwargs):
    """Returns the result of a public function if an argument is ragged, else NOT_SUPPORTED."""
    parts = nest.flatten((list(args), kwargs))
    if any(isinstance(x, RaggedTensorValue) for x in parts):
        args, kwargs = nest.map_structure(ragged_of_value, (list(args), kwargs))
        parts = nest.flatten((args, kwargs))
    if api in _OF_SHAPES and any(isinstance(x, DynamicRaggedShape) for x in parts):
        return _OF_SHAPES[api](*args, **kwargs)
    if not any(isinstance(x, RaggedTensor) for x in parts):
        return NOT_SUPPORTED
    special = OF_RAGGED.get(api)
    if api in REDUCTIONS or api in _BINARY_SET():  # a list of ragged tensors is not a tensor
        operands = [*args, *kwargs.values()]
        if not any(isinstance(x, RaggedTensor) for x in operands):
            return NOT_SUPPORTED
    if special is not None:
        return special(*args, **kwargs)
    if api in _UNARY_SET():
        named = inspect.signature(api).bind(*args, **kwargs).arguments
        first = next(iter(named))
        if isinstance(named[first], RaggedTensor):
            flat = api(**{**named, first: named[first].flat_values})
            return named[first].with_flat_values(flat)
    if api in _BINARY_SET() or api in BINARY_ASSERTS:
        named = inspect.signature(api).bind(*args, **kwargs).arguments
        operands = list(inspect.signature(api).parameters)[:2]
        structure, flat = matched([named.get(name) for name in operands])
        result = api(**{**named, **dict(zip(operands, flat, strict=True))})
        return structure.with_flat_values(result) if api not in BINARY_ASSERTS else result
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


def _expand_dims(input, axis, name=None):
    rt = input
    rank = rt.shape.rank
    axis = positive_axis(axis, None if rank is None else rank + 1, rank_name="rank(input)")
    if axis == 0:
        return RaggedTensor.from_uniform_row_length(rt, rt.nrows(), nrows=1)
    if axis == 1:
        return RaggedTensor.from_uniform_row_length(rt, scalar(1, rt.row_splits.dtype))
    inner = rt.values
    if isinstance(inner, RaggedTensor):
        return rt.with_values(_expand_dims(inner, axis - 1))
    return rt.with_values(raw.ExpandDims(input=inner, axis=axis - 1))


def _concat(values, axis, name=None):
    return ragged_joining.concat(values, axis, name)


def _stack(values, axis=0, name=None):
    return ragged_joining.stack(values, axis, name)


def _bitcast(input, type, name=None):
    kind, rank = dtypes.as_dtype(type), input.flat_values.shape.rank
    if input.dtype.size < kind.size and rank < 2:
        raise ValueError(
            "`input.flat_values` is required to have rank >= 2 when input.dtype.size < type.size. "
            f"Actual rank: {rank}"
        )
    return input.with_flat_values(raw.Bitcast(input=input.flat_values, type=kind, name=name))


def _where(condition, x=None, y=None, name=None):
    if (x is None) != (y is None):
        raise ValueError("x and y must be either both None or both non-None")
    if x is None:
        flat = condition.flat_values
        positions = raw.Where(condition=flat)
        columns = [
            raw.GatherV2(params=c, indices=positions[:, 0], axis=0) for c in _coordinates(condition)
        ]
        ragged = raw.Pack(values=columns, axis=1)
        return raw.ConcatV2(values=[ragged, positions[:, 1:]], axis=1)
    # A number takes the type of the other value, not that of the condition.
    hint = next((part.dtype for part in (x, y) if isinstance(part, RaggedTensor)), None)
    values = [
        part if isinstance(part, RaggedTensor) else convert_to_tensor(part, dtype_hint=hint)
        for part in (x, y)
    ]
    if not isinstance(condition, RaggedTensor):
        condition = convert_to_tensor(condition, dtypes.bool_)
    structure, parts = matched([condition, *values])
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
    if input.shape.rank is None:
        return raw.Rank(input=input.flat_values) + np.int32(input.ragged_rank)
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
    if weights is not None and not isinstance(weights, RaggedTensor):
        raise ValueError(
            "`weights` must be a RaggedTensor if `values` is a RaggedTensor. Received argument "
            f"weights={weights} of type: {type(weights).__name__}."
        )
    flat_weights = None if weights is None else weights.flat_values
    if axis != -1:
        return counting.bincount(
            arr.flat_values, flat_weights, minlength, maxlength, dtype, name, axis, binary_output
        )
    return raw.RaggedBincount(
        splits=cast(arr.row_splits, dtypes.int64),
        values=arr.values,
        size=counting.bincount_size(arr.values, minlength, maxlength),
        weights=counting.bincount_weights(flat_weights, dtype),
        binary_output=binary_output,
        name=name,
    )


def _one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    if isinstance(axis, int) and axis >= 0:
        if axis <= indices.ragged_rank:
            raise ValueError(
                f"axis ({axis}) must be greater than indices.ragged_rank ({indices.ragged_rank})."
            )
        axis -= indices.ragged_rank
    values = ranges.one_hot(indices.flat_values, depth, on_value, off_value, axis, dtype, name)
    return indices.with_flat_values(values)


def _reverse(tensor, axis, name=None):
    result, rank = tensor, tensor.shape.rank
    axes = axis if isinstance(axis, (list, tuple)) else get_static_value(convert_to_tensor(axis))
    if axes is None or np.ndim(axes) != 1:
        raise TypeError(
            "`axis` must be a list of int or a constant tensor when reversing axes in a ragged tensor"
        )
    named = enumerate(np.asarray(axes).tolist())
    for a in sorted(positive_axis(a, rank, f"axis[{i}]", "rank(tensor)") for i, a in named):
        key = tuple([slice(None)] * a + [slice(None, None, -1)])
        result = rows.get_item(result, key)
    return result


def _boolean_mask(tensor, mask, axis=None, name=None):
    return rows.boolean_mask(tensor, mask)


def _add_n(inputs, name=None):
    structure, flat = matched(list(inputs))
    return structure.with_flat_values(raw.AddN(inputs=flat))


def _tile(input, multiples, name=None):
    rank, depth = input.shape.rank, input.ragged_rank
    multiples = convert_to_tensor(multiples, name="multiples", dtype_hint=dtypes.int64)
    multiples.shape.assert_has_rank(1)
    if rank is not None and multiples.shape[0] not in (None, rank):
        raise ValueError(
            f"tile: multiples must have {rank} entries, one for each axis of the ragged tensor. Received "
            f"{multiples.shape[0]}."
        )
    kind = input.row_splits.dtype
    multiples, known = elementwise.cast(multiples, kind), get_static_value(multiples)
    result = input
    if input.flat_values.shape.rank != 1 and (known is None or (known[depth + 1 :] != 1).any()):
        within = raw.ConcatV2(values=[np.ones(1, kind.np), multiples[depth + 1 :]], axis=0)
        result = result.with_flat_values(raw.Tile(input=input.flat_values, multiples=within))
    for axis in range(depth, -1, -1):
        if known is None or known[axis] != 1:
            result = rows.tiled(result, axis, multiples[axis])
    return result


def _softmax(logits, axis=None, name=None):
    axis = -1 if axis is None else int(axis) if isinstance(axis, np.integer) else axis
    axis = positive_axis(axis, logits.shape.rank, rank_name="rank(input_tensor)")
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
    ids, count = partition._rowids_of_values(), partition.nrows()
    top = raw.UnsortedSegmentMax(data=values, segment_ids=ids, num_segments=count)
    shifted = values - raw.GatherV2(params=shaping.stop_gradient(top), indices=ids, axis=0)
    powers = raw.Exp(x=shifted)
    total = raw.UnsortedSegmentSum(data=powers, segment_ids=ids, num_segments=count)
    return raw.RealDiv(x=powers, y=raw.GatherV2(params=total, indices=ids, axis=0), name=name)


def _dropout(x, rate, noise_shape=None, seed=None, name=None):
    return _dropped(activations.dropout, x, noise_shape, rate=rate, seed=seed, name=name)


def _stateless_dropout(x, rate, seed, rng_alg=None, noise_shape=None, name=None):
    options = {"rate": rate, "seed": seed, "rng_alg": rng_alg, "name": name}
    return _dropped(activations.stateless_dropout, x, noise_shape, **options)


def _dropped(api, x, noise_shape, **options):
    if noise_shape is not None:
        raise ValueError("noise_shape is not supported yet for RaggedTensor x")
    return x.with_flat_values(api(x.flat_values, **options))


def _string_join(inputs, separator="", name=None):
    structure, flat = matched(list(inputs))
    return structure.with_flat_values(strings.join(flat, separator, name))


def _reshape_flat(tensor, shape, name=None):
    return shaping.reshape(tensor.flat_values, shape, name)


def _filled(api):
    first = next(iter(inspect.signature(api).parameters))

    def fill(*args, **kwargs):
        shape, *args = args or [kwargs.pop(first)]
        return shape._add_row_partitions(api(shape.inner_shape, *args, **kwargs))

    return fill


def _reshape(tensor, shape, name=None):
    values = tensor.flat_values if isinstance(tensor, RaggedTensor) else tensor
    return shape._add_row_partitions(shaping.reshape(values, shape.inner_shape, name))


def _broadcast_to(input, shape, name=None):
    del name
    return broadcast_to(input, shape)


def _broadcast_dynamic_shape(shape_x, shape_y):
    shapes = [
        x if isinstance(x, DynamicRaggedShape) else DynamicRaggedShape([], x)
        for x in (shape_x, shape_y)
    ]
    return broadcast_dynamic_shape(*shapes)


# Functions that accept a DynamicRaggedShape as a shape.
_OF_SHAPES = {
    creation.ones: _filled(creation.ones),
    creation.zeros: _filled(creation.zeros),
    creation.fill: _filled(creation.fill),
    shaping.reshape: _reshape,
    shaping.broadcast_to: _broadcast_to,
    shaping.broadcast_dynamic_shape: _broadcast_dynamic_shape,
}
OF_RAGGED = {
    **REDUCTIONS,
    **STRUCTURAL,
    **TEXT,
    activations.softmax: _softmax,
    activations.dropout: _dropout,
    activations.stateless_dropout: _stateless_dropout,
    shaping.reshape: _reshape_flat,
    strings.join: _string_join,
    shaping.expand_dims: _expand_dims,
    shaping.bitcast: _bitcast,
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
    ranges.one_hot: _one_hot,
    counting.bincount: _bincount,
    arithmetic.add_n: _add_n,
    embedding.embedding_lookup: _embedding_lookup,
}


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
    "and": logic.logical_and,
    "or": logic.logical_or,
    "xor": logic.logical_xor,
}.items():
    setattr(RaggedTensor, f"__{_name}__", _operator(_api))
    setattr(RaggedTensor, f"__r{_name}__", _operator(_api, reflected=True))
for _name, _api in {
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
    "eq": operators.tensor_equals,
    "ne": operators.tensor_not_equals,
}.items():
    setattr(RaggedTensor, f"__{_name}__", _operator(_api))


def _no_truth(self):
    raise TypeError("RaggedTensor may not be used as a boolean.")


def _hash(self):
    """Returns the hash of the object, in graphs where tensors have one."""
    try:
        hash(self.flat_values)
    except TypeError:
        raise TypeError("RaggedTensor is unhashable.") from None
    return id(self)


for _name, _method in {
    "hash": _hash,
    "neg": lambda self: self.with_flat_values(-self.flat_values),
    "abs": lambda self: self.with_flat_values(abs(self.flat_values)),
    "invert": lambda self: self.with_flat_values(~self.flat_values),
    "bool": _no_truth,
}.items():
    setattr(RaggedTensor, f"__{_name}__", _method)
RaggedTensor._has_operators = True
