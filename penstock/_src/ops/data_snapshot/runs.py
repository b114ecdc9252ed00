"""Runs: the files of one written dataset, in TensorFlow's layout.

    <folder>/snapshot.metadata                              of the last run, and whether it was finished
    <folder>/<run>/<shard, 8 digits>.shard/<chunk, 8 digits>.snapshot

A chunk holds a record for each component of each element: a TensorProto.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import NotFoundError
from penstock._src.filesystems import files
from penstock._src.filesystems.damaged import message_of
from penstock._src.filesystems.transaction import Transaction, recover
from penstock._src.filesystems.whole import write_whole
from penstock._src.ops.data.iteration.resume import Element, Resumable, State
from penstock._src.ops.data.readers.snappy_stream import SNAPPY, record_file
from penstock._src.ops.data.storage import read_elements, write_element
from penstock._src.proto.dataset import SnapshotMetadataRecord
from penstock._src.util.files import records

_METADATA = "snapshot.metadata"
# TensorFlow's reader version for files with a record for each component.
_VERSION = 2


def compression_of(name: str) -> str:
    """The compression of the files; AUTO means Snappy."""
    return {"AUTO": SNAPPY, "NONE": ""}.get(name, name)


def metadata_of(folder: str) -> Any:
    """The metadata of the run in a folder; None if there is none."""
    try:
        path = os.path.join(folder, _METADATA)
        return message_of(SnapshotMetadataRecord, files.read(path), path)
    except NotFoundError:
        return None


def shards_of(folder: str) -> list[str]:
    """The folders of the shards of the last run, in order.

    Raises:
      NotFoundError: the folder has no run.
    """
    recover_run(folder)
    metadata = metadata_of(folder)
    if metadata is None:
        raise NotFoundError(f"Could not find metadata file [{os.path.join(folder, _METADATA)}]")
    run = os.path.join(folder, metadata.run_id)
    names = sorted(files.names(run)) if files.is_folder(run) else []
    return [os.path.join(run, name) for name in names if name.endswith(".shard")]


def shard_elements(shard: str, width: int, compression: str, start: int = 0) -> Iterator[Element]:
    """The elements of a shard from chunk number `start` on."""
    chunks = sorted(name for name in files.names(shard) if name.endswith(".snapshot"))
    for name in chunks[start:]:
        yield from read_elements(os.path.join(shard, name), width, compression)


def move_run(staging: str, folder: str, name: str, contents: bytes) -> None:
    """Moves a whole run into another folder of the same file system; a file beside the metadata changes together with them."""
    metadata = metadata_of(staging)
    run = os.path.join(staging, metadata.run_id)
    if files.is_folder(run):
        files.rename(run, os.path.join(folder, metadata.run_id))
    with Transaction(os.path.join(folder, _METADATA)) as written:
        for path, data in ((name, contents), (_METADATA, metadata.SerializeToString())):
            with written.open(os.path.join(folder, path)) as file:
                file.write(data)


def recover_run(folder: str) -> None:
    """Completes a `move_run` of a process that was killed."""
    recover(os.path.join(folder, _METADATA))


class SnapshotRun:
    """Writes elements into shards."""

    def __init__(
        self, folder: str, types: Sequence[DType], compression: str, fingerprint: str = ""
    ) -> None:
        self.folder, self.types, self.compression = folder, types, compression
        self.metadata = SnapshotMetadataRecord(
            graph_hash=fingerprint,
            run_id=str(secrets.randbits(63)),
            creation_timestamp=time.time_ns() // 1000,
            version=_VERSION,
            dtype=[dtype.as_datatype_enum for dtype in types],
            num_elements=0,
        )
        # The open files, by shard, and the number of their chunks.
        self.files: dict[int, records.RecordFile] = {}
        self.chunk = 0

    def begin(self) -> None:
        """Names the run in the metadata, unless the run before is whole."""
        files.make_folders(self.folder)
        before = metadata_of(self.folder)
        if before is None or not before.finalized:
            self._describe()

    def write(self, element: Element, shard: int) -> None:
        """Writes an element into a shard."""
        if shard not in self.files:
            folder = os.path.join(self._run_folder(), f"{shard:08d}.shard")
            files.make_folders(folder)
            file = files.open_file(os.path.join(folder, f"{self.chunk:08d}.snapshot"), "wb")
            self.files[shard] = record_file(file, self.compression)
        write_element(self.files[shard], element, self.types)
        self.metadata.num_elements += 1

    def close(self) -> None:
        """Ends the chunks; later elements are written into new ones."""
        for file in self.files.values():
            file.close(files.system_of(self.folder).sync)
        self.chunk += bool(self.files)
        self.files = {}

    def finish(self) -> None:
        """Names the run in the metadata as whole."""
        self.close()
        self.metadata.finalized = True
        self._describe()

    def go_on(self, run_id: str, chunk: int, count: int) -> None:
        """Goes on with a run after the chunks below a number, which hold `count` elements."""
        self.metadata.run_id, self.chunk, self.metadata.num_elements = run_id, chunk, count
        run = self._run_folder()
        for shard in files.names(run) if files.is_folder(run) else ():
            for name in files.names(os.path.join(run, shard)):
                if name.endswith(".snapshot") and int(name.removesuffix(".snapshot")) >= chunk:
                    files.remove(os.path.join(run, shard, name))

    def _run_folder(self) -> str:
        return os.path.join(self.folder, self.metadata.run_id)

    def _describe(self) -> None:
        """Writes the metadata atomically."""
        path = os.path.join(self.folder, _METADATA)
        write_whole(path, self.metadata.SerializeToString())


class Written(Resumable):
    """Iterates over elements and writes each into its shard; the run is whole once there are no more."""

    plain = ("has_begun", "has_ended")

    def __init__(
        self,
        source: Iterator[Element],
        written: SnapshotRun,
        shard_of: Callable[[Element], int],
    ) -> None:
        self.source, self.written, self.shard_of = source, written, shard_of
        self.has_begun = self.has_ended = False

    def __next__(self) -> Element:
        if not self.has_begun:
            self.written.begin()
            self.has_begun = True
        element = next(self.source, None)
        if element is None:
            if not self.has_ended:
                self.written.finish()
                self.has_ended = True
            raise StopIteration
        self.written.write(element, self.shard_of(element))
        return element

    def save(self) -> State:
        written = self.written
        written.close()
        run = [written.metadata.run_id, written.chunk, written.metadata.num_elements]
        return super().save() | {"run": run}

    def restore(self, state: State) -> None:
        super().restore(state)
        if self.has_begun and not self.has_ended:
            self.written.go_on(*state["run"])
