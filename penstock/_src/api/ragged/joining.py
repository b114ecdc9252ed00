"""Ragged tensors joined: concatenated, stacked, crossed."""

import operator

from penstock._src.api.control.scopes import name_scope
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

from .indexing import add_axis, as_ragged_or_tensor, gather
from .ragged_tensor import RaggedTensor
from .row_checks import common_splits_dtype, depending, positive_axis, scalar
from .shapes.arguments import require_equal


@dispatchable("ragged.stack", scope="RaggedConcat")
def stack(values, axis=0, name=None):
    """Tensors of one rank, ragged or not, stacked along a new axis.

    Args:
      values: a list of tensors and RaggedTensors of one rank and dtype.
      axis: the position of the new axis.
      name: of the operations.

    Returns:
      A RaggedTensor, or a tensor if none is ragged and the rank is 0.
    """
    with name_scope(name or "RaggedConcat"):
        return _joined(_parts(values), axis, is_stack=True)


def concat(values, axis, name=None):
    """Dense and ragged tensors joined along `axis`."""
    with name_scope(name or "RaggedConcat"):
        return _joined(_parts(values), axis, is_stack=False)


def _parts(values):
    """The tensors to join: those of a list, or the one that is given without a list."""
    listed = values if isinstance(values, (list, tuple)) else [values]
    return [as_ragged_or_tensor(v) for v in listed]


def _joined(values, axis, is_stack):
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    ragged = [v for v in values if isinstance(v, RaggedTensor)]
    kind = common_splits_dtype(ragged) or dtypes.int64
    if len(values) == 1 and not is_stack:
        return values[0]  # whatever the axis is, as in TensorFlow
    axis = _as_int(axis)
    rank = next((v.shape.rank for v in values if v.shape.rank is not None), None)
    for value in values:
        value.shape.assert_has_rank(rank)
    axis = positive_axis(axis, None if rank is None else rank + is_stack)
    if is_stack and rank == 1 and axis == 0:
        lengths = raw.Pack(values=[raw.Shape(input=v)[0] for v in values])
        flat = raw.ConcatV2(values=values, axis=0) if len(values) > 1 else values[0]
        return RaggedTensor.from_row_lengths(flat, lengths, validate=False)
    if not ragged and rank is not None and axis in (rank - 1, rank + is_stack - 1):
        return (raw.Pack if is_stack else raw.ConcatV2)(values=values, axis=axis)
    return _joined_rows(_of_one_depth(values, kind), axis, is_stack)


def _as_int(axis):
    try:
        return operator.index(axis)
    except TypeError:
        raise TypeError(f"axis must be an int; got {type(axis).__name__}") from None


def _of_one_depth(values, kind):
    """The values as ragged tensors of one ragged rank, that of the deepest."""
    depth = max([1, *(v.ragged_rank for v in values if isinstance(v, RaggedTensor))])
    return [_cut_to(v, depth, kind) for v in values]


def _cut_to(value, depth, kind):
    if not depth:
        return value
    if isinstance(value, RaggedTensor):
        return value.with_values(_cut_to(value.values, depth - 1, kind))
    return RaggedTensor.from_tensor(value, ragged_rank=depth, row_splits_dtype=kind)


def _joined_rows(values, axis, is_stack):
    """Ragged tensors of one ragged rank, joined."""
    if axis == 0:
        result = _all_rows(values)
        if not is_stack:
            return result
        lengths = raw.Pack(values=[v.nrows() for v in values])
        return RaggedTensor.from_row_lengths(result, lengths, validate=False)
    if axis == 1:
        return _longer_rows([add_axis(v) for v in values] if is_stack else values)
    splits, checks = values[0].row_splits, []
    for value in values[1:]:
        if value.row_splits is not splits:
            message = "Inputs must have identical ragged splits"
            checks += require_equal(splits, value.row_splits, message)
    inner = _joined([v.values for v in values], axis - 1, is_stack)
    return RaggedTensor.from_row_splits(inner, depending(splits, checks), validate=False)


def _all_rows(values):
    """The rows of the first ragged tensor, then those of the next, and so on."""
    if len(values) == 1:
        return values[0]
    if not isinstance(values[0], RaggedTensor):
        return raw.ConcatV2(values=values, axis=0)
    lengths = raw.ConcatV2(values=[v.row_lengths() for v in values], axis=0)
    inner = _all_rows([v.values for v in values])
    return RaggedTensor.from_row_lengths(inner, lengths, validate=False)


