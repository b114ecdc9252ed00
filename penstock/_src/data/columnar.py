"""Datasets over files of other systems: Parquet, Arrow (with datasets of Hugging Face), and shards of samples in tar files."""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset
from penstock._src.data.generator import from_host
from penstock._src.ops.data.files import FromFiles, names_of, open_file
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data_shared import arrow_blocks
from penstock._src.ops.data_shared.blocks import Block, string_column
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

_SAMPLES = 64  # of a tar file in a block
_KEY = "__key__"


class _Columns(Dataset):
    """Elements that are dicts of columns."""

    def __init__(self, variant: Any, specs: Mapping[str, TensorSpec]) -> None:
        self._element_spec = dict(specs)
        super().__init__(variant)

    element_spec = read_only("_element_spec", "The types of the columns.")

    def _inputs(self) -> list[Any]:
        return []


def _typed(made: Pipeline, specs: Mapping[str, TensorSpec]) -> Pipeline:
    made.types = tuple(structure.flat_types(dict(specs)))
    made.shapes = tuple(structure.flat_shapes(dict(specs)))
    return made


def _file_names(filenames: Any) -> Any:
    """File names as a string tensor."""
    if isinstance(filenames, Dataset):
        raise TypeError(
            "`filenames` must be names. Received a dataset: read files in its `interleave`."
        )
    if isinstance(filenames, Tensor):
        return filenames
    names = filenames if isinstance(filenames, (list, tuple)) else [filenames]
    return convert_to_tensor([str(name) for name in names], dtype=dtypes.string)


def _known(names: Any) -> Any:
    """The value of file names.

    Raises:
      ValueError: they are known only when a function runs.
    """
    if not hasattr(names, "numpy"):
        raise ValueError("Inside a function `columns` must be a dict of names and types.")
    return names.numpy()


def _specs(columns: Any, schema: Any) -> dict[str, TensorSpec]:
    """The types of the columns that are read, in the order of components.

    Args:
      columns: their names, or a dict of names and TensorSpecs or dtypes; None means all.
      schema: gives Arrow's schema, if it is needed.
    """
    if isinstance(columns, Mapping):
        given = {
            name: kind if isinstance(kind, TensorSpec) else TensorSpec([], kind)
            for name, kind in columns.items()
        }
        return dict(sorted(given.items()))
    fields = {field.name: field for field in schema()}
    names = list(fields) if columns is None else list(columns)
    missing = [name for name in names if name not in fields]
    if missing:
        raise InvalidArgumentError(f"There is no column {missing}: there are {list(fields)}.")
    return {name: arrow_blocks.spec_of(fields[name]) for name in sorted(names)}


class _ArrowFiles(FromFiles):
    """The rows of files of record batches."""

    def __init__(self, names: list[str], read: Any, specs: Mapping[str, TensorSpec]) -> None:
        super().__init__(names, "", read)
        self.specs = specs

    def stacks(self, run: Any, size: int, aligned: bool = False) -> Any:
        return super().stacks(run, size, aligned) if arrow_blocks.stackable(self.specs) else None


@export("data.experimental.ParquetDataset", v1=[])
class ParquetDataset(_Columns):
    """The rows of Parquet files, as dicts of columns.

    It needs the package pyarrow: `pip install penstock[arrow]`.

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
        names = _file_names(filenames)

        def schema() -> Any:
            name = names_of(np.asarray(_known(names)))[0]
            with open_file(name) as file:
                return next(arrow_blocks.readable(name, lambda: iter([parquet.read_schema(file)])))

        specs = _specs(columns, schema)

        def read(file: Any, name: str) -> Iterator[Block]:
            def batches() -> Iterator[Any]:
                wanted, source = list(specs), parquet.ParquetFile(file)
                return source.iter_batches(arrow_blocks.ROWS, columns=wanted)

            for batch in arrow_blocks.readable(name, batches):
                yield arrow_blocks.columns_of(batch, specs, fills)

        def made(found: np.ndarray) -> Pipeline:
            return _typed(_ArrowFiles(names_of(found), read, specs), specs)

        super().__init__(from_host(made, [names], None), specs)


@export("data.experimental.ArrowDataset", v1=[])
class ArrowDataset(_Columns):
    """The rows of Arrow's tables, of its files, or of a dataset of Hugging Face, as dicts of columns.

    It needs the package pyarrow: `pip install penstock[arrow]`.

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
            variant, specs = self._files(_file_names(source), columns, fills)
        super().__init__(variant, specs)

    def _tables(
        self, count: int, table: Any, schema: Any, columns: Any, fills: dict[str, Any]
    ) -> tuple[Any, Any]:
        specs = _specs(columns, lambda: schema)

        def made() -> Pipeline:
            return _typed(arrow_blocks.Tables(count, table, specs, fills), specs)

        return from_host(made, [], None), specs

    def _files(self, names: Any, columns: Any, fills: dict[str, Any]) -> tuple[Any, Any]:
        def schema() -> Any:
            name = names_of(np.asarray(_known(names)))[0]
            with open_file(name) as file:
                return next(arrow_blocks.readable(name, lambda: iter([_ipc(file).schema])))

        specs = _specs(columns, schema)

        def read(file: Any, name: str) -> Iterator[Block]:
            def batches() -> Iterator[Any]:
                source = _ipc(file)
                return (source.get_batch(at) for at in range(source.num_record_batches))

            for batch in arrow_blocks.readable(name, batches):
                yield arrow_blocks.columns_of(batch, specs, fills)

        def made(found: np.ndarray) -> Pipeline:
            return _typed(_ArrowFiles(names_of(found), read, specs), specs)

        return from_host(made, [names], None), specs


