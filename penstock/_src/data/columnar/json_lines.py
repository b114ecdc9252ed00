"""Datasets over files of JSON lines."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.data.columnar.arrow import ArrowFiles, known, specs_of
from penstock._src.data.columnar.columns import Columns, file_names, typed
from penstock._src.data.generator import from_host
from penstock._src.filesystems.files import open_file
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data.readers import arrow_blocks
from penstock._src.ops.data.readers.blocks import Block
from penstock._src.ops.data.readers.files import names_of
from penstock._src.util.export import export
from penstock._src.util.files import records

_BLOCK = 16 << 20  # bytes: no line may be longer


@export("data.experimental.JsonLinesDataset", v1=[])
class JsonLinesDataset(Columns):
    """The objects of files with a JSON object in each line, as dicts of columns.

    It needs the package pyarrow: `pip install 'penstock-tensors[arrow]'`.

    Args:
      filenames: a name or a list of names; those with a protocol (`gs://`, `s3://`, `memory://`) are opened by fsspec.
      columns: the names of the members to read, or a dict from names to dtypes or `tf.TensorSpec`s of scalars and lists; by default
        all that the beginning of the first file has, in which texts stay texts, also those of dates. Other members are left out.
      defaults: what stands for a null or a member that is not there, by column; without it that is an error.
      compression_type: "", "GZIP" or "ZLIB".

    Raises:
      DataLossError: a line is not an object, or a member has another type.
      InvalidArgumentError: no object has such a member.
      UnimplementedError: a column is of a type that no tensor has, as objects.
    """

    def __init__(
        self,
        filenames: Any,
        columns: Any = None,
        defaults: Mapping[str, Any] | None = None,
        compression_type: str | None = None,
    ) -> None:
        arrow_blocks.pyarrow()
        compression, fills = compression_type or "", dict(defaults or {})
        names = file_names(filenames)
        specs = specs_of(
            columns, lambda: _schema(names_of(np.asarray(known(names)))[0], compression)
        )
        for name, spec in specs.items():
            if spec.shape.rank not in (0, 1):
                raise InvalidArgumentError(f"Column {name} must be a scalar or a list, not {spec}.")

        def read(file: Any, name: str) -> Iterator[Block]:
            for batch in arrow_blocks.readable(name, lambda: _batches(file, specs)):
                yield arrow_blocks.columns_of(batch, specs, fills)

        def made(paths: np.ndarray) -> Pipeline:
            return typed(ArrowFiles(names_of(paths), read, specs, compression), specs)

        super().__init__(from_host(made, [names], None), specs)


def _schema(name: str, compression: str) -> Any:
    """Return the members of the objects at the beginning of a file."""
    arrow = arrow_blocks.pyarrow()

    def read(file: Any) -> Iterator[Any]:
        yield _reader(records.opened(file, compression, name=name)).schema

    with open_file(name) as file:
        fields = next(arrow_blocks.readable(name, lambda: read(file)))
    is_time = arrow.types.is_temporal
    return [arrow.field(f.name, arrow.string()) if is_time(f.type) else f for f in fields]


def _batches(file: Any, specs: Mapping[str, TensorSpec]) -> Iterator[Any]:
    """The objects of an open file as record batches."""
    file = file if hasattr(file, "peek") else io.BufferedReader(file)
    if not file.peek(1):
        return
    arrow = arrow_blocks.pyarrow()
    wanted = [(name, arrow_blocks.type_of(spec)) for name, spec in specs.items()]
    yield from _reader(file, explicit_schema=arrow.schema(wanted))


def _reader(file: Any, **options: Any) -> Any:
    import pyarrow.json as library  # type: ignore[import-not-found,import-untyped]

    return library.open_json(
        file,
        read_options=library.ReadOptions(block_size=_BLOCK),
        parse_options=library.ParseOptions(
            unexpected_field_behavior="ignore" if options else "infer", **options
        ),
    )
