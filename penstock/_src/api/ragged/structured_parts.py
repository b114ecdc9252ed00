"""Helpers of StructuredTensor: fields with a common outer shape."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor

from .construction import constant
from .dynamic_shape import DynamicRaggedShape
from .ragged_tensor import RaggedTensor, ragged_of_value
from .row_partition import RowPartition

_NAME = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]*$")


class Records(CompositeTensor):
    """Base of StructuredTensor, which identifies fields that are records themselves."""

    _ragged_shape: DynamicRaggedShape
    row_partitions: Any
    merge_dims: Callable[[int, int], Any]
    partition_outer_dimension: Callable[[RowPartition], Any]


def convert_field(value: Any) -> Any:
    """Converts the value of a field to a tensor, ragged tensor or record.

    Raises:
      TypeError: it cannot be converted.
    """
    value = ragged_of_value(value)
    if isinstance(value, (Tensor, RaggedTensor, Records)):
        return value
    try:
        return convert_to_tensor(value)
    except (TypeError, ValueError):
        if isinstance(value, (list, tuple)):
            return constant(value)
        raise TypeError(f"Unexpected type for value in `fields`: {value}") from None


def static_shape(partitions: Sequence[Any], inner: TensorShape) -> TensorShape:
    """The static shape from partitions (or their specs) and the shape of the flat values."""
    if not partitions:
        return inner
    first = partitions[0]
    nrows = first.static_nrows if isinstance(first, RowPartition) else first.nrows
    lengths = [
        p.static_uniform_row_length if isinstance(p, RowPartition) else p.uniform_row_length
        for p in partitions
    ]
    return TensorShape([nrows, *lengths]).concatenate(inner[1:])


def check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"Unexpected type for key in `fields`: {name}")
    if not _NAME.match(name):
        raise ValueError(f"Field name '{name}' is not currently allowed.")


def check_key(key: Any) -> None:
    is_scalar = isinstance(key, Tensor) and key.dtype in (dtypes.int32, dtypes.int64)
    if not isinstance(key, (int, np.integer, slice)) and not is_scalar:
        raise TypeError(
            "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
            f"tf.int32/tf.int64 tensors are valid indices, got {key!r}"
        )


def position_of(axis: int, rank: int, name: str) -> int:
    if not -rank <= axis < rank:
        raise ValueError(f"{name}={axis} out of bounds: expected {-rank}<={name}<{rank}")
    return axis % rank


def shape_of_records(
    fields: Mapping[str, Any], shape: TensorShape, nrows: Any, row_partitions: Any
) -> DynamicRaggedShape:
    """The shape from the first available source: row partitions, a field, the number of rows."""
    rank: Any = shape.rank  # records always have one
    if rank == 0:
        return DynamicRaggedShape((), np.zeros(0, np.int64), dtypes.int64)
    if row_partitions and len(row_partitions) != rank - 1:
        raise ValueError("len(row_partitions) must be shape.rank-1")
    if row_partitions:
        return DynamicRaggedShape.from_row_partitions(row_partitions)
    if rank == 1 and nrows is not None:
        count = convert_to_tensor(nrows)
        given = DynamicRaggedShape(
            (), raw.Pack(values=[cast(count, dtypes.int64)], axis=0), dtypes.int64
        )
        given._static_inner_shape.merge_with(shape)
        return given
    for value in fields.values():
        outer = value._ragged_shape if isinstance(value, Records) else None
        whole = outer or DynamicRaggedShape.from_tensor(value, dtypes.int64)
        if whole.rank is not None and whole.rank >= rank:
            return whole[:rank].with_dtype(dtypes.int64)
    if shape.is_fully_defined():
        return DynamicRaggedShape((), np.asarray(shape.as_list(), np.int64), dtypes.int64)
    raise ValueError(
        "Must specify `nrows`, a fully specified `shape`, or have `fields` if `rank=1`"
    )


def check_fields(fields: Mapping[str, Any], known: TensorShape, asked: TensorShape) -> None:
    """Raises ValueError if shapes are inconsistent."""
    rank: Any = known.rank  # records always have one
    if not known.is_compatible_with(asked):
        raise ValueError(f"Shapes {asked} and {known} are not compatible")
    for name, value in fields.items():
        outer = as_shape(value.shape)
        if outer.rank is None:
            continue
        if outer.rank < rank or not outer[:rank].is_compatible_with(known):
            if name == next(iter(fields)):
                raise ValueError(f"Shapes {outer[:rank]} and {known} are not compatible")
            raise ValueError(f"Error in shape of {name}")


def with_equal_rows(fields: Mapping[str, Any], shape: DynamicRaggedShape) -> DynamicRaggedShape:
    """The shape, after checking that every ragged field has its rows."""
    count = len(shape.row_partitions)
    for value in fields.values():
        own = value.row_partitions if isinstance(value, Records) else ()
        if isinstance(value, RaggedTensor):
            own = DynamicRaggedShape.from_tensor(value, shape.dtype).row_partitions
        for mine, whole in zip(own[:count], shape.row_partitions, strict=False):
            same = raw.Equal(
                x=cast(mine.row_splits(), shape.dtype),
                y=whole.row_splits(),
                incompatible_shape_error=False,
            )
            message = (
                "RowPartition._merge_precomputed_encodings: partitions have incompatible row_splits"
            )
            raw.Assert(
                condition=raw.All(input=same, axis=list(range(same.shape.rank or 0))),
                data=[message, mine.row_splits(), whole.row_splits()],
            )
    return shape


def check_paths(paths: Sequence[tuple[str, ...]]) -> None:
    """Raises an error for an empty path or a path that is a prefix of another."""
    for path in paths:
        if not path:
            raise ValueError("`StructuredTensor.with_updates` does not allow empty names ((),).")
    for number, parent in enumerate(paths):
        for other, child in enumerate(paths):
            if number != other and child[: len(parent)] == parent:
                raise ValueError(
                    "`StructuredTensor.with_updates` does not allow both parent and child nodes to be "
                    f"updated: parent={parent}, child={child}. If needed you can update child nodes in the "
                    "parent update value."
                )


def merged(value: Any, outer: int, inner: int) -> Any:
    """A field with the axes from `outer` to `inner` merged."""
    if outer >= inner:
        return value
    if isinstance(value, Records):
        return value.merge_dims(outer, inner)
    if isinstance(value, RaggedTensor):
        return value.merge_dims(outer, inner)
    shape = raw.Shape(input=value)
    joined = raw.ConcatV2(values=[shape[:outer], [-1], shape[inner + 1 :]], axis=0)
    return raw.Reshape(tensor=value, shape=joined)


def cut(value: Any, partition: RowPartition) -> Any:
    """A field with its first axis partitioned into rows."""
    if isinstance(value, Records):
        return value.partition_outer_dimension(partition)
    if isinstance(value, Tensor) and partition.is_uniform():
        length = cast(partition.uniform_row_length(), dtypes.int64)
        nrows = cast(partition.nrows(), dtypes.int64)
        rest = raw.Shape(input=value, out_type=dtypes.int64)[1:]
        shape = raw.ConcatV2(values=[raw.Pack(values=[nrows, length]), rest], axis=0)
        return raw.Reshape(tensor=value, shape=shape)
    rows = value.nrows() if isinstance(value, RaggedTensor) else raw.Shape(input=value)[0]
    raw.Assert(
        condition=raw.Equal(x=cast(rows, dtypes.int64), y=cast(partition.nvals(), dtypes.int64)),
        data=["Arguments to _from_row_partition do not form a valid RaggedTensor"],
    )
    return RaggedTensor._from_row_partition(value, partition, validate=True)
