"""Serialized elements: file caches, and datasets saved to disk."""

import contextlib
import os
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import AlreadyExistsError, DataLossError
from penstock._src.core.values import memory_limit
from penstock._src.filesystems import files
from penstock._src.filesystems.damaged import message_of
from penstock._src.filesystems.files import remove_if_there
from penstock._src.filesystems.whole import write_whole, written_whole
from penstock._src.ops.data.components import component_from_proto, component_to_proto
from penstock._src.ops.data.readers.snappy_stream import opened
from penstock._src.proto.tensor import TensorProto
from penstock._src.util.files import records

Element = tuple[Any, ...]


def write_element(file: records.RecordFile, element: Element, types: Sequence[DType]) -> None:
    """Appends an element: one record per component."""
    for component, dtype in zip(element, types, strict=True):
        file.write(component_to_proto(component, dtype).SerializeToString())


def write_elements(
    file: records.RecordFile, elements: Iterator[Element], types: Sequence[DType]
) -> Iterator[Element]:
    """Passes the elements on while writing each: one record per component."""
    for element in elements:
        write_element(file, element, types)
        yield element


def read_elements(path: str, width: int, compression: str = "") -> Iterator[Element]:
    """The elements in a file written by `write_elements`."""
    with files.open_file(path) as file:
        elements = records.read_records(
            opened(file, compression, path), path, admit=memory_limit.require_bytes
        )
        try:
            while True:
                element = tuple(
                    [
                        component_from_proto(message_of(TensorProto, data, path))
                        for _, data in zip(range(width), elements)
                    ]
                )
                if not element:
                    return
                yield element
        except records.DamagedRecord as error:
            raise DataLossError(str(error)) from error


class FileCache:
    """The elements of a dataset in `<path>.data-0`; complete once `<path>.index` exists."""

    def __init__(self, path: str, types: Sequence[DType]) -> None:
        self.data, self.index, self.types = f"{path}.data-0", f"{path}.index", types
        self.lock = f"{path}_0.lockfile"

    def complete(self) -> bool:
        """True if a full iteration has been written."""
        return files.exists(self.index)

    def read(self) -> Iterator[Element]:
        """The elements written."""
        return read_elements(self.data, len(self.types))

    def written(self, kind: Any, _error: Any = None, _trace: Any = None) -> None:
        """Makes the cache complete, unless it ends with an error of class `kind`."""
        if kind is None:
            write_whole(self.index, f"{len(self.types)} components per element\n")

    def write(self, elements: Iterator[Element]) -> "CacheWriter":
        """Passes the elements on while writing them."""
        return CacheWriter(self, elements)


class CacheWriter:
    """Iterates over elements and writes each into a file cache, which is complete at their end.

    A lock file keeps others from writing the same cache; it is there from the first element to the end or to `close`.

    Args:
      cache: the cache.
      elements: the elements of the dataset.
    """

    def __init__(self, cache: FileCache, elements: Iterator[Element]) -> None:
        self._cache, self._elements = cache, elements
        self._open = contextlib.ExitStack()
        self._file: records.RecordFile | None = None
        self._is_done = False

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        if self._is_done:
            raise StopIteration
        if self._file is None:
            self._begin()
        assert self._file is not None
        element = next(self._elements, None)
        if element is None:
            self._file.flush()
            self._is_done = True
            self._open.close()
            raise StopIteration
        write_element(self._file, element, self._cache.types)
        return element

    def _begin(self) -> None:
        lock = self._cache.lock
        if files.exists(lock) and not _is_left(lock):
            raise AlreadyExistsError(
                "There appears to be a concurrent caching iterator running - cache lockfile already "
                f"exists ('{lock}'). If you are sure no other running TF computations are using this "
                "cache prefix, delete the lockfile and re-initialize the iterator."
            )
        files.make_folders(os.path.dirname(lock))
        write_whole(lock, f"process {os.getpid()} of {socket.gethostname()}\n")
        self._open.callback(remove_if_there, lock)
        self._open.push(self._cache.written)  # after the data, if no error ends it
        self._file = records.RecordFile(self._open.enter_context(written_whole(self._cache.data)))

    def close(self) -> None:
        """Removes the files of an incomplete iteration, and its lock file."""
        self._is_done = True
        with contextlib.suppress(_Abandoned), self._open.pop_all():
            raise _Abandoned

    __del__ = close


def _is_left(lock: str) -> bool:
    """True if a lock file belongs to a process of this machine that ended without removing it."""
    match = re.fullmatch(rb"process (\d+) of (.+)\n", files.read(lock))
    if match is None or match[2].decode(errors="replace") != socket.gethostname():
        return False
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is another user's
        return False
    return False


class _Abandoned(Exception):
    """Ends the writing of a file that is not to be there."""
