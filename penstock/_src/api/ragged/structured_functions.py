"""The public functions for StructuredTensors: applied to every field, or to the shape of the records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.array import creation, indexing, joining, shaping
from penstock._src.api.math.elementwise import cast
from penstock._src.api.random.functions import shuffle
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

from .dynamic_shape import DynamicRaggedShape
from .ragged_tensor import RaggedTensor, ragged_of_value
from .structured_parts import Records, position_of, shape_of_value


def _filled(records: Records, value: int, dtype: Any) -> Any:
    """A tensor, ragged like the records, with one value for each of them."""
    kind = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
    number = cast(value, kind)
    partitions = records.row_partitions
    if not partitions:
        count = records.nrows()
        return number if count is None else raw.Fill(dims=[count], value=number)
    flat = raw.Fill(dims=[partitions[-1].nvals()], value=number)
    return RaggedTensor._from_nested_row_partitions(flat, partitions, validate=False)


def shape_like(tensor: Any) -> DynamicRaggedShape:
    """The shape of records, one for each value of a tensor.

    Raises:
      ValueError: the tensor's rank is unknown.
    """
    if tensor.shape.rank is None:
        raise ValueError("Can't build StructuredTensor w/ unknown rank")
    # A number of rows that only the tensor knows is an int32, as `tf.shape` gives it.
    own = isinstance(tensor, RaggedTensor) or tensor.shape.as_list() == [None]
    shape = shape_of_value(tensor, None if own else dtypes.int64)
    return shape._with_num_row_partitions(shape.rank - 1) if shape.rank > 1 else shape


def extend_op(values: Any, on_tensors: Callable[[list[Any]], Any]) -> Any:
    """A function of a list of tensors, applied to every field of a list of records with the same fields.

    Raises:
      ValueError: there is no list, or nothing in it.
    """
    if not isinstance(values, Sequence):
        raise ValueError("Expected a list")
    if not values:
        raise ValueError("List cannot be empty")
    if not isinstance(values[0], Records):
        return on_tensors(list(values))
    kind = type(values[0])
    shape = shape_like(on_tensors([_filled(v, 0, dtypes.int32) for v in values]))
    fields = {
        name: extend_op([v.field_value(name) for v in values], on_tensors)
        for name in values[0].field_names()
    }
    if not fields:
        return kind.from_shape(shape)
    return kind.from_fields(fields, shape=shape._to_tensor_shape())


def _expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    axis = position_of(axis, input.rank + 1, "axis")
    return extend_op([input], lambda values: shaping.expand_dims(values[0], axis))


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """The records at these indices (`tf.gather`).

    Raises:
      ValueError: there is no such axis.
    """
    axis = position_of(batch_dims if axis is None else axis, params.shape.rank, "axis")
    batch_dims = position_of(batch_dims, axis + 1, "batch_dims")
    indices = ragged_of_value(indices)
    if not isinstance(indices, RaggedTensor):
        indices = convert_to_tensor(indices)
    return extend_op(
        [params], lambda values: indexing.gather(values[0], indices, None, axis, batch_dims)
    )


def _tree(records: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], int | None]:
    """The rank of the records at each path; None for the fields that are tensors."""
    ranks: dict[tuple[str, ...], int | None] = {path: records.rank}
    for name in records.field_names():
        value = records.field_value(name)
        if isinstance(value, Records):
            ranks.update(_tree(value, (*path, name)))
        else:
            ranks[(*path, name)] = None
    return ranks


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Concatenate lists of records with the same fields (`tf.concat`).

    Raises:
      ValueError: there are none, or their fields or ranks differ.
    """
    if not isinstance(values, Sequence):
        raise ValueError("values must be a list of StructuredTensors (not a list)")
    if not values:
        raise ValueError("values must not be an empty list")
    if not all(isinstance(value, Records) for value in values):
        raise ValueError("values must be a list of StructuredTensors")
    first, *others = map(_tree, values)
    apart = {path for other in others for path in first.keys() ^ other.keys()}
    if apart:
        raise ValueError(
            f"Some paths are present in some, but not all, structured tensors: {apart}"
        )
    if any(other != first for other in others):
        raise ValueError("Ranks of sub-message do not match")
    axis = position_of(axis, values[0].rank, "axis")
    return extend_op(values, lambda tensors: joining.concat(tensors, axis))


def _size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    kind = dtypes.int32 if out_type is None else dtypes.as_dtype(out_type)
    partitions = input.row_partitions
    count = partitions[-1].nvals() if partitions else input.nrows()
    return cast(1 if count is None else count, kind)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of axes (`tf.rank`)."""
    return cast(input.rank, dtypes.int32)


def _shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    return input._ragged_shape.with_dtype(dtypes.int32 if out_type is None else out_type)


def _like(value: int) -> Callable[..., Any]:
    def like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
        return _filled(input, value, dtype)

    return like


def shuffle_rows(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """The records in random order along the first axis (`tf.random.shuffle`).

    Raises:
      ValueError: it is a single record.
    """
    if value.rank == 0:
        raise ValueError("Cannot shuffle a scalar StructuredTensor")
    rows = cast(value.nrows(), dtypes.int64)
    order = raw.Range(start=cast(0, dtypes.int64), limit=rows, delta=cast(1, dtypes.int64))
    return gather(value, shuffle(order, seed=seed), axis=0)


OF_RECORDS: dict[Any, Callable[..., Any]] = {
    shaping.expand_dims: _expand_dims,
    shaping.size: _size,
    shaping.rank: rank,
    shaping.shape: _shape,
    indexing.gather: gather,
    joining.concat: concat,
    creation.zeros_like: _like(0),
    creation.ones_like: _like(1),
    shuffle: shuffle_rows,
}
