"""Distributed snapshots, written together by the workers of a tf.data service, in TensorFlow's layout.

<folder>/snapshot.metadata                            as text: the structure of elements, and the compression
<folder>/dataset_spec.pb, dataset_def.proto           the structure alone, the dataset's graph
<folder>/chunks/chunk_<stream>_<number>_<elements>    records of components, as in `runs.py`
<folder>/DONE                                         once there are no more
<folder>/ERROR                                        as text: the status that ended it
<folder>/streams/stream_<number>/                     what one worker at a time writes, and has not committed
"""

import itertools
import logging
import os
import time
from collections.abc import Iterator
from typing import Any

from google.protobuf import text_format

from penstock._src.core.errors import CLASS_OF_CODE, NotFoundError, OpError, UnknownError
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.proto.dataset import DistributedSnapshotMetadata, StatusProto

LOG = logging.getLogger("tensorflow")
_METADATA, _DONE, _ERROR = "snapshot.metadata", "DONE", "ERROR"
_PAUSE = 0.1
_LOOKS_BETWEEN_WARNINGS = 600


def chunks_folder(folder: str) -> str:
    """The folder of committed chunks."""
    return os.path.join(folder, "chunks")


def chunk_path(folder: str, stream: int, number: int, elements: int) -> str:
    """The path of a committed chunk."""
    return os.path.join(chunks_folder(folder), f"chunk_{stream}_{number}_{elements}")


def stream_folder(folder: str, stream: int) -> str:
    """The folder of a stream."""
    return os.path.join(folder, "streams", f"stream_{stream}")


def describe(folder: str, spec: bytes, graph: bytes, compression: str) -> None:
    """Writes the files that readers need before the chunks, the metadata last: they wait for it."""
    write_whole(os.path.join(folder, "dataset_def.proto"), graph)
    write_whole(os.path.join(folder, "dataset_spec.pb"), spec)
    metadata = DistributedSnapshotMetadata(element_spec=spec, compression=compression)
    write_whole(os.path.join(folder, _METADATA), text_format.MessageToString(metadata))


def metadata_in(folder: str) -> Any:
    """The DistributedSnapshotMetadata of a folder; None if it holds none, such as that of `Dataset.save`."""
    try:
        text = files.read(os.path.join(folder, _METADATA)).decode()
        metadata = text_format.Parse(text, DistributedSnapshotMetadata())
    except (NotFoundError, UnicodeDecodeError, text_format.ParseError):
        return None
    return metadata if metadata.element_spec else None


def finish(folder: str) -> None:
    """Says that all chunks are there."""
    write_whole(os.path.join(folder, _DONE), b"")


def fail(folder: str, code: int, message: str) -> None:
    """Says which error has ended it."""
    status = StatusProto(code=code, message=message)
    write_whole(os.path.join(folder, _ERROR), text_format.MessageToString(status))


def failure_in(folder: str) -> str:
    """The text of the error that has ended it; "" if none has."""
    try:
        return files.read(os.path.join(folder, _ERROR)).decode("utf-8", "replace")
    except NotFoundError:
        return ""


def committed_chunks(folder: str) -> Iterator[str]:
    """The paths of the chunks, those that are there first; waits for more until there are none.

    Raises:
      NotFoundError: there is no snapshot.
      OpError: that has ended it.
    """
    yielded: set[str] = set()
    for look in itertools.count(1):
        # Before the chunks, which come before it.
        is_done = files.exists(os.path.join(folder, _DONE))
        for name in sorted(set(files.names(chunks_folder(folder))) - yielded, key=_in_order):
            yielded.add(name)
            yield os.path.join(chunks_folder(folder), name)
        if is_done:
            return
        failure = failure_in(folder)
        if failure:
            raise _error(folder, failure)
        if look % _LOOKS_BETWEEN_WARNINGS == 0:
            LOG.warning("Still waiting for more of the snapshot at %s.", folder)
        time.sleep(_PAUSE)


def _in_order(name: str) -> list[int]:
    return [int(part) for part in name.split("_")[1:] if part.isdecimal()]


def _error(folder: str, text: str) -> OpError:
    try:
        status = text_format.Parse(text, StatusProto())
    except text_format.ParseError:
        status = StatusProto(message=text)
    kind = CLASS_OF_CODE.get(status.code, UnknownError)
    return kind(f"The snapshot at {folder} could not be written: {status.message}")
