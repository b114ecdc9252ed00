"""Columns of Arrow's record batches as blocks, and what elements they make."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock._src.core.specs import TensorSpec
from penstock._src.ops.data.iteration.resume import Resumable
from penstock._src.ops.data.pipeline import Element, Pipeline, Run
from penstock._src.ops.data.readers.blocks import Block, BlockElements, BlockStacks, string_column
from penstock._src.util.process.installing import pip_install

ROWS = 1 << 12  # in a block


def pyarrow() -> Any:
    """The package pyarrow.

    Raises:
      ImportError: it is not installed.
    """
    try:
        import pyarrow as found  # type: ignore[import-not-found,import-untyped]
    except ImportError as error:
        raise ImportError(
            f"Reading Arrow, Parquet and JSON lines needs the package pyarrow: {pip_install('arrow')}."
        ) from error
    return found


def spec_of(field: Any) -> TensorSpec:
    """The type of the elements of a column.

    Raises:
      UnimplementedError: tensors have no such type.
    """
    arrow = pyarrow()
    kind = field.type
    if arrow.types.is_dictionary(kind):
        kind = kind.value_type
    if arrow.types.is_fixed_size_list(kind):
        return TensorSpec([kind.list_size], _number(field, kind.value_type))
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
        return TensorSpec([None], _number(field, kind.value_type))
    if _is_text(kind):
        return TensorSpec([], dtypes.string)
    return TensorSpec([], _number(field, kind))


def _is_text(kind: Any) -> bool:
    types = pyarrow().types
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_string,
            types.is_large_string,
            types.is_binary,
            types.is_large_binary,
        )
    )


def _number(field: Any, kind: Any) -> Any:
    types = pyarrow().types
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return dtypes.as_dtype(kind.to_pandas_dtype())
    if types.is_timestamp(kind) or types.is_duration(kind) or types.is_date64(kind):
        return dtypes.int64
    if types.is_date32(kind):
        return dtypes.int32
    raise UnimplementedError(f"Column {field.name}: no tensor has Arrow's type {field.type}.")


def type_of(spec: TensorSpec) -> Any:
    """Arrow's type of the values of a column, as its reader of JSON takes it."""
    arrow = pyarrow()
    if spec.dtype is dtypes.string:
        kind = arrow.string()
    elif spec.dtype.is_floating and spec.dtype is not dtypes.float64:
        kind = arrow.float32()
    else:
        kind = arrow.from_numpy_dtype(spec.dtype.np)
    return kind if spec.shape.rank == 0 else arrow.list_(kind)


def columns_of(table: Any, specs: Mapping[str, TensorSpec], defaults: Mapping[str, Any]) -> Block:
    """The columns of a table or record batch as arrays.

    Raises:
      InvalidArgumentError: a column is not there, or has a null and no default.
    """
    missing = [name for name in specs if name not in table.schema.names]
    if missing:
        raise InvalidArgumentError(f"There is no column {missing}: there are {table.schema.names}.")
    return [_column(name, table.column(name), spec, defaults) for name, spec in specs.items()]


def _column(name: str, values: Any, spec: TensorSpec, defaults: Mapping[str, Any]) -> np.ndarray:
    arrow = pyarrow()
    if isinstance(values, arrow.ChunkedArray):
        values = values.combine_chunks()
    if arrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.null_count:
        if name not in defaults:
            raise InvalidArgumentError(f"Column {name} has a null and no default.")
        values = values.fill_null(defaults[name])
    if spec.dtype is dtypes.string:
        return string_column(values.cast(arrow.large_binary()).to_pylist())
    if spec.shape.rank == 0:
        return _numbers(values, spec)
    flat, size = _numbers(values.flatten(), spec), spec.shape[0]
    if arrow.types.is_fixed_size_list(values.type):
        return flat.reshape(len(values), size)
    lengths = values.value_lengths().to_numpy(zero_copy_only=False)
    if size is not None:
        if (lengths != size).any():
            raise InvalidArgumentError(f"Column {name} has a list that has not {size} elements.")
        return flat.reshape(len(values), size)
    ends = np.cumsum(lengths)
    rows = np.empty(len(values), object)
    for at, row in enumerate(np.split(flat, ends[:-1]) if len(values) else ()):
        rows[at] = row
    return rows


def _numbers(values: Any, spec: TensorSpec) -> np.ndarray:
    """The values of a column, of all rows together."""
    types, kind = pyarrow().types, values.type
    if not (types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind)):
        values = values.cast(spec.dtype.name)  # points in time, as numbers
    return values.to_numpy(zero_copy_only=False).astype(spec.dtype.np, copy=False)


def readable(name: str, read: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """An item that `read` yields.

    Raises:
      DataLossError: Arrow cannot read the file.
    """
    arrow = pyarrow()
    try:
        yield from read()
    except (arrow.ArrowException, OSError) as error:
        raise DataLossError(f"{name}: {error}") from error


class Tables(Pipeline):
    """The rows of something that has a length and gives tables of its rows.

    Args:
      count: the number of rows.
      table: gives the table of the rows between two numbers.
      specs: of the columns that are read.
      defaults: for nulls in columns.
    """

    def __init__(
        self,
        count: int,
        table: Callable[[int, int], Any],
        specs: Mapping[str, TensorSpec],
        defaults: Mapping[str, Any],
    ) -> None:
        self.count, self.table, self.specs, self.defaults = count, table, specs, defaults

    def cardinality(self) -> int:
        return self.count

    def iterate(self, run: Run) -> Iterator[Element]:
        return BlockElements(_BlocksOfTables(self))

    def stacks(self, run: Run, size: int, aligned: bool = False) -> Iterator[Element] | None:
        is_possible = stackable(self.specs) and not aligned
        return BlockStacks(_BlocksOfTables(self), size) if is_possible else None


def stackable(specs: Mapping[str, TensorSpec]) -> bool:
    """True if all rows of each column have one shape."""
    return all(spec.shape.is_fully_defined() for spec in specs.values())


class _BlocksOfTables(Resumable):
    plain: Sequence[str] = ("at",)
    sources: Sequence[str] = ()

    def __init__(self, step: Tables) -> None:
        self.step, self.at = step, 0

    def __next__(self) -> Block:
        step, begin = self.step, self.at
        if begin >= step.count:
            raise StopIteration
        self.at = min(begin + ROWS, step.count)
        return columns_of(step.table(begin, self.at), step.specs, step.defaults)
