"""Converts Python dicts and lists to StructuredTensors and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor

from .construction import constant as ragged_constant
from .ragged_tensor import RaggedTensor, RaggedTensorSpec
from .structured_parts import Records, RecordsSpec

Path = tuple[str, ...]


def from_value(kind: type[Records], value: Any, spec: Any, path: Path) -> Any:
    """A field, or records, from values at a path.

    Args:
      kind: the class that is made of dicts.
      value: dicts, lists and scalars.
      spec: the type of the result; None: it is inferred.
      path: the names of the fields that the value is in.
    """
    if isinstance(value, dict):
        return _one_record(kind, value, spec, path)
    if not isinstance(value, (list, tuple)):
        return _scalar(value, spec, path)
    names: dict[str, None] = {}  # in the order of appearance
    depth = _depth_of_records(value, names)
    if depth is None:
        return _tensor(kind, value, spec, path)
    return _records(kind, value, list(names), depth, spec, path)


def _mismatch(value: Any, spec: Any, path: Path, what: str = "") -> ValueError:
    return ValueError(f"Value at {path} does not match typespec{what}: {spec!r} vs {value!r}")


def _is_record(spec: Any) -> bool:
    return isinstance(spec, RecordsSpec)


def _one_record(kind: type[Records], value: Mapping[str, Any], spec: Any, path: Path) -> Any:
    if spec is not None:
        if not _is_record(spec) or spec.rank != 0 or set(value) != set(spec._fields):
            raise _mismatch(value, spec, path)
    fields = {
        name: from_value(kind, field, spec and spec._fields[name], (*path, name))
        for name, field in value.items()
    }
    return kind.from_fields(fields, shape=())


def _depth_of_records(value: Any, names: dict[str, None]) -> int | None:
    """Return the nesting depth of dicts in lists, None if there are none; add their keys to `names`.

    Raises:
      ValueError: they are at different depths.
    """
    if isinstance(value, dict):
        names.update(dict.fromkeys(value))
        return 0
    if not isinstance(value, (list, tuple)):
        return None
    inner = [_depth_of_records(each, names) for each in value]
    depths = {depth for depth in inner if depth is not None}
    if len(depths) > 1:
        raise ValueError("Inconsistent depth of dictionaries")
    return 1 + max(depths) if depths else None


def _columns(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return each field's values, in lists nested as those that hold the dicts.

    Raises:
      KeyError: a dict lacks a field.
      ValueError: there is something else in the place of a dict.
    """
    if isinstance(value, dict):
        return {name: value[name] for name in names}
    if not isinstance(value, (list, tuple)):
        raise ValueError("Expected dict or nested list/tuple of dict")
    parts = [_columns(each, names) for each in value]
    return {name: [part[name] for part in parts] for name in names}


def _records(
    kind: type[Records],
    value: Sequence[Any],
    names: list[str],
    depth: int,
    spec: Any,
    path: Path,
) -> Any:
    """Records that are `depth` deep in lists, from the columns of their fields."""
    shape = TensorShape([None] * depth)
    if spec is not None:
        if not _is_record(spec) or set(names) - set(spec._fields):
            raise _mismatch(value, spec, path)
        shape = spec._shape
        if shape.rank < depth:
            raise _mismatch(value, spec, path, " (rank mismatch)")
    columns = _columns(value, names)
    fields = {}
    for name in names if spec is None else spec._fields:
        # Lists without dicts have no columns of their own.
        inner = spec and spec._fields[name]
        fields[name] = from_value(kind, columns.get(name, []), inner, (*path, name))
    try:
        if fields or spec is not None:
            return kind.from_fields(fields, shape)
        return _without_fields(kind, value, depth)
    except Exception as error:
        raise ValueError(f"Error parsing path {path}") from error


def _without_fields(kind: type[Records], value: Sequence[Any], depth: int) -> Any:
    """Records for empty dicts that are `depth` deep in lists."""
    rows = len(value)
    if depth == 1:
        return kind.from_fields({}, (rows,), nrows=rows)
    numbered = ragged_constant(_numbered(value))
    return kind.from_fields(
        {},
        TensorShape([rows] + [None] * (depth - 1)),
        nrows=rows,
        row_partitions=numbered._nested_row_partitions,
    )


def _numbered(value: Any) -> Any:
    return 0 if isinstance(value, dict) else [_numbered(each) for each in value]


def _tensor(kind: type[Records], value: Sequence[Any], spec: Any, path: Path) -> Any:
    """A tensor from a list of values, ragged for two or more levels; records where the lists are all empty."""
    if spec is None:
        return _parsed(path, lambda: ragged_constant(value))
    if isinstance(spec, TensorSpec):
        result = _parsed(path, lambda: convert_to_tensor(value, spec.dtype))
        if not spec.shape.is_compatible_with(result.shape):
            raise _mismatch(value, spec, path)
        return result
    if isinstance(spec, RaggedTensorSpec):
        return _parsed(path, lambda: _ragged(value, spec))
    depth = _depth_of_empty(value)
    if not _is_record(spec) or depth is None:
        raise _mismatch(value, spec, path)
    return _records(kind, value, [], depth, spec, path)


def _ragged(value: Sequence[Any], spec: Any) -> Any:
    inner = spec.shape[spec.ragged_rank + 1 :]
    return ragged_constant(
        value,
        dtype=spec.dtype,
        ragged_rank=spec.ragged_rank,
        row_splits_dtype=spec.row_splits_dtype,
        inner_shape=inner,
    )


def _depth_of_empty(value: Any) -> int | None:
    """Return the depth of lists that hold only lists; None if they hold something else."""
    if not isinstance(value, list):
        return None
    inner = [_depth_of_empty(each) for each in value]
    depths = [depth for depth in inner if depth is not None]
    return 1 + max(depths, default=0) if len(depths) == len(inner) else None


def _scalar(value: Any, spec: Any, path: Path) -> Tensor:
    if spec is None:
        return _parsed(path, lambda: convert_to_tensor(value))
    if not isinstance(spec, TensorSpec) or spec.shape.rank != 0:
        raise _mismatch(value, spec, path)
    return convert_to_tensor(value, spec.dtype)


def _parsed(path: Path, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        raise ValueError(f"Error parsing path {path}") from error


def to_value(records: Records) -> Any:
    """A dict, or nested lists of dicts."""
    columns = {}
    for name, value in records._fields.items():
        if isinstance(value, Records):
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


def _as_lists(records: Records) -> Any:
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
