"""tf.experimental.StructuredTensor: tensors of records, whose fields may be ragged or records themselves.

A field's outer axes are those of the records; the inner ones are its own. `structured_values.py` converts from and to
Python's lists and dicts.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.api.extending.extension_type import (
    BatchableExtensionType,
    BatchableExtensionTypeSpec,
)
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .dynamic_shape import DynamicRaggedShape, DynamicRaggedShapeSpec
from .ragged_tensor import RaggedTensor, RaggedTensorSpec
from .row_partition import RowPartition
from .structured_parts import (
    Records,
    check_fields,
    check_key,
    check_name,
    check_paths,
    convert_field,
    cut,
    merged,
    position_of,
    shape_of_records,
    static_shape,
    with_equal_rows,
)


class _Spec(BatchableExtensionTypeSpec):
    """The types of the fields, and the shape of a StructuredTensor."""

    _fields: Mapping[str, Any]
    _ragged_shape: Any

    def __init__(self, _fields: Mapping[str, Any], _ragged_shape: Any) -> None:
        super().__init__(_fields=dict(_fields), _ragged_shape=_ragged_shape)

    @classmethod
    def _from_fields_and_rank(cls, fields: Mapping[str, Any], rank: int) -> _Spec:
        """The spec of records of this rank, given the specs of their fields."""
        if rank == 0:
            shape = DynamicRaggedShapeSpec([], TensorShape([]), dtypes.int64)
            return cls(_fields=dict(fields), _ragged_shape=shape)
        known = TensorShape([None] * rank)
        for spec in fields.values():
            known = known.merge_with(as_shape(spec.shape)[:rank])
        return cls(
            _fields=dict(fields), _ragged_shape=DynamicRaggedShapeSpec([], known, dtypes.int64)
        )

    @classmethod
    def _from_shape(cls, shape: DynamicRaggedShapeSpec) -> _Spec:
        """The spec of records without fields."""
        return cls(_fields={}, _ragged_shape=shape)

    @property
    def _component_specs(self) -> Any:
        # The fields determine the shape too.
        return tuple(self._fields.values()) or (self._ragged_shape,)

    def _to_components(self, value: Any) -> Any:
        return tuple(value._fields.values()) or (value._ragged_shape,)

    def _from_components(self, components: Any) -> Any:
        if not self._fields:
            return StructuredTensor({}, *components)
        fields = dict(zip(self._fields, components, strict=True))
        shape = shape_of_records(fields, TensorShape([None] * self.rank), None, None)
        return StructuredTensor(fields, shape.with_dtype(self._ragged_shape.dtype))

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return static_shape(
            self._ragged_shape._row_partitions, self._ragged_shape._static_inner_shape
        )

    rank = read_only("_ragged_shape.rank", "The rank.")

    def _batch(self, batch_size: int | None) -> _Spec:
        fields = {name: _batched(spec, batch_size) for name, spec in self._fields.items()}
        return type(self)._from_fields_and_rank(fields, self.rank + 1)

    def _unbatch(self) -> _Spec:
        fields = {name: unbatched(spec) for name, spec in self._fields.items()}
        return type(self)._from_fields_and_rank(fields, self.rank - 1)


def _batched(spec: Any, size: int | None) -> Any:
    if isinstance(spec, TensorSpec):
        return TensorSpec([size, *spec.shape.as_list()], spec.dtype)
    if isinstance(spec, RaggedTensorSpec):
        shape = TensorShape([size]).concatenate(spec.shape)
        return RaggedTensorSpec(shape, spec.dtype, spec.ragged_rank + 1, spec.row_splits_dtype)
    return spec._batch(size)


def unbatched(spec: Any) -> Any:
    """The spec of a row of a field."""
    if isinstance(spec, TensorSpec):
        return TensorSpec(spec.shape[1:], spec.dtype)
    if isinstance(spec, RaggedTensorSpec):
        rank = spec.ragged_rank - 1
        return RaggedTensorSpec(spec.shape[1:], spec.dtype, rank, spec.row_splits_dtype)
    return spec._unbatch()


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
    Spec = _Spec

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
          validate: whether the rows of all fields are compared.

        Raises:
          TypeError: `fields` is not a dict with string keys.
          ValueError: a name is invalid, or shapes are inconsistent.
        """
        shape = as_shape(shape)
        if shape.rank is None:
            raise ValueError("StructuredTensor's shape must have known rank.")
        if not isinstance(fields, Mapping):
            raise TypeError(f"fields must be a dictionary, got {type(fields).__name__}")
        if shape.rank < 2 and row_partitions:
            raise ValueError("row_partitions must be None or [] if shape.rank<2")
        if shape.rank == 0 and nrows is not None:
            raise ValueError("nrows must be None if shape.rank==0")
        made = {}
        for name, value in fields.items():
            check_name(name)
            made[name] = convert_field(value)
        whole = shape_of_records(made, shape, nrows, row_partitions)
        check_fields(made, static_shape(whole.row_partitions, whole._static_inner_shape), shape)
        if validate:
            whole = with_equal_rows(made, whole)
        return cls(made, whole)

    @classmethod
    def from_fields_and_rank(
        cls, fields: Mapping[str, Any], rank: int, validate: bool = False, dtype: Any = None
    ) -> StructuredTensor:
        """Records of this rank from their fields; there must be at least one."""
        if not fields:
            raise ValueError("Must provide at least one field")
        if not isinstance(rank, int):
            raise ValueError("rank must be an integer")
        if rank < 0:
            raise ValueError("rank must be nonnegative")
        made = cls.from_fields(fields, TensorShape([None] * rank), validate=validate)
        return made if dtype is None else made.with_shape_dtype(dtypes.as_dtype(dtype))

    @classmethod
    def from_shape(cls, ragged_shape: DynamicRaggedShape) -> StructuredTensor:
        """Records without fields."""
        return cls({}, ragged_shape)

    @classmethod
    def from_pyval(cls, pyval: Any, typespec: Any = None) -> Any:
        """Records from a dict, or from nested lists of dicts; a tensor from other values.

        Args:
          pyval: dicts, lists and scalars; dicts of one field have the same keys.
          typespec: the type of the result, by default inferred.

        Raises:
          ValueError: values are inconsistent, or do not match `typespec`.
          KeyError: a dict lacks a key that another has.
        """
        from .structured_values import from_value  # that file makes structured tensors

        return from_value(pyval, typespec, ())

    # -- properties

    @property
    def shape(self) -> TensorShape:
        """The static shape of the records."""
        held = self._ragged_shape
        return static_shape(held.row_partitions, held._static_inner_shape)

    rank = read_only("_ragged_shape.rank", "The rank of the records.")

    @property
    def row_partitions(self) -> tuple[RowPartition, ...]:
        """The partitions of the axes into rows: rank - 1 of them."""
        if self.rank < 2:
            return ()
        held = self._ragged_shape
        partitions = list(held.row_partitions)
        sizes = held.inner_shape
        for axis in range(len(partitions) + 1, self.rank):
            # A dense axis: all rows are of one length.
            position = axis - len(partitions)
            known = held._static_inner_shape
            count = len(held.row_partitions)
            outer = raw.Prod(input=sizes[: axis - count], axis=[0])
            extent = known[axis - count]
            length = extent if extent is not None else sizes[axis - count]
            if position and all(n is not None for n in known[: axis - count + 1]):
                outer = convert_to_tensor(int(np.prod(known[: axis - count].as_list())), held.dtype)
            partitions.append(
                RowPartition.from_uniform_row_length(
                    length, nvals=outer * cast(length, held.dtype), nrows=outer, dtype=held.dtype
                )
            )
        return tuple(partitions)

    def nrows(self) -> Any:
        """The number of records in the first axis, a scalar tensor; None for a single record."""
        return None if self.rank == 0 else self._ragged_shape[0]

    def with_shape_dtype(self, dtype: Any) -> StructuredTensor:
        """The same with row partitions of this dtype."""
        if dtype == self._ragged_shape.dtype:
            return self
        fields = {
            name: value.with_shape_dtype(dtype)
            if isinstance(value, StructuredTensor)
            else value.with_row_splits_dtype(dtype)
            if isinstance(value, RaggedTensor)
            else value
            for name, value in self._fields.items()
        }
        return StructuredTensor(fields, self._ragged_shape.with_dtype(dtype))

    # -- fields

    def field_names(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(self._fields)

    def field_value(self, field_name: Any) -> Any:
        """A field by its name, or by its path.

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
          validate: whether the rows of all fields are compared.

        Raises:
          ValueError: a path is not inside a record, or the rows of a field do not match.
        """
        paths = [((key,) if isinstance(key, str) else tuple(key), v) for key, v in updates.items()]
        check_paths([path for path, _ in paths])
        result: StructuredTensor = self
        for path, value in paths:
            result = _updated(result, path, value, path, validate)
        return result

    def promote(self, source_path: Any, new_name: str) -> StructuredTensor:
        """The same with a copy of the field at `source_path` one level higher, with its inner rows merged.

        Raises:
          ValueError: the path has only one name.
        """
        path = tuple(source_path)
        if len(path) < 2:
            raise ValueError("source_path must have length at least two")
        above = self.field_value(path[:-2])
        parent = self.field_value(path[:-1])
        value = merged(self.field_value(path), above.rank, parent.rank)
        return self.with_updates({(*path[:-2], new_name): value})

    # -- shapes

    def merge_dims(self, outer_axis: int, inner_axis: int) -> StructuredTensor:
        """The same with a range of axes merged."""
        outer = position_of(outer_axis, self.rank, "outer_axis")
        inner = position_of(inner_axis, self.rank, "inner_axis")
        if outer > inner:
            raise ValueError(
                f"outer_axis={outer_axis} must be less than or equal to inner_axis={inner_axis}"
            )
        fields = {name: merged(value, outer, inner) for name, value in self._fields.items()}
        shape = DynamicRaggedShape.from_tensor(merged(self._positions(), outer, inner))
        return StructuredTensor(fields, shape.with_dtype(self._ragged_shape.dtype))

    def partition_outer_dimension(self, row_partition: RowPartition) -> StructuredTensor:
        """The same with the first axis partitioned into rows.

        Raises:
          TypeError: `row_partition` is not a RowPartition.
          ValueError: it is a single record.
        """
        if not isinstance(row_partition, RowPartition):
            raise TypeError("row_partition must be a RowPartition.")
        if self.rank == 0:
            raise ValueError("Shape () must have rank at least 1")
        fields = {name: cut(value, row_partition) for name, value in self._fields.items()}
        shape = DynamicRaggedShape.from_tensor(cut(self._positions(), row_partition))
        return StructuredTensor(fields, shape.with_dtype(self._ragged_shape.dtype))

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
        # The functions are made of this class.
        from .structured_functions import OF_RECORDS

        implementation = OF_RECORDS.get(api)
        return NotImplemented if implementation is None else implementation(*args, **kwargs)

    def to_pyval(self) -> Any:
        """A dict, or nested lists of dicts.

        Raises:
          ValueError: called in a graph.
        """
        from .structured_values import to_value  # that file makes structured tensors

        return to_value(self)

    def __repr__(self) -> str:
        lines = []
        for name in sorted(self._fields):
            value = self._fields[name]
            shown = (
                repr(value) if isinstance(value, (RaggedTensor, StructuredTensor)) else str(value)
            )
            inside = shown.replace("\n", "\n" + " " * 12)
            lines.append(f'\n        "{name}": {inside}')
        fields = "{" + (",".join(lines) or "\n        ") + "}"
        return f"<StructuredTensor(\n    fields={fields},\n    shape={self.shape})>"


def _updated(
    records: StructuredTensor,
    path: tuple[str, ...],
    value: Any,
    whole: tuple[str, ...],
    validate: bool,
) -> StructuredTensor:
    """The records with the field at `path`, the rest of `whole`, updated."""
    name, *rest = path
    before = whole[: len(whole) - len(rest)]
    fields = dict(records._fields)
    if rest:
        fields[name] = _updated(
            _record_at(fields, name, whole, before), tuple(rest), value, whole, validate
        )
    elif value is None:
        if name not in fields:
            raise ValueError(
                f"`StructuredTensor.with_updates` cannot delete field {whole} because it is not present."
            )
        del fields[name]
    elif callable(value) and not isinstance(value, (Tensor, StructuredTensor, RaggedTensor)):
        if name not in fields:
            raise ValueError(
                f"`StructuredTensor.with_updates` cannot update the field {whole} because a transforming "
                "function was given, but that field does not already exist."
            )
        fields[name] = convert_field(value(fields[name]))
    else:
        fields[name] = convert_field(value)
    try:
        shape = records.shape
        for field, new in fields.items():
            check_fields({field: new}, shape, shape)
        if validate:
            with_equal_rows(fields, records._ragged_shape)
    except ValueError as error:
        around = f" for field {before[:-1]}" if len(before) > 1 else ""
        raise ValueError(f"`StructuredTensor.with_updates` failed{around}") from error
    return StructuredTensor(fields, records._ragged_shape)


def _record_at(fields: Mapping[str, Any], name: str, whole: Any, parent: Any) -> StructuredTensor:
    if name not in fields:
        raise ValueError(
            f"`StructuredTensor.with_updates` cannot create new sub-field {whole} if parent field {parent} "
            "is not set."
        )
    if not isinstance(fields[name], StructuredTensor):
        raise ValueError(
            f"`StructuredTensor.with_updates` cannot create new sub-field {whole} if parent structure "
            f"{parent} is not a `StructuredTensor` that can contain sub-structures -- it is a "
            f"`{type(fields[name])}`."
        )
    return fields[name]
