"""Ops of datasets kept in files."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Effects, Permissions
from penstock._src.core.dtypes import DType, as_dtype
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.filesystems.files import names
from penstock._src.ops.data import pipeline
from penstock._src.ops.data.basic import Chained
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import Counted, Element
from penstock._src.ops.data.pipeline import (
    UNKNOWN,
    DatasetOp,
    Pipeline,
    UnnamedDatasetOp,
)
from penstock._src.ops.data.storage import read_elements
from penstock._src.ops.data_shared.fingerprints import fingerprint
from penstock._src.ops.data_snapshot.distributed import committed_chunks, metadata_in
from penstock._src.ops.data_snapshot.runs import (
    SnapshotRun,
    Written,
    compression_of,
    metadata_of,
    shard_elements,
    shards_of,
)
from penstock._src.ops.strings.elements import strings


def _text(value: Any) -> str:
    return np.asarray(value).item().decode()


def _sharding(function: Any, captured: list[Any]) -> Callable[[Element], int]:
    """Returns the function that computes an element's shard from its components."""
    call = bound(function, captured)

    def shard_of(element: Element) -> int:
        (shard,) = map(np.asarray, call(*element))
        if shard.dtype != np.int64 or shard.ndim:
            raise InvalidArgumentError("`shard_func` must return a scalar int64.")
        return int(shard)

    return shard_of


class _Made(Pipeline):
    """A pipeline over the elements of a Python iterator function."""

    def __init__(self, make: Callable[[], Iterator[Element]], count: int = UNKNOWN) -> None:
        self.make, self.count = make, count

    def cardinality(self) -> int:
        return self.count

    def iterate(self, run: pipeline.Run) -> Iterator[Element]:
        return Counted(self.make())


def _shard_dataset(
    shard: str, types: Sequence[DType], shapes: Sequence[TensorShape], compression: str, start: int
) -> Pipeline:
    dataset = _Made(
        lambda: _checked(shard_elements(shard, len(types), compression, start), types, shapes)
    )
    dataset.types, dataset.shapes = tuple(types), tuple(shapes)
    return dataset


def _nested(datasets: Sequence[Pipeline]) -> Pipeline:
    """A dataset whose elements are the given datasets."""
    dataset = _Made(lambda: iter([(each,) for each in datasets]), len(datasets))
    dataset.types, dataset.shapes = (dtypes.variant,), (TensorShape([]),)
    return dataset


def _read(
    folder: str, op: Any, reader: Any, captured: list[Any], run: pipeline.Run
) -> Iterator[Element]:
    """The elements of the last run, in the order in which the reader goes through its shards."""
    compression = compression_of(op.compression)
    shards = [
        _shard_dataset(shard, op.output_types, op.output_shapes, compression, 0)
        for shard in shards_of(folder)
    ]
    if reader is None:
        return Chained(tuple(shards), run)
    (dataset,) = bound(reader, captured, run)(_nested(shards))
    dataset = dataset[()] if isinstance(dataset, np.ndarray) else dataset
    if not isinstance(dataset, Pipeline):
        raise InvalidArgumentError("Dataset tensor must be a scalar of dtype DT_VARIANT.")
    for at, (wanted, dtype) in enumerate(zip(op.output_types, dataset.types, strict=False)):
        if wanted is not dtype:
            raise _other_type(at, wanted, dtype.name)
    return dataset.iterate(run)


def _other_type(component: int, wanted: DType, actual: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"Data type mismatch at component {component}: expected {wanted.name} but got {actual}."
    )


def _checked(
    elements: Iterator[Element], types: Sequence[DType], shapes: Sequence[TensorShape]
) -> Iterator[Element]:
    """Passes saved elements on, which must have the types and shapes that the caller has given."""
    for element in elements:
        for at, (value, dtype, shape) in enumerate(zip(element, types, shapes, strict=False)):
            if not isinstance(value, np.ndarray):
                continue
            if value.dtype != dtype.as_numpy_dtype:
                raise _other_type(at, dtype, as_dtype(value.dtype).name)
            if not shape.is_compatible_with(value.shape):
                expected, actual = (
                    "[" + ",".join("?" if n is None else str(n) for n in extents) + "]"
                    for extents in (shape.as_list(), value.shape)
                )
                raise InvalidArgumentError(
                    f"Incompatible shapes at component {at}: expected {expected} but got {actual}."
                )
        yield element


