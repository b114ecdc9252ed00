"""tf.experimental.StructuredTensor: tensors of records. Fields may be ragged or records themselves.

A field's outer axes are those of the records; the inner ones are its own. `structured_values.py` converts from and to
Python's lists and dicts.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.api.extending.extension_type import BatchableExtensionType
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .dynamic_shape import DynamicRaggedShape
from .row_partition import RowPartition
from .structured_functions import OF_RECORDS
from .structured_parts import (
    Records,
    RecordsSpec,
    check_key,
    check_name,
    check_paths,
    checked_partitions,
    common_shape,
    convert_field,
    cut,
    index_type_of_parts,
    merged,
    position_of,
    record_at,
    shape_of_records,
    update_field,
    with_index_type,
    with_partitions,
)
from .structured_values import from_value, to_value

# what a field is; `Any` to type checkers, as its methods are those of its class
FieldValue: Any = typing.Union[Tensor, CompositeTensor]  # noqa: UP007


@export("experimental.StructuredTensor", v1=["experimental.StructuredTensor"])
class StructuredTensor(BatchableExtensionType, Records):
    """A tensor whose elements are records: named fields, each a tensor, a ragged tensor or records again.

    Args:
      fields: {name: field}; the outer axes of each are those of `ragged_shape`.
      ragged_shape: the shape of the records, a DynamicRaggedShape.
    """

    FieldName = typing.Union[str, typing.Sequence[str]]  # noqa: UP007 (TensorFlow shows this form)
    Spec = RecordsSpec

    _fields: typing.Mapping[str, FieldValue]
    _ragged_shape: DynamicRaggedShape

    def __init__(self, fields: Mapping[str, Any], ragged_shape: DynamicRaggedShape):
        self._fields = dict(fields)
        self._ragged_shape = ragged_shape

    # -- making

    @classmethod
    def from_fields(
        cls,
        fields: Any,
        shape: Any = (),
        nrows: Any = None,
        row_partitions: Any = None,
        validate: bool = False,
    ) -> StructuredTensor:
        """Records by their fields.

        Args:
          fields: {name: tensor, ragged tensor, records, or what can be converted to a tensor}.
          shape: the static shape of the records, of known rank.
          nrows: the number of records in the first axis.
          row_partitions: the partitions of the axes into rows, rank - 1 of them.
          validate: has no effect: static shapes are always compared.

        Returns:
          A StructuredTensor.

        Raises:
          TypeError: `fields` is not a dict with string keys.
          ValueError: a name is invalid, or shapes are inconsistent.
        """
        shape = as_shape(shape)
        if shape.rank is None:
            raise ValueError("StructuredTensor's shape must have known rank.")
        if not isinstance(fields, Mapping):
            raise TypeError(f"fields must be a dictionary, got {type(fields).__name__}")
        if shape.rank == 0 and nrows is not None:
            raise ValueError("nrows must be None if shape.rank==0")
        partitions = checked_partitions(row_partitions, shape.rank)
        for name in fields:
            check_name(name)
        with name_scope_v1(None, "StructuredTensor", fields.values()):
            converted = {name: convert_field(value) for name, value in fields.items()}
            whole = shape_of_records(converted, shape, nrows, partitions)
            if shape.rank > 1:
                whole = whole._with_num_row_partitions(shape.rank - 1)
            converted = {
                name: with_partitions(value, partitions) for name, value in converted.items()
            }
        return cls(converted, whole)

    @classmethod
    def _of_parts(
        cls, fields: Mapping[str, Any], shape: TensorShape, nrows: Any, row_partitions: Any
    ) -> StructuredTensor:
        """Build records from fields that are converted already."""
        return cls(fields, shape_of_records(fields, shape, nrows, row_partitions))

    @classmethod
    def from_fields_and_rank(
        cls, fields: Mapping[str, Any], rank: int, validate: bool = False, dtype: Any = None
    ) -> StructuredTensor:
        """Records of this rank from their fields; there must be at least one.

        Args:
          fields: a dict from names to tensors, ragged tensors or records.
          rank: the number of axes that all fields have in common.
          validate: has no effect: the rows of all fields are always compared.
          dtype: of row partitions: int32 or int64.

        Returns:
          A StructuredTensor.

        Raises:
          ValueError: there are no fields, or `rank` is not an int or negative.
        """
        if not fields:
            raise ValueError("Must provide at least one field")
        if not isinstance(rank, int):
            raise ValueError("rank must be an integer")
        if rank < 0:
            raise ValueError("rank must be nonnegative")
        converted = {name: convert_field(value) for name, value in fields.items()}
        kind = (
            index_type_of_parts(converted, None, None) if dtype is None else dtypes.as_dtype(dtype)
        )
        converted = {name: with_index_type(value, kind) for name, value in converted.items()}
        shape = common_shape(converted, rank, kind)
        if rank > 1:
            shape = shape._with_num_row_partitions(rank - 1)
        rows = shape.row_partitions
        return cls({name: with_partitions(value, rows) for name, value in converted.items()}, shape)

    @classmethod
    def from_shape(cls, ragged_shape: DynamicRaggedShape) -> StructuredTensor:
        """Records without fields.

        Args:
          ragged_shape: a DynamicRaggedShape.

        Returns:
          A StructuredTensor.
        """
        return cls({}, ragged_shape)

    @classmethod
    def from_pyval(cls, pyval: Any, typespec: Any = None) -> Any:
        """Records from a dict, or from nested lists of dicts; a tensor from other values.

        Args:
          pyval: dicts, lists and scalars; dicts of one field have the same keys.
          typespec: the type of the result, by default inferred.

        Returns:
          A StructuredTensor, or a tensor.

        Raises:
          ValueError: values are inconsistent, or do not match `typespec`.
          KeyError: a dict lacks a key that another has.
        """
        return from_value(StructuredTensor, pyval, typespec, ())

    # -- properties

    @property
    def shape(self) -> TensorShape:
        """The static shape of the records."""
        return self._ragged_shape._to_tensor_shape()

    rank = read_only("_ragged_shape.rank", "The rank of the records.")

    @property
    def row_partitions(self) -> tuple[RowPartition, ...]:
        """The partitions of the axes into rows: rank - 1 of them."""
        if self.rank < 2:
            return ()
        return self._ragged_shape._as_row_partitions()

    def nrows(self) -> Any:
        """The number of records in the first axis, a scalar tensor; None for a single record.

        Returns:
          An integer scalar or None.
        """
        return None if self.rank == 0 else self._ragged_shape[0]

    def with_shape_dtype(self, dtype: Any) -> StructuredTensor:
        """The same with row partitions of this dtype.

        Args:
          dtype: int32 or int64.

        Returns:
          A StructuredTensor.
        """
        if dtype == self._ragged_shape.dtype:
            return self
        fields = {name: with_index_type(value, dtype) for name, value in self._fields.items()}
        return StructuredTensor(fields, self._ragged_shape.with_dtype(dtype))

    # -- fields

    def field_names(self) -> tuple[str, ...]:
        """The names of the fields.

        Returns:
          A tuple of str.
        """
        return tuple(self._fields)

    def field_value(self, field_name: Any) -> Any:
        """A field by its name, or by its path.

        Args:
          field_name: a name, or a path of names.

        Returns:
          A tensor, a ragged tensor or records.

        Raises:
          KeyError: there is none.
        """
        if isinstance(field_name, (list, tuple)):
            value: Any = self
            for name in field_name:
                if not isinstance(value, StructuredTensor):
                    raise KeyError(f"Field path {field_name} not found in {self}")
                value = value.field_value(name)
            return value
        return self._fields[field_name]

    def with_updates(self, updates: Mapping[Any, Any], validate: bool = False) -> StructuredTensor:
        """The same with fields added, changed, or removed.

        Args:
          updates: {name or path: the new field, None to remove it, or a function of the field}.
          validate: has no effect: the rows of all fields are always compared.

        Returns:
          A StructuredTensor.

        Raises:
          ValueError: a path is not inside a record, or the rows of a field do not match.
        """
        paths = sorted(
            (((key,) if isinstance(key, str) else tuple(key)), value)
            for key, value in updates.items()
        )
        check_paths([path for path, _ in paths])
        return self._updated(paths, ())

    def _updated(
        self, updates: Sequence[tuple[tuple[str, ...], Any]], above: tuple[str, ...]
    ) -> StructuredTensor:
        """The same with fields updated; its own path is `above`."""
        fields = dict(self._fields)
        for (name, *rest), value in updates:
            if rest:
                inner = record_at(fields, name, (*above, name, *rest), (*above, name))
                fields[name] = inner._updated([(tuple(rest), value)], (*above, name))
            else:
                update_field(fields, name, value, (*above, name))
        try:
            return StructuredTensor.from_fields(
                fields, self.shape, self.nrows(), self.row_partitions
            )
        except ValueError as error:
            around = f" for field {above}" if above else ""
            raise ValueError(f"`StructuredTensor.with_updates` failed{around}") from error

    def promote(self, source_path: Any, new_name: str) -> StructuredTensor:
        """The same with a copy of the field at `source_path` one level higher, with its inner rows merged.

        Args:
          source_path: names, at least two.
          new_name: of the copy.

        Returns:
          A StructuredTensor.

        Raises:
          ValueError: the path has only one name.
        """
        if not isinstance(new_name, str):
            raise ValueError("new_name is not a string")
        if not isinstance(source_path, (list, tuple)):
            raise ValueError("source_path must be a list or tuple")
        path = tuple(source_path)
        if len(path) < 2:
            raise ValueError("source_path must have length at least two")
        value = self._promoted(path, self.field_value(path[:-2]).rank)
        return self.with_updates({(*path[:-2], new_name): value})

    def _promoted(self, path: tuple[str, ...], outer: int) -> Any:
        """The field at a path, with its inner rows merged into those of records of rank `outer`."""
        value, parent = self.field_value(path), self.field_value(path[:-1]).rank
        if parent == outer:
            return value
        if value.shape.rank is None:
            raise ValueError("Cannot determine if dimensions should be merged.")
        inner = min(parent, value.shape.rank - 1)
        return value if inner <= outer else merged(value, outer, inner)

    # -- shapes

    def merge_dims(self, outer_axis: int, inner_axis: int) -> StructuredTensor:
        """The same with a range of axes merged.

        Args:
          outer_axis, inner_axis: the first and the last of them.

        Returns:
          A StructuredTensor.

        Raises:
          ValueError: the first comes after the last.
        """
        outer = position_of(outer_axis, self.rank, "outer_axis")
        inner = position_of(inner_axis, self.rank, "inner_axis")
        if outer > inner:
            raise ValueError(
                f"Expected outer_axis ({outer}) to be less than or equal to inner_axis ({inner})"
            )
        fields = {name: merged(value, outer, inner) for name, value in self._fields.items()}
        return StructuredTensor(fields, self._ragged_shape._merge_dims(outer, inner))

    def partition_outer_dimension(self, row_partition: RowPartition) -> StructuredTensor:
        """The same with the first axis partitioned into rows.

        Args:
          row_partition: a RowPartition.

        Returns:
          A StructuredTensor of one more axis.

        Raises:
          TypeError: `row_partition` is not a RowPartition.
          ValueError: it is a single record.
        """
        if not isinstance(row_partition, RowPartition):
            raise TypeError("row_partition must be a RowPartition.")
        if self.rank == 0:
            raise ValueError("Shape () must have rank at least 1")
        fields = {name: cut(value, row_partition) for name, value in self._fields.items()}
        lengths = [row_partition.static_nrows, row_partition.static_uniform_row_length]
        shape = TensorShape(lengths).concatenate(self.shape[1:])
        rows = (row_partition, *self.row_partitions)
        return StructuredTensor._of_parts(fields, shape, row_partition.nrows(), rows)

    def _positions(self) -> Any:
        """A tensor of record indices; an operation applied to it gives the new shape of the records."""
        shape = self._ragged_shape
        count = raw.Prod(input=shape.inner_shape, axis=[0])
        flat = raw.Reshape(
            tensor=raw.Range(start=cast(0, shape.dtype), limit=count, delta=cast(1, shape.dtype)),
            shape=shape.inner_shape,
        )
        if not executing_eagerly():
            flat.set_shape(shape._static_inner_shape)
        return shape._add_row_partitions(flat)

    # -- indexing

    def __getitem__(self, key: Any) -> Any:
        """Records, or fields: keys for the axes first, then the name of a field, then keys for its inner axes."""
        keys = list(key) if isinstance(key, tuple) else [key]
        keys = self._without_ellipsis(keys)
        if not keys:
            return self
        if any(one is None for one in keys):
            raise ValueError("Slicing not supported for tf.newaxis")
        if self.rank == 0:
            return self._of_one_record(keys)
        if len(keys) > self.rank:
            name = keys.pop(self.rank)
            if not isinstance(name, str):
                raise ValueError("Key for indexing a StructuredTensor must be a string")
            return self.field_value(name).__getitem__(tuple(keys))
        for one in keys:
            check_key(one)
        self._check_rows(keys)
        fields = {name: value.__getitem__(tuple(keys)) for name, value in self._fields.items()}
        shape = DynamicRaggedShape.from_tensor(self._positions().__getitem__(tuple(keys)))
        return StructuredTensor(fields, shape.with_dtype(self._ragged_shape.dtype))

    def _without_ellipsis(self, keys: list[Any]) -> list[Any]:
        """The keys with an ellipsis replaced by full slices of the records' axes."""
        at = next((i for i, one in enumerate(keys) if one is Ellipsis), None)
        if at is None:
            return keys
        after = keys[at + 1 :]
        before_name = next((i for i, one in enumerate(after) if isinstance(one, str)), len(after))
        missing = self.rank - at - before_name
        return keys[:at] + [slice(None)] * max(0, missing) + after

    def _of_one_record(self, keys: list[Any]) -> Any:
        if isinstance(keys[0], slice) and keys[0] == slice(None):
            rest = tuple(keys[1:])
            fields = {name: value.__getitem__(rest) for name, value in self._fields.items()}
            return StructuredTensor(fields, self._ragged_shape)
        if not isinstance(keys[0], str):
            raise ValueError(
                "Key for indexing a StructuredTensor must be a string or a full slice (':')"
            )
        value = self._fields[keys[0]]
        return value.__getitem__(tuple(keys[1:])) if len(keys) > 1 else value

    def _check_rows(self, keys: list[Any]) -> None:
        """Raises IndexError for a row out of range, if the number of rows is static."""
        count = self.shape[0]
        if isinstance(keys[0], (int, np.integer)) and count is not None:
            if not -count <= keys[0] < count:
                raise IndexError(f"Row key {keys[0]} out of bounds")
            partitions = self._ragged_shape.row_partitions
            second = keys[1] if len(keys) > 1 else None
            if partitions and isinstance(second, (int, np.integer)) and executing_eagerly():
                length = int(partitions[0].row_lengths()[keys[0]])
                if not -length <= second < length:
                    raise IndexError(f"Row key {second} out of bounds")
        elif len(keys) > 1 and isinstance(keys[1], (int, np.integer)) and self.shape[1] is None:
            raise ValueError("Cannot index into an inner ragged dimension.")

    def __tf_dispatch__(self, api: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        implementation = OF_RECORDS.get(api)
        return NotImplemented if implementation is None else implementation(*args, **kwargs)

    def to_pyval(self) -> Any:
        """A dict, or nested lists of dicts.

        Returns:
          A dict, or nested lists of dicts.

        Raises:
          ValueError: called in a graph.
        """
        return to_value(self)

    def __repr__(self) -> str:
        lines = []
        for name in sorted(self._fields):
            value = self._fields[name]
            shown = str(value)
            inside = shown.replace("\n", "\n" + " " * 12)
            lines.append(f'\n        "{name}": {inside}')
        fields = "{" + (",".join(lines) or "\n        ") + "}"
        return f"<StructuredTensor(\n    fields={fields},\n    shape={self.shape})>"
