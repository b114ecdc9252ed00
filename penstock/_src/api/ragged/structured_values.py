"""Converts Python dicts and lists to StructuredTensors and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor

from .construction import constant as ragged_constant
from .dynamic_shape import DynamicRaggedShape
from .ragged_tensor import RaggedTensor, RaggedTensorSpec
from .row_partition import RowPartition
from .structured import StructuredTensor, unbatched
from .structured_parts import cut

Path = tuple[str, ...]


def from_value(value: Any, spec: Any, path: Path) -> Any:
    """A field, or records, from values at a path."""
    if isinstance(value, Mapping):
        return _one_record(value, spec, path)
    if isinstance(value, (list, tuple)):
        return _listed(value, spec, path)
    return _scalar(value, spec, path)


def _mismatch(value: Any, spec: Any, path: Path) -> ValueError:
    return ValueError(f"Value at {path} does not match typespec: {spec} vs {value}")


def _one_record(value: Mapping[str, Any], spec: Any, path: Path) -> StructuredTensor:
    if spec is not None:
        if not _is_record(spec) or spec.rank != 0 or set(value) != set(spec._fields):
            raise _mismatch(spec, value, path)
    fields = {
        name: from_value(held, spec and spec._fields[name], (*path, name))
        for name, held in value.items()
    }
    return StructuredTensor.from_fields(fields, shape=())


def _is_record(spec: Any) -> bool:
    return isinstance(spec, StructuredTensor.Spec)


def _depth_and_kind(value: Any) -> tuple[int, set[type]]:
    """The nesting depth of lists, and the types of the values inside: dict or object."""
    if not isinstance(value, (list, tuple)):
        return 0, {dict if isinstance(value, Mapping) else object}
    depths, kinds = [0], set()
    for each in value:
        depth, found = _depth_and_kind(each)
        depths.append(depth)
        kinds |= found
    return 1 + max(depths), kinds


def _listed(value: Sequence[Any], spec: Any, path: Path) -> Any:
    """Records if the lists contain dicts; else a tensor, ragged for two or more levels."""
    depth, kinds = _depth_and_kind(value)
    if kinds == {dict, object}:
        raise ValueError("Expected dict or nested list/tuple of dict")
    if _is_record(spec) and (dict in kinds or not kinds):
        return _records(value, spec, path, spec.rank)
    if dict not in kinds:
        return _tensor(value, spec, path)
    if spec is not None:
        raise _mismatch(value, spec, path)
    return _records(value, spec, path, depth)


def _records(value: Sequence[Any], spec: Any, path: Path, depth: int) -> StructuredTensor:
    """Records of rank `depth`: each field gathered over all records."""
    partitions = []
    rows: list[Any] = list(value)
    for _ in range(depth - 1):
        partitions.append(
            RowPartition.from_row_lengths(np.asarray([len(r) for r in rows], np.int64))
        )
        rows = [record for row in rows for record in row]
    names = list(spec._fields) if spec is not None else list(rows[0]) if rows else []
    for record in rows:
        _check_record(record, names, spec, path)
    fields = {}
    for name in names:
        inner = spec and _below(spec._fields[name], depth - 1)
        column = from_value([record[name] for record in rows], inner, (*path, name))
        for partition in reversed(partitions):
            column = cut(column, partition)
        fields[name] = column
    if partitions:
        shape = DynamicRaggedShape.from_row_partitions(partitions)
    else:
        shape = DynamicRaggedShape((), np.asarray([len(rows)], np.int64), dtypes.int64)
    return StructuredTensor(fields, shape)


def _check_record(record: Any, names: list[str], spec: Any, path: Path) -> None:
    if not isinstance(record, Mapping):
        raise ValueError("Expected dict or nested list/tuple of dict")
    for name in record:
        if name not in names:
            raise KeyError(name) if spec is None else _mismatch(record, spec, path)


def _below(spec: Any, axes: int) -> Any:
    """The spec of a field with its outer axes merged."""
    for _ in range(axes):
        spec = unbatched(spec)
    return spec


def _tensor(value: Sequence[Any], spec: Any, path: Path) -> Any:
    if spec is not None and not isinstance(spec, (TensorSpec, RaggedTensorSpec)):
        raise _mismatch(value, spec, path)
    depth, _ = _depth_and_kind(value)
    arrays = depth == 1 and any(isinstance(each, np.ndarray) and each.ndim for each in value)
    if spec is None and (depth > 1 or arrays):
        return _parsed(path, lambda: ragged_constant(value))
    if spec is None:
        if not value:
            return convert_to_tensor(np.zeros(0, np.float32))
        return _parsed(path, lambda: convert_to_tensor(value))
    if isinstance(spec, TensorSpec):
        result: Any = convert_to_tensor(value, spec.dtype)
    else:
        result = ragged_constant(value, dtype=spec.dtype, ragged_rank=spec.ragged_rank)
    if not spec.is_compatible_with(result):
        raise _mismatch(value, spec, path)
    return result


def _scalar(value: Any, spec: Any, path: Path) -> Tensor:
    if spec is None:
        return _parsed(path, lambda: convert_to_tensor(value))
    if not isinstance(spec, TensorSpec):
        raise _mismatch(value, spec, path)
    result = convert_to_tensor(value, spec.dtype)
    if not spec.is_compatible_with(result):
        raise _mismatch(value, spec, path)
    return result


def _parsed(path: Path, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (TypeError, ValueError) as error:
        raise ValueError(f"Error parsing path {path}") from error


def to_value(records: StructuredTensor) -> Any:
    """A dict, or nested lists of dicts."""
    columns = {}
    for name, value in records._fields.items():
        if isinstance(value, StructuredTensor):
            columns[name] = to_value(value)
        elif isinstance(value, RaggedTensor):
            columns[name] = value.to_list()
        elif not hasattr(value, "numpy"):
            raise ValueError("StructuredTensor.to_pyval() is only supported in eager mode.")
        else:
            array = value.numpy()
            columns[name] = array.tolist() if isinstance(array, np.ndarray) else array
    if records.rank == 0:
        return columns
    if not columns:
        return _emptied(_as_lists(records))
    return _zipped(columns, records.rank)


def _as_lists(records: StructuredTensor) -> Any:
    positions = records._positions()
    if isinstance(positions, RaggedTensor):
        return positions.to_list()
    return positions.numpy().tolist()


def _emptied(lists: Any) -> Any:
    return [_emptied(each) for each in lists] if isinstance(lists, list) else {}


def _zipped(columns: Mapping[str, Any], rank: int) -> Any:
    """Lists of dicts from a dict of lists, `rank` levels deep."""
    if rank == 0:
        return dict(columns)
    rows = zip(*columns.values(), strict=True)
    return [_zipped(dict(zip(columns, row, strict=True)), rank - 1) for row in rows]
