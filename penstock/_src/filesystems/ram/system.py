"""Files in the memory of this process, under `ram://`: gone when it ends."""

import errno
import io
import os
import threading
import time
from typing import Any, BinaryIO, cast

from penstock._src.filesystems.base import FileStatus, FileSystem, Reader
from penstock._src.filesystems.translation import as_tensorflow
from penstock._src.util.process import forks

Place = tuple[str, ...]
ROOT: Place = ()


class _Node:
    """A file's bytes; None for a folder."""

    def __init__(self, data: bytearray | None) -> None:
        self.data = data
        self.changed = time.time_ns()


class _OpenFile(io.RawIOBase):
    """A file at a position. What is written can be read at once by others."""

    def __init__(self, node: _Node, name: str, mode: str) -> None:
        self._node, self.name, self._mode = node, name, mode
        self._at = 0

    def readable(self) -> bool:
        return self._mode.startswith("r") or "+" in self._mode

    def writable(self) -> bool:
        return not self._mode.startswith("r") or "+" in self._mode

    def seekable(self) -> bool:
        return True

    @property
    def _data(self) -> bytearray:
        assert self._node.data is not None
        return self._node.data

    def readinto(self, target: Any) -> int:
        chunk = self._data[self._at : self._at + len(target)]
        target[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)

    def write(self, data: Any) -> int:
        contents = self._data
        if self._mode.startswith("a"):
            self._at = len(contents)
        contents.extend(bytes(max(0, self._at - len(contents))))
        contents[self._at : self._at + len(data)] = data
        self._at += len(data)
        self._node.changed = time.time_ns()
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._data)}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def truncate(self, size: int | None = None) -> int:
        size = self._at if size is None else size
        del self._data[size:]
        self._data.extend(bytes(size - len(self._data)))
        return size


class _RamReader(Reader):
    def __init__(self, data: bytearray) -> None:
        self._data, self.size = data, len(data)

    def read_into(self, target: memoryview, offset: int) -> int:
        chunk = self._data[offset : offset + len(target)]
        target[: len(chunk)] = chunk
        return len(chunk)


def _place(path: str) -> Place:
    return tuple(part for part in path.partition("://")[2].split("/") if part)


class RamFiles(FileSystem):
    """The files of this process."""

    def __init__(self) -> None:
        self._nodes: dict[Place, _Node] = {ROOT: _Node(None)}
        self._lock = forks.freed_in_child(threading.RLock())

    def _find(self, path: str) -> _Node:
        node = self._nodes.get(_place(path))
        if node is None:
            raise _error(errno.ENOENT, path)
        return node

    def _file(self, path: str) -> _Node:
        node = self._find(path)
        if node.data is None:
            raise _error(errno.EISDIR, path)
        return node

    def _below(self, place: Place) -> list[Place]:
        return [each for each in self._nodes if each[: len(place)] == place and each != place]

    def open(self, path: str, mode: str = "rb") -> BinaryIO:
        with self._lock:
            place = _place(path)
            if mode.startswith("r"):
                node = self._file(path)
            else:
                self.make_folders(path.rpartition("/")[0] if place[:-1] else "ram://")
                node = self._nodes.setdefault(place, _Node(bytearray()))
                if node.data is None:
                    raise _error(errno.EISDIR, path)
                if mode.startswith("w"):  # those who read the old bytes may go on
                    node.data = bytearray()
        opened = _OpenFile(node, path, mode)
        if "+" in mode:
            return cast(BinaryIO, io.BufferedRandom(opened))
        return cast(
            BinaryIO,
            io.BufferedReader(opened) if mode.startswith("r") else io.BufferedWriter(opened),
        )

    def reader(self, path: str) -> Reader:
        data = self._file(path).data
        assert data is not None
        return _RamReader(data)

    def status(self, path: str) -> FileStatus:
        node = self._find(path)
        return FileStatus(len(node.data or b""), node.changed, node.data is None)

    def kind(self, path: str) -> str | None:
        node = self._nodes.get(_place(path))
        return None if node is None else "folder" if node.data is None else "file"

    def names(self, folder: str) -> list[str]:
        with self._lock:
            if self._find(folder).data is not None:
                raise _error(errno.ENOTDIR, folder)
            place = _place(folder)
            return sorted(p[-1] for p in self._below(place) if len(p) == len(place) + 1)

    def make_folder(self, path: str) -> None:
        with self._lock:
            if self.kind(path) is not None:
                raise _error(errno.EEXIST, path)
            self.make_folders(path)

    def make_folders(self, path: str) -> None:
        with self._lock:
            place = _place(path)
            for end in range(1, len(place) + 1):
                if self._nodes.setdefault(place[:end], _Node(None)).data is not None:
                    raise _error(errno.ENOTDIR, path)

    def remove(self, path: str) -> None:
        with self._lock:
            self._file(path)
            del self._nodes[_place(path)]

    def remove_folder(self, path: str) -> None:
        with self._lock:
            if self.names(path):
                raise _error(errno.ENOTEMPTY, path)
            del self._nodes[_place(path)]

    def remove_tree(self, path: str) -> None:
        with self._lock:
            self._find(path)
            for place in (*self._below(_place(path)), _place(path)):
                if place != ROOT:
                    del self._nodes[place]

    def rename(self, source: str, target: str) -> None:
        with self._lock:
            node, old, new = self._find(source), _place(source), _place(target)
            if self.kind(target) == "folder" and (node.data is not None or self._below(new)):
                raise _error(errno.EISDIR if node.data is not None else errno.ENOTEMPTY, target)
            moved = {new + place[len(old) :]: self._nodes.pop(place) for place in self._below(old)}
            del self._nodes[old]
            self.make_folders("ram://" + "/".join(new[:-1]))
            self._nodes.update({new: node, **moved})


def _error(number: int, path: str) -> Exception:
    return as_tensorflow(OSError(number, os.strerror(number)), path)


RAM = RamFiles()
