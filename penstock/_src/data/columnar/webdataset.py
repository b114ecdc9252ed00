"""Datasets over shards of samples in tar files."""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.data.columnar.columns import Columns, file_names, typed
from penstock._src.data.generator import from_host
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data.readers.blocks import Block, string_column
from penstock._src.ops.data.readers.files import FromFiles, names_of
from penstock._src.util.export import export

_SAMPLES = 64  # samples of a tar file in a block
_KEY = "__key__"


@export("data.experimental.WebDataset", v1=[])
class WebDataset(Columns):
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
            samples: list[dict[str, bytes]] = []
            for sample in _samples(file, name, set(fields)):
                missing = [field for field in specs if field not in sample and field not in fills]
                if missing:
                    key = sample[_KEY].decode(errors="replace")
                    raise InvalidArgumentError(f"{name}: sample {key} has no field {missing}.")
                samples.append(fills | sample)
                if len(samples) == _SAMPLES:
                    yield _stacked(samples, specs)
                    samples = []
            if samples:
                yield _stacked(samples, specs)

        def made(paths: np.ndarray) -> Pipeline:
            return typed(FromFiles(names_of(paths), "", read), specs)

        super().__init__(from_host(made, [file_names(filenames)], None), specs)


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