class SaveDataset(Op):
    """Writes all elements into a folder, each into the shard that `shard_func` gives it."""

    signature = "input_dataset: variant, path: string, shard_func_other_args: *Tshard_func_args ->"
    permissions = Permissions(capabilities="write_files", file_arguments="path")
    compression: str = ""
    shard_func: Function
    use_shard_func: bool = True
    Tshard_func_args: list[DType]
    stateful = True
    effects = Effects(has_own_effect=True)

    def eager(self, input_dataset, path, shard_func_other_args):
        run = pipeline.Run(input_dataset.options())
        try:
            for _ in _saving(self, input_dataset, _text(path), shard_func_other_args, run):
                continue
        finally:
            run.close()


def _saving(
    op: Any, source: Pipeline, folder: str, captured: list[Any], run: pipeline.Run
) -> Iterator[Element]:
    written = SnapshotRun(folder, source.types, compression_of(op.compression))
    shard_of = _sharding(op.shard_func, captured) if op.use_shard_func else lambda element: 0
    run.on_close(written.close, at_exit=True)
    return Written(source.iterate(run), written, shard_of)


class _Saving(Pipeline):
    def __init__(self, op: Any, source: Pipeline, folder: str, captured: list[Any]) -> None:
        self.op, self.inputs, self.folder, self.captured = op, (source,), folder, captured

    def iterate(self, run: pipeline.Run) -> Iterator[Element]:
        return _saving(self.op, self.inputs[0], self.folder, self.captured, run)


class SaveDatasetV2(UnnamedDatasetOp):
    """The dataset that writes its elements into a folder while they are iterated over."""

    signature = """input_dataset: variant, path: string, shard_func_other_args: *Tshard_func_args
        -> handle: variant"""
    permissions = Permissions(capabilities="write_files", file_arguments="path")
    compression: str = ""
    shard_func: Function
    use_shard_func: bool = True
    Tshard_func_args: list[DType]
    stateful = True

    def pipeline(self, input_dataset, path, shard_func_other_args):
        return _Saving(self, input_dataset, _text(path), shard_func_other_args)


class _Loaded(Pipeline):
    def __init__(self, op: Any, folder: str, captured: list[Any]) -> None:
        self.op, self.folder, self.captured = op, folder, captured

    def cardinality(self) -> int:
        metadata = metadata_of(self.folder)
        return metadata.num_elements if metadata is not None and metadata.finalized else UNKNOWN

    def iterate(self, run: pipeline.Run) -> Iterator[Element]:
        return _read(self.folder, self.op, self.op.reader_func, self.captured, run)


class LoadDataset(UnnamedDatasetOp):
    """The elements saved in a folder; `reader_func` combines the dataset of its shards into one dataset."""

    signature = "path: string, reader_func_other_args: *Treader_func_args -> handle: variant"
    permissions = Permissions(capabilities="read_files", file_arguments="path")
    output_types: list[DType]
    output_shapes: list[TensorShape]
    compression: str = ""
    reader_func: Function
    Treader_func_args: list[DType]
    stateful = True

    def pipeline(self, path, reader_func_other_args):
        folder = _text(path)
        shards_of(folder)  # raises if the folder holds no dataset
        return _Loaded(self, folder, reader_func_other_args)


class _Snapshot(Pipeline):
    """Reads the elements if a finished run exists; else writes them while passing them on."""

    def __init__(self, op: Any, source: Pipeline, folder: str, reader: Any, sharding: Any) -> None:
        self.op, self.inputs, self.reader, self.sharding = op, (source,), reader, sharding
        self.fingerprint = _identity(op, source)
        self.folder = os.path.join(folder, self.fingerprint)

    def iterate(self, run: pipeline.Run) -> Iterator[Element]:
        metadata = metadata_of(self.folder)
        mode = getattr(self.op, "mode", "auto")
        is_finished = metadata is not None and metadata.finalized
        if mode == "read" and not is_finished:
            raise NotFoundError(f"SnapshotDataset: there is no finished snapshot in {self.folder}.")
        if is_finished and mode != "write":
            return _read(self.folder, self.op, *self.reader, run)
        source = self.inputs[0]
        written = SnapshotRun(
            self.folder, source.types, compression_of(self.op.compression), self.fingerprint
        )
        shard_of = _sharding(*self.sharding) if self.sharding else lambda element: 0
        run.on_close(written.close, at_exit=True)
        return Written(source.iterate(run), written, shard_of)


