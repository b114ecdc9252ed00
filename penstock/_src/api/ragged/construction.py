"""Ragged tensors from Python lists, ranges, stacks and segment ids."""

import builtins

import numpy as np

from penstock._src.api.array.creation import plain_constant as tensor_of
from penstock._src.api.control.scopes import control_dependencies, name_scope
from penstock._src.api.debugging.asserts import assert_equal, assert_less, assert_non_negative
from penstock._src.api.debugging.shape_asserts import assert_integer
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest

from .indexing import as_ragged_or_tensor, gather
from .joining import stack
from .ragged_tensor import RaggedTensor, ragged_of_value
from .ragged_value import RaggedTensorValue
from .row_checks import index_vector
from .row_partition import splits_to_rowids


def _is_list(value):
    return isinstance(value, (list, tuple)) or np.ndim(value) != 0


def scalar_and_maximum_depth(value):
    """The depth of the scalars in nested lists (None without any), and the maximum depth of lists.

    Raises:
      ValueError: scalars have different depths.
    """
    if not _is_list(value):
        return 0, 0
    scalar_depth, depth = None, 1
    for child in value:
        inner, inner_depth = scalar_and_maximum_depth(child)
        if inner is not None:
            if scalar_depth is not None and scalar_depth != inner + 1:
                raise ValueError("all scalar values must have the same nesting depth")
            scalar_depth = inner + 1
        depth = max(depth, inner_depth + 1)
    return scalar_depth, depth


def _uniform_shape(values):
    """The shape of nested lists of equal lengths.

    Raises:
      ValueError: the lengths differ.
    """
    if not _is_list(values):
        return ()
    shapes = [_uniform_shape(value) for value in values]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("inner values have inconsistent shape")
    return (len(shapes), *(shapes[0] if shapes else ()))


def _check_depths(pylist, scalar_depth, depth, ragged_rank, inner_shape):
    """Raises ValueError unless the lists are nested as the rank and the inner shape want."""
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"Invalid ragged_rank={ragged_rank}: must be nonnegative")
    if scalar_depth is not None and depth > scalar_depth:
        raise ValueError(
            f"Invalid pylist={pylist}: empty list nesting is greater than scalar value nesting"
        )
    if ragged_rank is None:
        return
    if scalar_depth is not None and depth < ragged_rank:
        raise ValueError(
            f"Invalid pylist={pylist}, max depth smaller than ragged_rank={ragged_rank}"
        )
    if inner_shape is not None:
        wanted = ragged_rank + len(inner_shape) + 1
        if wanted < depth if scalar_depth is None else wanted != scalar_depth:
            raise ValueError(
                f"Invalid pylist={pylist}: incompatible with ragged_rank={ragged_rank} "
                f"and dim(inner_shape)={len(inner_shape)}"
            )


def flattened(pylist, ragged_rank, inner_shape):
    """The flat values of nested lists, their shape (None: as they are), and the row splits of each ragged axis.

    Raises:
      ValueError: the lists do not nest as `ragged_rank` and `inner_shape` want.
    """
    if not _is_list(pylist):
        if ragged_rank:
            raise ValueError(
                f"Invalid pylist={pylist}: incompatible with ragged_rank={ragged_rank}"
            )
        if inner_shape:
            raise ValueError(
                f"Invalid pylist={pylist}: incompatible with dim(inner_shape)={len(inner_shape)}"
            )
        return pylist, (), []
    scalar_depth, depth = scalar_and_maximum_depth(pylist)
    _check_depths(pylist, scalar_depth, depth, ragged_rank, inner_shape)
    if ragged_rank is None and depth - len(inner_shape or ()) < 2:
        ragged_rank = 0
    if ragged_rank == 0:
        return pylist, inner_shape, []
    if ragged_rank is None:
        rest = depth if scalar_depth is None else scalar_depth - len(inner_shape or ())
        ragged_rank, inner_shape = max(1, rest - 1), inner_shape or ()
    splits, values = [], pylist
    for axis in builtins.range(ragged_rank):
        if not all(_is_list(value) for value in values):
            raise ValueError(
                f"pylist has scalar values depth {axis + 1}, but ragged_rank={ragged_rank} "
                f"requires scalar value depth greater than {ragged_rank}"
            )
        splits.append(np.cumsum([0, *map(len, values)]))
        values = [x for row in values for x in row]
    if inner_shape is None:
        inner_shape = _uniform_shape(values)[1:]
    return values, (len(values), *inner_shape), splits


