"""Methods of Dataset that write elements to files, and read them again.

A saved dataset is a folder in TensorFlow's format: `dataset_spec.pb` holds the structure of TypeSpecs; for the rest see
`ops/data_snapshot/runs.py`.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes, errors
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.data import structure
from penstock._src.data.traced import Traced, trace
from penstock._src.filesystems import files
from penstock._src.filesystems.damaged import message_of, parsing
from penstock._src.filesystems.transaction import tidy
from penstock._src.filesystems.whole import write_whole
from penstock._src.function.structured_values import decode, encode
from penstock._src.ops.data.iteration.settings import available_cores
from penstock._src.ops.data.pipeline import AUTOTUNE
from penstock._src.ops.data_snapshot import distributed
from penstock._src.ops.data_snapshot.runs import move_run, recover_run
from penstock._src.proto.saved import StructuredValue
from penstock._src.util import nest
from penstock._src.util.files.whole import temporary_path
from penstock._src.util.slots import above

_SPEC = "dataset_spec.pb"
_SECONDS_BETWEEN_LOOKS = 0.1


class Stored:
    """The methods of Dataset about files of elements."""

    element_spec: Any
    _variant_tensor: Any
    _derived: Callable[..., Any]
    _spec_of_datasets: Callable[[Any], Any]

    @shortening
    def save(
        self,
        path: str,
        compression: str | None = None,
        shard_func: Callable[..., Any] | None = None,
        checkpoint_args: Any = None,
    ) -> Any:
        """Writes all elements into a folder.

        Args:
          path: the folder, which is made if needed.
          compression: None, "GZIP" or "SNAPPY".
          shard_func: a function of an element that returns its shard, an int64 scalar; by default
            there is one.
          checkpoint_args: arguments of a `tf.train.CheckpointManager` but for `checkpoint`: it
            keeps how far writing has come, and the same call goes on from there. Only in eager
            execution.

        Returns:
          In a graph the operation that writes, else None.

        Raises:
          ValueError: `checkpoint_args` has "checkpoint".
        """
        folder = os.fsdecode(path)
        files.make_folders(folder)
        described = encode(self.element_spec).SerializeToString()
        is_at_once = not checkpoint_args and STATE.graph is None
        is_over_others = is_at_once and _described_in(folder) not in (None, described)
        if not is_over_others:
            write_whole(os.path.join(folder, _SPEC), described)
        traced = _sharding(shard_func, self.element_spec)
        written = {
            "input_dataset": self._variant_tensor,
            "path": path,
            "shard_func_other_args": traced.captured,
            "compression": compression or "",
            "shard_func": traced.function,
            "use_shard_func": shard_func is not None,
        }
        if is_over_others:
            return _save_over(folder, described, written)
        if not checkpoint_args or STATE.graph is not None:
            return raw.SaveDataset(**written)
        variant = raw.SaveDatasetV2(**written, **structure.attributes(self.element_spec))
        writing = self._derived("_SaveDataset", variant, self.element_spec, self)
        return _save_with_checkpoints(iter(writing), checkpoint_args)

    @classmethod
    @shortening
    def load(
        cls,
        path: str,
        element_spec: Any = None,
        compression: str | None = None,
        reader_func: Callable[..., Any] | None = None,
        wait: bool = False,
    ) -> Any:
        """Returns the dataset that `save` or `tf.data.experimental.distributed_save` wrote.

        Args:
          path: the folder.
          element_spec: the structure of specs of the elements; by default as saved.
          compression: as in `save`.
          reader_func: a function that makes one dataset of a dataset of shards; by default they
            are interleaved.
          wait: whether to wait until another process has written it, or the workers of a service have begun to: an iteration waits
            for elements that are still to be written.

        Returns:
          A `Dataset`.

        Raises:
          NotFoundError: there is no saved dataset.
          ValueError: a service could not write it, or wrote it with another `element_spec` or `compression`.
        """
        path = os.fsdecode(path)
        while wait and not files.exists(os.path.join(path, _SPEC)):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        written = distributed.metadata_in(path)
        while wait and written is None and files.exists(distributed.chunks_folder(path)):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            written = distributed.metadata_in(path)
        if written is not None:
            spec = _spec_in(written.element_spec, path)
            _check_distributed(path, written, spec, element_spec, compression)
            return _chunks_of(cls, path, written.compression, spec, reader_func)
        if element_spec is None:
            recover_run(path)
            try:
                spec_file = os.path.join(path, _SPEC)
                element_spec = _spec_in(files.read(spec_file), spec_file)
            except errors.NotFoundError:
                raise errors.NotFoundError(f"{path}: there is no saved dataset.") from None
        shards = cls._spec_of_datasets(cls._spec_of_datasets(element_spec))
        traced = trace(reader_func or _interleaved, shards, "Read")
        variant = raw.LoadDataset(
            path=path,
            reader_func_other_args=traced.captured,
            compression=compression or "",
            reader_func=traced.function,
            **structure.attributes(element_spec),
        )
        return cls._derived("_LoadDataset", variant, element_spec)

    @shortening
    def snapshot(
        self,
        path: str,
        compression: str | None = "AUTO",
        reader_func: Callable[..., Any] | None = None,
        shard_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset that stores its elements in a folder during the first full iteration.

        Later programs read them from there.

        Args:
          path: the folder.
          compression: None, "GZIP", "SNAPPY", or "AUTO", which means Snappy.
          reader_func: a function that makes one dataset of a dataset of shards; by default they
            are interleaved.
          shard_func: a function of an element that returns its shard, an int64 scalar; by default
            there is one.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        shards = self._spec_of_datasets(self._spec_of_datasets(self.element_spec))
        reading = trace(reader_func or _interleaved, shards, "Read")
        sharding = _sharding(shard_func, self.element_spec)
        variant = raw.SnapshotDatasetV2(
            input_dataset=self._variant_tensor,
            path=path,
            reader_func_other_args=reading.captured,
            shard_func_other_args=sharding.captured,
            compression=compression or "",
            reader_func=reading.function,
            shard_func=sharding.function,
            **structure.attributes(self.element_spec),
            name=name,
        )
        return self._derived("_SnapshotDataset", variant, self.element_spec, self)


def _check_distributed(
    path: str, written: Any, spec: Any, element_spec: Any, compression: str | None
) -> None:
    """Raises ValueError if a distributed snapshot has failed, or does not match the caller's."""
    where, failure = f"Failed to load tf.data snapshot at {path}.", distributed.failure_in(path)
    if failure:
        raise ValueError(f"{where} The save job failed to write it. Status: {failure}")
    if element_spec is not None and element_spec != spec:
        raise ValueError(
            f"{where} User specified element_spec {element_spec}, but the actual element_spec is {spec}."
        )
    if compression and compression != written.compression:
        raise ValueError(
            f"{where} User specified compression {compression}, but the actual compression is "
            f"{written.compression}."
        )