def _identity(op: Any, source: Pipeline) -> str:
    """The name of a snapshot's folder: that of the op, the given hash, or a hash of the dataset's computation."""
    if getattr(op, "snapshot_name", ""):
        return f"custom-{op.snapshot_name}"
    if getattr(op, "hash_valid", False):
        return str(op.hash)
    return str(fingerprint(source))


class SnapshotDatasetV2(DatasetOp):
    """The input's elements: written to a folder by the first complete iteration, read from it by later ones."""

    signature = """input_dataset: variant, path: string, reader_func_other_args: *Treader_func_args,
        shard_func_other_args: *Tshard_func_args -> handle: variant"""
    permissions = Permissions(capabilities="read_files write_files", file_arguments="path")
    output_types: list[DType]
    output_shapes: list[TensorShape]
    compression: str = ""
    reader_prefix: str = ""
    writer_prefix: str = ""
    hash_valid: bool = False
    hash: int = 0
    reader_func: Function
    shard_func: Function
    Treader_func_args: list[DType]
    Tshard_func_args: list[DType]

    def pipeline(self, input_dataset, path, reader_func_other_args, shard_func_other_args):
        reader = self.reader_func, reader_func_other_args
        sharding = self.shard_func, shard_func_other_args
        return _Snapshot(self, input_dataset, _text(path), reader, sharding)


class SnapshotDataset(UnnamedDatasetOp):
    """The input's elements, cached in a folder; `mode` is "read", "write", "passthrough", or "auto"."""

    signature = "input_dataset: variant, path: string -> handle: variant"
    ranks = {"path": (0,)}
    permissions = Permissions(capabilities="read_files write_files", file_arguments="path")
    compression: str = ""
    reader_path_prefix: str = ""
    writer_path_prefix: str = ""
    shard_size_bytes: int = 10737418240
    pending_snapshot_expiry_seconds: int = 86400
    num_reader_threads: int = 1
    reader_buffer_size: int = 1
    num_writer_threads: int = 1
    writer_buffer_size: int = 1
    shuffle_on_read: bool = False
    seed: int = 0
    seed2: int = 0
    mode: str = "auto"
    snapshot_name: str = ""

    def pipeline(self, input_dataset, path):
        if self.mode not in ("auto", "read", "write", "passthrough"):
            raise InvalidArgumentError(
                f"mode {self.mode!r} must be one of auto, read, write, passthrough"
            )
        if self.mode == "passthrough":
            return input_dataset
        return _Snapshot(self, input_dataset, _text(path), (None, []), None)


class SnapshotDatasetReader(UnnamedDatasetOp):
    """The elements of one shard."""

    signature = "shard_dir: string, start_index: int64 -> handle: variant"
    ranks = {"shard_dir": (0,), "start_index": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="shard_dir")
    output_types: list[DType]
    output_shapes: list[TensorShape]
    compression: str = ""
    version: int

    def pipeline(self, shard_dir, start_index):
        types, shapes = self.output_types, self.output_shapes
        compression = compression_of(self.compression)
        return _shard_dataset(_text(shard_dir), types, shapes, compression, int(start_index))


class SnapshotNestedDatasetReader(UnnamedDatasetOp):
    """The dataset of these datasets."""

    signature = "inputs: N * variant -> handle: variant"

    def pipeline(self, inputs):
        return _nested(inputs)


class SnapshotChunkDataset(UnnamedDatasetOp):
    """The elements of one chunk."""

    signature = "chunk_file: string -> handle: variant"
    ranks = {"chunk_file": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="chunk_file")
    compression: str = ""

    def pipeline(self, chunk_file):
        chunk, compression = _text(chunk_file), compression_of(self.compression)
        return _Made(lambda: read_elements(chunk, len(self.output_types), compression))


class ListSnapshotChunksDataset(UnnamedDatasetOp):
    """The paths of the chunks of a snapshot; waits for those of one that is being written."""

    signature = "snapshot_path: string -> handle: variant"
    ranks = {"snapshot_path": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="snapshot_path")
    stateful = True

    def pipeline(self, snapshot_path):
        folder = _text(snapshot_path)
        if metadata_in(folder) is not None:
            return _Made(
                lambda: ((strings([os.fsencode(p)], ()),) for p in committed_chunks(folder))
            )
        return _Made(lambda: _chunks(folder))


def _chunks(folder: str) -> Iterator[Element]:
    for shard in shards_of(folder):
        for name in sorted(names(shard)):
            yield (strings([os.path.join(shard, name).encode()], ()),)