def _ipc(file: Any) -> Any:
    import pyarrow.ipc  # type: ignore[import-not-found,import-untyped]

    return pyarrow.ipc.open_file(file)


@export("data.experimental.WebDataset", v1=[])
class WebDataset(_Columns):
    """The samples of shards in the form of webdataset: tar files in which the files of a sample follow one another and share a name.

    A file `n01/17.seg.png` belongs to the sample `n01/17` as its field `seg.png`. Elements are dicts of strings: the fields, and the
    sample's name as `__key__`.

    Args:
      filenames: a name or a list of names of tar files, compressed or not; those with a protocol are opened by fsspec.
      fields: the fields to read; others are left out.
      defaults: what stands for a field that a sample lacks, by field; without it that is an error.

    >>> import io, tarfile
    >>> with tarfile.open("a.tar", "w") as shard:
    ...     for name, data in [("0.txt", b"zero"), ("0.cls", b"7")]:
    ...         entry = tarfile.TarInfo(name)
    ...         entry.size = len(data)
    ...         shard.addfile(entry, io.BytesIO(data))
    >>> next(iter(tf.data.experimental.WebDataset("a.tar", ["txt", "cls"]).as_numpy_iterator()))
    {'__key__': b'0', 'cls': b'7', 'txt': b'zero'}
    """

    def __init__(
        self,
        filenames: Any,
        fields: Sequence[str],
        defaults: Mapping[str, bytes | str] | None = None,
    ) -> None:
        fills = {
            name: value.encode() if isinstance(value, str) else value
            for name, value in (defaults or {}).items()
        }
        specs = {name: TensorSpec([], dtypes.string) for name in sorted([_KEY, *fields])}

        def read(file: Any, name: str) -> Iterator[Block]:
            held: list[dict[str, bytes]] = []
            for sample in _samples(file, name, set(fields)):
                missing = [field for field in specs if field not in sample and field not in fills]
                if missing:
                    key = sample[_KEY].decode(errors="replace")
                    raise InvalidArgumentError(f"{name}: sample {key} has no field {missing}.")
                held.append(fills | sample)
                if len(held) == _SAMPLES:
                    yield _stacked(held, specs)
                    held = []
            if held:
                yield _stacked(held, specs)

        def made(found: np.ndarray) -> Pipeline:
            return _typed(FromFiles(names_of(found), "", read), specs)

        super().__init__(from_host(made, [_file_names(filenames)], None), specs)


def _stacked(samples: list[dict[str, bytes]], specs: Mapping[str, TensorSpec]) -> Block:
    return [string_column([sample[name] for sample in samples]) for name in specs]


def _samples(file: Any, name: str, fields: set[str]) -> Iterator[dict[str, bytes]]:
    """The samples of an open tar file."""
    sample: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=file, mode="r|*") as shard:
            for entry in shard:
                folder, slash, base = entry.name.rpartition("/")
                stem, dot, field = base.partition(".")
                if not entry.isfile() or not dot or not stem:
                    continue
                key = f"{folder}{slash}{stem}".encode("utf-8", "surrogateescape")
                if sample and sample[_KEY] != key:
                    yield sample
                    sample = {}
                sample[_KEY] = key
                if field in fields:
                    sample[field] = shard.extractfile(entry).read()  # type: ignore[union-attr]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataLossError(f"{name}: {error}") from error
    if sample:
        yield sample
