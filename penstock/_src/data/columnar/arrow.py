"""Datasets over Parquet files, and over Arrow's tables and files (with datasets of Hugging Face)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.data.columnar.columns import Columns, file_names, typed
from penstock._src.data.generator import from_host
from penstock._src.filesystems.files import open_file
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data.readers import arrow_blocks
from penstock._src.ops.data.readers.blocks import Block
from penstock._src.ops.data.readers.files import FromFiles, names_of
from penstock._src.util.export import export


def known(names: Any) -> Any:
    """The value of file names.

    Raises:
      ValueError: they are known only when a function runs.
    """
    if not hasattr(names, "numpy"):
        raise ValueError("Inside a function, `columns` must be a dict of names and types.")
    return names.numpy()


def specs_of(columns: Any, schema: Any) -> dict[str, TensorSpec]:
    """The types of the columns that are read, in the order of components.

    Args:
      columns: their names, or a dict of names and TensorSpecs or dtypes; None means all.
      schema: gives Arrow's schema, if it is needed.
    """
    if isinstance(columns, Mapping):
        specs = {
            name: kind if isinstance(kind, TensorSpec) else TensorSpec([], kind)
            for name, kind in columns.items()
        }
        return dict(sorted(specs.items()))
    fields = {field.name: field for field in schema()}
    names = list(fields) if columns is None else list(columns)
    missing = [name for name in names if name not in fields]
    if missing:
        raise InvalidArgumentError(f"There is no column {missing}: there are {list(fields)}.")
    return {name: arrow_blocks.spec_of(fields[name]) for name in sorted(names)}


class ArrowFiles(FromFiles):
    """The rows of files of record batches."""

    def __init__(
        self, names: list[str], read: Any, specs: Mapping[str, TensorSpec], compression: str = ""
    ) -> None:
        super().__init__(names, compression, read)
        self.specs = specs

    def stacks(self, run: Any, size: int, aligned: bool = False) -> Any:
        return super().stacks(run, size, aligned) if arrow_blocks.stackable(self.specs) else None


@export("data.experimental.ParquetDataset", v1=[])
class ParquetDataset(Columns):
    """The rows of Parquet files, as dicts of columns.

    It needs the package pyarrow: `pip install 'penstock-tensors[arrow]'`.

    Args:
      filenames: a name or a list of names; those with a protocol (`gs://`, `s3://`, `memory://`) are opened by fsspec.
      columns: the names of the columns to read, or a dict from names to dtypes or `tf.TensorSpec`s; by default all, as the first file says.
      defaults: what stands for a null, by column; without it a null is an error.

    Raises:
      InvalidArgumentError: there is no such column.
      UnimplementedError: a column is of a type that no tensor has, as structs.
    """

    def __init__(
        self, filenames: Any, columns: Any = None, defaults: Mapping[str, Any] | None = None
    ) -> None:
        arrow_blocks.pyarrow()
        import pyarrow.parquet  # type: ignore[import-not-found,import-untyped]

        parquet, fills = pyarrow.parquet, dict(defaults or {})
        names = file_names(filenames)

        def schema() -> Any:
            name = names_of(np.asarray(known(names)))[0]
            with open_file(name) as file:
                return next(arrow_blocks.readable(name, lambda: iter([parquet.read_schema(file)])))

        specs = specs_of(columns, schema)

        def read(file: Any, name: str) -> Iterator[Block]:
            def batches() -> Iterator[Any]:
                wanted, source = list(specs), parquet.ParquetFile(file)
                return source.iter_batches(arrow_blocks.ROWS, columns=wanted)

            for batch in arrow_blocks.readable(name, batches):
                yield arrow_blocks.columns_of(batch, specs, fills)

        def made(paths: np.ndarray) -> Pipeline:
            return typed(ArrowFiles(names_of(paths), read, specs), specs)

        super().__init__(from_host(made, [names], None), specs)


@export("data.experimental.ArrowDataset", v1=[])
class ArrowDataset(Columns):
    """The rows of Arrow's tables, of its files, or of a dataset of Hugging Face, as dicts of columns.

    It needs the package pyarrow: `pip install 'penstock-tensors[arrow]'`.

    Args:
      source: a `pyarrow.Table`, a `datasets.Dataset`, or the name or names of files in Arrow's IPC format (as Feather).
      columns: as for `ParquetDataset`.
      defaults: as for `ParquetDataset`.

    Raises:
      InvalidArgumentError: there is no such column.
      UnimplementedError: a column is of a type that no tensor has, as structs.
    """

    def __init__(
        self, source: Any, columns: Any = None, defaults: Mapping[str, Any] | None = None
    ) -> None:
        arrow, fills = arrow_blocks.pyarrow(), dict(defaults or {})
        if hasattr(source, "with_format"):  # of Hugging Face
            rows = source.with_format("arrow")
            variant, specs = self._tables(
                len(rows),
                lambda begin, end: rows[begin:end],
                rows.features.arrow_schema,
                columns,
                fills,
            )
        elif isinstance(source, arrow.Table):
            variant, specs = self._tables(
                len(source),
                lambda begin, end: source.slice(begin, end - begin),
                source.schema,
                columns,
                fills,
            )
        else:
            variant, specs = self._files(file_names(source), columns, fills)
        super().__init__(variant, specs)

    def _tables(
        self, count: int, table: Any, schema: Any, columns: Any, fills: dict[str, Any]
    ) -> tuple[Any, Any]:
        specs = specs_of(columns, lambda: schema)

        def made() -> Pipeline:
            return typed(arrow_blocks.Tables(count, table, specs, fills), specs)

        return from_host(made, [], None), specs

    def _files(self, names: Any, columns: Any, fills: dict[str, Any]) -> tuple[Any, Any]:
        def schema() -> Any:
            name = names_of(np.asarray(known(names)))[0]
            with open_file(name) as file:
                return next(arrow_blocks.readable(name, lambda: iter([_ipc(file).schema])))

        specs = specs_of(columns, schema)

        def read(file: Any, name: str) -> Iterator[Block]:
            def batches() -> Iterator[Any]:
                source = _ipc(file)
                return (source.get_batch(at) for at in range(source.num_record_batches))

            for batch in arrow_blocks.readable(name, batches):
                yield arrow_blocks.columns_of(batch, specs, fills)

        def made(paths: np.ndarray) -> Pipeline:
            return typed(ArrowFiles(names_of(paths), read, specs), specs)

        return from_host(made, [names], None), specs


def _ipc(file: Any) -> Any:
    import pyarrow.ipc  # type: ignore[import-not-found,import-untyped]

    return pyarrow.ipc.open_file(file)
