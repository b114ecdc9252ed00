"""Helpers of StructuredTensor: fields with a common outer shape."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.api.array import shaping
from penstock._src.api.extending.extension_type import BatchableExtensionTypeSpec, ExtensionType
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.util.signatures import read_only

from .dynamic_shape import DynamicRaggedShape
from .ragged_tensor import RaggedTensor, merge_dims, ragged_of_value
from .row_partition import RowPartition
from .shapes.spec import DynamicRaggedShapeSpec

_NAME = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]*$")


class Records(CompositeTensor):
    """Base of StructuredTensor: the interface that functions on records, and nested records, rely on."""

    _fields: Any
    _ragged_shape: DynamicRaggedShape
    row_partitions: Any
    shape: Any
    rank: Any
    nrows: Callable[[], Any]
    field_names: Callable[[], tuple[str, ...]]
    field_value: Callable[[Any], Any]
    merge_dims: Callable[[int, int], Any]
    partition_outer_dimension: Callable[[RowPartition], Any]
    with_shape_dtype: Callable[[Any], Any]
    _positions: Callable[[], Any]
    # Class methods, which make records.
    from_fields: Any
    from_shape: Any
    _of_parts: Any


class RecordsSpec(BatchableExtensionTypeSpec):
    """The types of the fields, and that of the shape of the records."""

    _fields: Mapping[str, Any]
    _ragged_shape: Any

    def __validate__(self) -> None:
        if self._ragged_shape is None:
            raise AssertionError("StructuredTensor.Spec: a spec of the records' shape is required.")

    @classmethod
    def _from_fields_and_rank(cls, fields: Mapping[str, Any], rank: int) -> "RecordsSpec":
        """Returns the type of records of this rank, given the types of their fields."""
        return cls(_fields=fields, _ragged_shape=common_shape_spec(fields, rank))

    @classmethod
    def _from_shape(cls, shape: DynamicRaggedShapeSpec) -> "RecordsSpec":
        """Returns the type of records without fields."""
        return cls(_fields={}, _ragged_shape=shape)

    @property
    def _shape(self) -> TensorShape:
        return self._ragged_shape._to_tensor_shape()

    shape = read_only("_shape", "The static shape of the records.")
    rank = read_only("_ragged_shape.rank", "The rank of the records.")
    _field_specs = read_only("_fields", "The types of the fields.")


def convert_field(value: Any) -> Any:
    """Converts the value of a field to a tensor, ragged tensor, record or other extension type.

    Raises:
      TypeError: it cannot be converted.
    """
    value = ragged_of_value(value)
    if isinstance(value, (Tensor, RaggedTensor, ExtensionType)):
        return value
    try:
        return convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Unexpected type for value in `fields`: {value!r}") from error


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


def checked_partitions(partitions: Any, rank: int) -> tuple[RowPartition, ...] | None:
    """The partitions of records of this rank, as a tuple; None if they are to be found.

    Raises:
      ValueError: there are too many or too few.
    """
    if rank < 2 and partitions:
        raise ValueError("row_partitions must be None or [] if shape.rank<2")
    if partitions is None:
        return () if rank < 2 else None
    checked = tuple(partitions)
    if len(checked) != max(0, rank - 1):
        raise ValueError("len(row_partitions) must be shape.rank-1")
    return checked


def index_type_of_parts(fields: Mapping[str, Any], nrows: Any, partitions: Any) -> DType:
    """The type of the shape: int64 unless all parts that have one say int32."""
    kinds = {_index_type(value) for value in fields.values()} - {None}
    if isinstance(nrows, Tensor):
        kinds.add(nrows.dtype)
    kinds.update(partition.dtype for partition in partitions or ())
    return dtypes.int32 if kinds == {dtypes.int32} else dtypes.int64


def _index_type(value: Any) -> DType | None:
    if isinstance(value, RaggedTensor):
        return value.row_splits.dtype
    return value._ragged_shape.dtype if isinstance(value, Records) else None


def with_index_type(value: Any, kind: DType) -> Any:
    """A field with row partitions of this type."""
    if isinstance(value, RaggedTensor):
        return value.with_row_splits_dtype(kind)
    return value.with_shape_dtype(kind) if isinstance(value, Records) else value


def with_partitions(value: Any, partitions: Sequence[RowPartition] | None) -> Any:
    """Return a field with the records' partitions as its outer ones."""
    if not partitions or not isinstance(value, (RaggedTensor, Records)):
        return value
    if isinstance(value, RaggedTensor):
        inside = with_partitions(value.values, partitions[1:])
        return RaggedTensor._from_row_partition(inside, partitions[0])
    fields = {name: with_partitions(field, partitions) for name, field in value._fields.items()}
    rows = (*partitions, *value.row_partitions[len(partitions) :])
    return value._of_parts(fields, value.shape, value.nrows(), rows)


def common_shape_spec(fields: Mapping[str, Any], rank: int) -> Any:
    """The type of the outer shape that fields of these types have in common.

    Raises:
      ValueError: a field has too few axes, or no shape.
    """
    common = None
    for name, spec in fields.items():
        own = spec._ragged_shape if hasattr(spec, "_ragged_shape") else None
        own = DynamicRaggedShapeSpec._from_spec(spec) if own is None else own
        if own is None:
            raise ValueError(f"Cannot convert spec of {name}.")
        if own.rank is not None and own.rank < rank:
            raise ValueError(f"Rank of field {name} is {own.rank}, but must be at least {rank}.")
        outer = own._truncate(rank)
        common = outer if common is None else common._merge_with(outer)
    return common