@dispatchable("ragged.constant", v1=["ragged.constant"])
def constant(
    pylist, dtype=None, ragged_rank=None, inner_shape=None, name=None, row_splits_dtype=dtypes.int64
):
    """Returns a ragged tensor of nested lists. Rows may differ in length.

    Args:
      pylist: nested lists or tuples, or arrays, of numbers or strings, all at the same depth.
      dtype: the dtype of the values; by default inferred.
      ragged_rank: how many axes are ragged; by default all that the nesting makes, but for the
        innermost shape.
      inner_shape: the shape of the values of a row.
      name: a name for the operation.
      row_splits_dtype: int32 or int64.

    Returns:
      A `RaggedTensor`, or a tensor if `pylist` is a scalar or `ragged_rank` is 0.

    Raises:
      ValueError: scalars stand at different depths, or the nesting does not fit `ragged_rank` and
        `inner_shape`.

    >>> tf.ragged.constant([[1, 2], [], [3]])
    <tf.RaggedTensor [[1, 2], [], [3]]>
    """
    kind = dtypes.as_dtype(row_splits_dtype)
    if kind not in (dtypes.int32, dtypes.int64):
        raise ValueError(f"row_splits_dtype must be int32 or int64. Received {row_splits_dtype}")
    if isinstance(pylist, (RaggedTensor, RaggedTensorValue)):
        raise TypeError("pylist may not be a RaggedTensor or RaggedTensorValue.")
    if hasattr(pylist, "deref") or isinstance(pylist, Tensor):
        raise TypeError(f"pylist may not be a Tensor. Received {pylist}")
    with name_scope(name or "RaggedConstant"):
        values, shape, splits = flattened(pylist, ragged_rank, inner_shape)
        result = tensor_of(values, dtype=dtype, shape=shape, name="values" if splits else "Const")
        for bounds in reversed(splits):
            bounds = convert_to_tensor(bounds.astype(kind.as_numpy_dtype), name="row_splits")
            result = RaggedTensor.from_row_splits(result, bounds, validate=False)
        return result


@dispatchable("ragged.range", v1=["ragged.range"], named="RaggedRange")
def range(starts, limits=None, deltas=1, dtype=None, name=None, row_splits_dtype=dtypes.int64):
    """Returns rows of numbers, each with a start, an end and a step.

    Args:
      starts: a vector or scalar: the first numbers; or the ends, if `limits` is None.
      limits: a vector or scalar: where the rows end, which is not included.
      deltas: a vector or scalar: the steps.
      dtype: the dtype of the values.
      name: a name for the operation.
      row_splits_dtype: int32 or int64.

    Returns:
      A `RaggedTensor` of rank 2.

    Raises:
      InvalidArgumentError: a step is 0, or the vectors differ in length.

    >>> tf.ragged.range([0, 5], [3, 7]).to_list()
    [[0, 1, 2], [5, 6]]
    """
    kind = dtypes.as_dtype(row_splits_dtype)
    if limits is None:
        starts, limits = 0, starts
    with name_scope(name or "RaggedRange") as scope:
        parts = [
            convert_to_tensor(value, dtype=dtype, name=argument)
            for value, argument in ((starts, "starts"), (limits, "limits"), (deltas, "deltas"))
        ]
        if dtype is None:
            parts = _of_widest(parts)
        splits, values = raw.RaggedRange(*parts, Tsplits=kind, name=scope)
        return RaggedTensor.from_row_splits(values, splits, validate=False)