def _longer_rows(values):
    """Concatenates row i of each to row i of the result."""
    count, rows = len(values), values[0].nrows()
    kind = rows.dtype
    numbers = raw.Range(
        start=scalar(0, kind), limit=rows * scalar(count, kind), delta=scalar(1, kind)
    )
    by_value = raw.Reshape(tensor=numbers, shape=raw.Pack(values=[scalar(count, kind), rows]))
    order = raw.Reshape(tensor=raw.Transpose(x=by_value, perm=[1, 0]), shape=[-1])
    checks = []
    for i, value in enumerate(values[1:], 1):
        message = f"Input tensors at index 0 (=x) and {i} (=y) have incompatible shapes."
        checks += require_equal(rows, value.nrows(), message)
    mixed = gather(_all_rows(values), depending(order, checks))
    return RaggedTensor.from_row_splits(mixed.values, mixed.row_splits[::count], validate=False)


def _column(at, value):
    """An input of a cross: a ragged, sparse or dense tensor of strings or int64."""
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    elif not isinstance(value, SparseTensor):
        value = as_ragged_or_tensor(value)
    if value.dtype != dtypes.string and not value.dtype.is_integer:
        raise ValueError(f"Unexpected dtype for inputs[{at}]: {value.dtype!r}")
    if isinstance(value, RaggedTensor) and value.ragged_rank != 1:
        raise ValueError("tf.ragged.cross only supports inputs with rank=2")
    return value


def _key(values):
    return values if values.dtype == dtypes.string else cast(values, dtypes.int64)


def _cross(inputs, num_buckets, hash_key, hashed, name):
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(f"Inputs must be a list or tuple of tensors. Received {inputs}")
    columns = {"R": [], "S": [], "D": []}
    order = ""
    with name_scope(name or "RaggedCross"):
        for at, value in enumerate(inputs):
            value = _column(at, value)
            is_sparse = isinstance(value, SparseTensor)
            kind = "R" if isinstance(value, RaggedTensor) else "S" if is_sparse else "D"
            columns[kind].append(value)
            order += kind
        ragged, sparse, dense = columns.values()
        narrow = ragged and all(x.row_splits.dtype == dtypes.int32 for x in ragged)
        values, splits = raw.RaggedCross(
            ragged_values=[_key(x.values) for x in ragged],
            ragged_row_splits=[x.row_splits for x in ragged],
            sparse_indices=[x.indices for x in sparse],
            sparse_values=[_key(x.values) for x in sparse],
            sparse_shape=[x.dense_shape for x in sparse],
            dense_inputs=[_key(x) for x in dense],
            input_order=order,
            hashed_output=hashed,
            num_buckets=num_buckets,
            hash_key=0xDECAFCAFFE if hash_key is None else hash_key,
            out_values_type=dtypes.int64 if hashed else dtypes.string,
            out_row_splits_type=dtypes.int32 if narrow else dtypes.int64,
            name=name,
        )
        return RaggedTensor.from_row_splits(values, splits, validate=False)


@dispatchable("ragged.cross", scope="RaggedCross")
def cross(inputs, name=None):
    """All combinations of the features of each row, as strings joined by "_X_".

    Args:
      inputs: a list of RaggedTensors, SparseTensors and tensors `[rows, ...]`, int64 or string.
      name: of the operation.

    Returns:
      A string RaggedTensor `[rows, (combinations)]`.
    """
    return _cross(inputs, 0, None, False, name)


@dispatchable("ragged.cross_hashed", scope="RaggedCross")
def cross_hashed(inputs, num_buckets=0, hash_key=None, name=None):
    """All combinations of the features of each row, as hashes.

    Args:
      inputs: a list of RaggedTensors, SparseTensors and tensors `[rows, ...]`, int64 or string.
      num_buckets: hashes are less than this; 0 for any.
      hash_key: an int that changes all hashes; None for the default.
      name: of the operation.

    Returns:
      An int64 RaggedTensor `[rows, (combinations)]`.
    """
    return _cross(inputs, num_buckets, hash_key, True, name)