def shape_of_value(value: Any, kind: DType | None = None) -> DynamicRaggedShape:
    """The shape of a field."""
    if isinstance(value, Records):
        return value._ragged_shape
    if isinstance(value, RaggedTensor):
        return DynamicRaggedShape.from_tensor(value, kind)
    dynamic = shaping.shape(value, out_type=kind)
    if isinstance(dynamic, Tensor):
        return DynamicRaggedShape((), dynamic)
    if isinstance(dynamic, DynamicRaggedShape):
        return dynamic
    raise TypeError(
        f"The shape of {value} must be a tensor or DynamicRaggedShape. Received {dynamic}."
    )


def common_shape(fields: Mapping[str, Any], rank: int, kind: DType) -> Any:
    """The outer shape that all fields have in common; None if there are no fields.

    Raises:
      ValueError: they have none.
    """
    common = None
    for name, value in fields.items():
        try:
            common = _both(common, shape_of_value(value, kind)[:rank])
        except Exception as error:
            raise ValueError(f"Error in shape of {name}") from error
    return common


def _both(mine: DynamicRaggedShape | None, other: DynamicRaggedShape) -> DynamicRaggedShape:
    return other if mine is None else mine._merge_with(other)


def shape_of_records(
    fields: Mapping[str, Any], shape: TensorShape, nrows: Any, row_partitions: Any
) -> DynamicRaggedShape:
    """The shape of records: all that is known of it statically, from the fields and from partitions.

    Raises:
      ValueError: they contradict each other, or there is nothing that it follows from.
    """
    rank: Any = shape.rank
    if rank is None:
        raise TypeError("StructuredTensor's shape must have known rank.")
    kind = index_type_of_parts(fields, nrows, row_partitions)
    if rank == 0:
        return DynamicRaggedShape((), np.zeros(0, kind.as_numpy_dtype))
    known = None
    if shape.is_fully_defined():
        known = DynamicRaggedShape._from_inner_shape(shape.as_list(), dtype=kind)
    own = common_shape({k: with_index_type(v, kind) for k, v in fields.items()}, rank, kind)
    known = known if own is None else _both(known, own)
    if rank == 1 and (nrows is not None or shape[0] is not None):
        length = nrows if shape[0] is None else shape[0]
        known = _both(known, DynamicRaggedShape._from_inner_shape([length], dtype=kind))
    elif row_partitions:
        known = _both(known, DynamicRaggedShape.from_row_partitions(row_partitions, dtype=kind))
    if known is None and rank == 1:
        raise ValueError(
            "Must specify `nrows`, a fully specified `shape`, or have `fields` if `rank=1`"
        )
    if known is None:
        raise ValueError(
            "Must specify row_partitions, a fully specified shape, or have fields if rank > 1"
        )
    return known


_UPDATES = "`StructuredTensor.with_updates`"


def check_paths(paths: Sequence[tuple[str, ...]]) -> None:
    """Raises an error for an empty path or name, or a path that begins with another; they are sorted."""
    for path in paths:
        if not path or not all(path):
            raise ValueError(f"{_UPDATES} does not allow empty names {path}.")
    for parent, child in zip(paths, paths[1:]):
        if child[: len(parent)] == parent:
            raise ValueError(
                f"{_UPDATES} does not allow both parent and child nodes to be updated: "
                f"parent={parent}, child={child}. If needed you can update child nodes in the "
                "parent update value."
            )


def record_at(fields: Mapping[str, Any], name: str, path: Any, parent: Any) -> Any:
    """The record in which the field at `path` is updated.

    Raises:
      ValueError: there is none.
    """
    refused = f"{_UPDATES} cannot create new sub-field {path} if parent"
    if name not in fields:
        raise ValueError(f"{refused} field {parent} is not set.")
    if not isinstance(fields[name], Records):
        raise ValueError(
            f"{refused} structure {parent} is not a `StructuredTensor` that can contain "
            f"sub-structures -- it is a `{type(fields[name])}`."
        )
    return fields[name]


def update_field(fields: dict[str, Any], name: str, value: Any, path: Any) -> None:
    """Sets a field to a value or to what a function makes of it, or deletes it for None.

    Raises:
      ValueError: it should be there and is not.
    """
    if value is None and name not in fields:
        raise ValueError(f"{_UPDATES} cannot delete field {path} because it is not present.")
    if value is None:
        del fields[name]
        return
    if callable(value):
        if name not in fields:
            raise ValueError(
                f"{_UPDATES} cannot update the field {path} because a transforming function was "
                "given, but that field does not already exist."
            )
        value = value(fields[name])
    fields[name] = value


def merged(value: Any, outer: int, inner: int) -> Any:
    """A field with the axes from `outer` to `inner` merged."""
    if isinstance(value, Records):
        return value.merge_dims(outer, inner)
    return merge_dims(value, outer, inner)


def cut(value: Any, partition: RowPartition) -> Any:
    """A field with its first axis partitioned into rows."""
    if isinstance(value, Records):
        return value.partition_outer_dimension(partition)
    if isinstance(value, Tensor) and partition.is_uniform():
        lengths = raw.Pack(values=[partition.nrows(), partition.uniform_row_length()])
        rest = raw.Shape(input=value, out_type=partition.dtype)[1:]
        return raw.Reshape(tensor=value, shape=raw.ConcatV2(values=[lengths, rest], axis=0))
    return RaggedTensor._from_row_partition(value, partition)