def _of_widest(parts):
    """Numbers in the widest of their types."""
    order = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)
    for part in parts:
        if part.dtype not in order:
            raise AssertionError(f"ragged.range: numbers are required. Got {part.dtype.name}.")
    wide = max((p.dtype for p in parts), key=order.index)
    return [cast(p, wide) for p in parts]


@dispatchable("ragged.row_splits_to_segment_ids")
def row_splits_to_segment_ids(splits, name=None, out_type=None):
    """The row of each value.

    Args:
      splits: int32 or int64 `[rows + 1]`, ascending from 0.
      name: accepted for compatibility.
      out_type: of the result: int32 or int64; by default that of `splits`.

    Returns:
      A vector, as long as the last split says.
    """
    splits = index_vector(splits, "splits")
    splits.shape.assert_has_rank(1)
    rows = splits_to_rowids(splits)
    return rows if out_type is None else cast(rows, out_type)


@dispatchable("ragged.segment_ids_to_row_splits")
def segment_ids_to_row_splits(segment_ids, num_segments=None, out_type=None, name=None):
    """Row splits from the row of each value.

    Args:
      segment_ids: integers, ascending from 0.
      num_segments: the number of rows; by default the last id plus 1.
      out_type: of the result: int32 or int64, the default.
      name: accepted for compatibility.

    Returns:
      A vector `[rows + 1]`.
    """
    kind = dtypes.int64 if out_type is None else dtypes.as_dtype(out_type)
    ids = convert_to_tensor(segment_ids, dtype_hint=dtypes.int32, name="segment_ids")
    assert_integer(ids)
    ids.shape.assert_has_rank(1)
    ids = cast(ids, dtypes.int32)
    if num_segments is None:
        padded = raw.ConcatV2(values=[np.array([-1], np.int32), ids], axis=0)
        num_segments = raw.Max(input=padded, axis=[0]) + np.int32(1)
    counts = raw.Bincount(
        arr=ids,
        size=cast(convert_to_tensor(num_segments), dtypes.int32),
        weights=np.zeros(0, np.int32),
    )
    zero = np.zeros(1, kind.as_numpy_dtype)
    return raw.ConcatV2(values=[zero, raw.Cumsum(x=cast(counts, kind), axis=0)], axis=0)


def stable_order(ids):
    """The indices that sort a vector stably."""
    return raw.TopKV2(input=-ids, k=raw.Size(input=ids), sorted=True)[1]


@dispatchable("ragged.stack_dynamic_partitions", scope="SegmentStack")
def stack_dynamic_partitions(data, partitions, num_partitions, name=None):
    """The entries of `data` grouped into rows by their partition number.

    Args:
      data: a tensor or RaggedTensor.
      partitions: int32 or int64, in the shape of the outermost axes of `data`: the row of each
        entry.
      num_partitions: the number of rows, a scalar.
      name: of the operations.

    Returns:
      A RaggedTensor `[num_partitions, (row lengths), ...]` of the dtype of `data`.

    Raises:
      ValueError: the rank of `partitions` is not known.
    """
    with name_scope(name or "SegmentStack"):
        data = as_ragged_or_tensor(data)
        kind = data.row_splits.dtype if isinstance(data, RaggedTensor) else None
        partitions = as_ragged_or_tensor(partitions, kind)
        count = convert_to_tensor(num_partitions, dtype_hint=partitions.dtype)
        partitions = _of_kind(partitions, kind or partitions.dtype)
        depth = partitions.shape.rank
        if depth is None:
            raise ValueError("partitions must have known rank.")
        count.shape.assert_has_rank(0)
        partitions.shape.assert_is_compatible_with(data.shape[:depth])
        return _stacked_partitions(data, partitions, cast(count, partitions.dtype))


def _of_kind(tensor, dtype):
    if isinstance(tensor, RaggedTensor):
        return tensor.with_flat_values(cast(tensor.flat_values, dtype))
    return cast(tensor, dtype)


