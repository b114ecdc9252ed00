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
from penstock._src.core.errors import NotFoundError, UnimplementedError
from penstock._src.filesystems import files
from penstock._src.filesystems.damaged import message_of
from penstock._src.filesystems.whole import write_whole
from penstock._src.ops.data.pipeline import Element
from penstock._src.ops.data.storage import read_elements, write_element
from penstock._src.proto.dataset import SnapshotMetadataRecord
from penstock._src.util.files import records

_METADATA = "snapshot.metadata"
# TensorFlow's reader version for files with a record for each component.
_VERSION = 2


def compression_of(name: str) -> str:
    """The compression of the files; AUTO means none.

    Raises:
      UnimplementedError: it is SNAPPY.
    """
    if name == "SNAPPY":
        raise UnimplementedError("Snapshots compressed by SNAPPY are not implemented.")
    return "" if name in ("AUTO", "NONE") else name


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
    metadata = metadata_of(folder)
    if metadata is None:
        raise NotFoundError(f"Could not find metadata file [{os.path.join(folder, _METADATA)}]")
    run = os.path.join(folder, metadata.run_id)
    found = sorted(files.names(run)) if files.is_folder(run) else []
    return [os.path.join(run, name) for name in found if name.endswith(".shard")]


def shard_elements(shard: str, width: int, compression: str, start: int = 0) -> Iterator[Element]:
    """The elements of a shard from chunk number `start` on."""
    chunks = sorted(name for name in files.names(shard) if name.endswith(".snapshot"))
    for name in chunks[start:]:
        yield from read_elements(os.path.join(shard, name), width, compression)


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
        self.files: dict[int, records.RecordFile] = {}

    def pass_on(
        self, elements: Iterator[Element], shard_of: Callable[[Element], int]
    ) -> Iterator[Element]:
        """Passes the elements on while writing each into its shard; finished once they all have been."""
        files.make_folders(self.folder)
        before = metadata_of(self.folder)
        if before is None or not before.finalized:  # otherwise that run is the last whole one
            self._describe()
        try:
            for element in elements:
                write_element(self._file(shard_of(element)), element, self.types)
                self.metadata.num_elements += 1
                yield element
        finally:
            for file in self.files.values():
                file.close(files.system_of(self.folder).sync)
        self.metadata.finalized = True
        self._describe()

    def _file(self, shard: int) -> records.RecordFile:
        if shard not in self.files:
            folder = os.path.join(self.folder, self.metadata.run_id, f"{shard:08d}.shard")
            files.make_folders(folder)
            file = files.open_file(os.path.join(folder, f"{0:08d}.snapshot"), "wb")
            self.files[shard] = records.RecordFile(file, self.compression)
        return self.files[shard]

    def _describe(self) -> None:
        """Writes the metadata atomically."""
        path = os.path.join(self.folder, _METADATA)
        write_whole(path, self.metadata.SerializeToString())