def _chunks_of(
    kind: Any, path: str, compression: str, spec: Any, reader: Callable[..., Any] | None
) -> Any:
    """Return the dataset of a distributed snapshot. A reader combines its chunks."""
    text = TensorSpec([], dtypes.string)
    listed = raw.ListSnapshotChunksDataset(snapshot_path=path, **structure.attributes(text))

    def read(chunk: Any) -> Any:
        variant = raw.SnapshotChunkDataset(
            chunk_file=chunk, compression=compression, **structure.attributes(spec)
        )
        return kind._derived("_SnapshotChunkDataset", variant, spec)

    chunks = kind._derived("_ListSnapshotChunksDataset", listed, text).map(read)
    return (reader or _interleaved)(chunks)


def _described_in(folder: str) -> bytes | None:
    """Return the serialized structure of the elements that are saved in a folder; None if it was not saved."""
    try:
        return files.read(os.path.join(folder, _SPEC))
    except errors.NotFoundError:
        return None


def _save_over(folder: str, described: bytes, written: dict[str, Any]) -> None:
    """Saves elements over those of another structure, which stay until the new ones are whole."""
    tidy(folder)
    staging = temporary_path(os.path.join(folder, _SPEC))
    try:
        raw.SaveDataset(**{**written, "path": staging})
        move_run(staging, folder, _SPEC, described)
    finally:
        if files.exists(staging):
            files.remove_tree(staging)


def _spec_in(data: bytes, path: str) -> Any:
    """The structure of TypeSpecs in a file."""
    message = message_of(StructuredValue, data, path)
    with parsing(path):
        spec = decode(message)
    if not all(isinstance(part, TypeSpec) for part in nest.flatten(spec)):
        raise errors.DataLossError(f"{path}: {spec!r:.80} is not a structure of TypeSpecs.")
    return spec


def _save_with_checkpoints(iterator: Any, arguments: dict[str, Any]) -> None:
    """Iterates to the end from the latest checkpoint, and saves checkpoints on the way."""
    if "checkpoint" in arguments:
        raise ValueError(
            "'Invalid `checkpoint_args`. `checkpoint_args` are not allowed to include 'checkpoint'."
        )
    checkpoint = above("Checkpoint")(iterator=iterator)
    manager = above("CheckpointManager")(checkpoint, **arguments)
    checkpoint.restore(manager.latest_checkpoint)
    for _ in iterator:
        if "step_counter" in arguments:
            arguments["step_counter"].assign_add(1)
        manager.save(check_interval=True)


def _sharding(function: Callable[..., Any] | None, spec: Any) -> Traced:
    """The traced function that computes an element's shard."""
    return trace(function or (lambda *_: cast(0, dtypes.int64)), spec, "Shard")


def _interleaved(shards: Any) -> Any:
    """The elements of the shards in turn, as many at a time as there are cores."""
    return shards.interleave(lambda shard: shard, available_cores(), num_parallel_calls=AUTOTUNE)