def _stacked_partitions(data, partitions, count):
    if partitions.shape.rank == 0:
        one = stack([data]) if isinstance(data, RaggedTensor) else raw.Pack(values=[data])
        return RaggedTensor.from_value_rowids(
            one, raw.Pack(values=[partitions]), nrows=count, validate=False
        )
    if partitions.shape.rank == 1:
        return _partitioned_rows(data, partitions, count)
    kind = partitions.row_splits.dtype if isinstance(partitions, RaggedTensor) else partitions.dtype
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(data, row_splits_dtype=kind)
    if not isinstance(partitions, RaggedTensor):
        partitions = RaggedTensor.from_tensor(partitions, row_splits_dtype=data.row_splits.dtype)
    message = "data and partitions have incompatible ragged shapes"
    check = assert_equal(data.row_splits, partitions.row_splits, message=message)
    with control_dependencies([check] if check is not None else []):
        return _stacked_partitions(data.values, partitions.values, count)


def _partitioned_rows(data, partitions, count):
    order = stable_order(partitions)
    rows = raw.GatherV2(params=partitions, indices=order, axis=0)
    checks = (
        assert_less(rows[-1:], count, message="partitions must be less than num_partitions"),
        assert_non_negative(partitions, message="partitions must be non-negative."),
    )
    with control_dependencies([check for check in checks if check is not None]):
        return RaggedTensor.from_value_rowids(
            gather(data, order), rows, nrows=count, validate=False
        )


@dispatchable("ragged.map_flat_values")
def map_flat_values(op, *args, **kwargs):
    """Returns the ragged result of a function of the values.

    Args:
      op: a function that is called with the innermost values of the ragged tensors and returns as
        many values.
      *args: arguments of `op`, among them ragged tensors with equal rows.
      **kwargs: further arguments.

    Returns:
      A `RaggedTensor` with the same rows, or what `op` returns if there is no ragged tensor.

    Raises:
      ValueError: the rows differ.

    >>> tf.ragged.map_flat_values(tf.abs, tf.ragged.constant([[-1, 2], [-3]])).to_list()
    [[1, 2], [3]]
    """
    args, kwargs = nest.map_structure(ragged_of_value, (list(args), kwargs))
    ragged = [x for x in nest.flatten((args, kwargs)) if isinstance(x, RaggedTensor)]
    if not ragged:
        return op(*args, **kwargs)
    sizes = {x.flat_values.shape[0] for x in ragged if x.flat_values.shape.rank} - {None}
    if len(sizes) > 1:
        raise ValueError(
            "Input RaggedTensors' flat_values must all have the same outer-dimension size.  "
            f"Got sizes: {sizes}"
        )
    if len({x.row_splits.dtype for x in ragged}) > 1:
        raise ValueError(
            "Input RaggedTensors have mismatched row partition dtypes; use "
            "RaggedTensor.with_row_splits_dtype() to convert them to compatible dtypes."
        )
    inner_args, inner_kwargs = nest.map_structure(
        lambda x: x.flat_values if isinstance(x, RaggedTensor) else x, (args, kwargs)
    )
    result = op(*inner_args, **inner_kwargs)
    if sizes and not result.shape[:1].is_compatible_with(sizes):
        raise ValueError(
            "tf.ragged.map_flat_values requires that the output of `op` have the same "
            "outer-dimension size as flat_values of any ragged inputs. (output shape: "
            f"{result.shape}; expected outer dimension size: {sizes.pop()})"
        )
    partitions = ragged[0]._nested_row_partitions
    for other in ragged[1:]:
        theirs = other._nested_row_partitions
        if len(theirs) != len(partitions):
            raise ValueError("All ragged inputs must have the same ragged_rank.")
        partitions = [
            p._merge_precomputed_encodings(q) for p, q in zip(partitions, theirs, strict=True)
        ]
    for partition in reversed(partitions):
        result = RaggedTensor._from_row_partition(result, partition, validate=False)
    return result
