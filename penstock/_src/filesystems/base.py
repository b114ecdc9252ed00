"""Base of all file systems."""

import abc
import fnmatch
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

# Bytes of a large file that a thread treats at a time: more than a system call costs, less than a core's cache holds.
BLOCK = 4 << 20
# Threads that read and write large files.
THREADS = min(4, os.cpu_count() or 1)


class FileStatus(NamedTuple):
    """The length in bytes, the time of the last change, and whether it is a folder."""

    length: int
    mtime_nsec: int
    is_directory: bool


class Reader(abc.ABC):
    """Reads a file at any offset, from several threads at once."""

    size: int

    @abc.abstractmethod
    def read_into(self, target: memoryview, offset: int) -> int:
        """Fills `target` with the bytes at `offset` and after; returns their number."""

    def read_all_into(self, targets: Sequence[memoryview], offset: int) -> bool:
        """Fills `targets`, one after the other, with the bytes from `offset` on; False if there are fewer."""
        for target in targets:
            if self.read_into(target, offset) < len(target):
                return False
            offset += len(target)
        return True

    def close(self) -> None:  # noqa: B027
        """Closes the file."""


class FileSystem(abc.ABC):
    """The files below one scheme. Paths are whole, with their scheme; errors are TensorFlow's."""

    # True if a file appears, as a whole, only once it is closed, as in object stores.
    appears_when_closed = False
    # True if a request is slow enough for files to be read ahead.
    is_distant = False

    @abc.abstractmethod
    def open(self, path: str, mode: str = "rb") -> BinaryIO:
        """Opens a file: rb, wb, ab, r+b, w+b or a+b."""

    def open_log(self, path: str) -> BinaryIO:
        """Opens a file that others read while it grows: after a flush they can read all of it, or what they could read before."""
        return self.open(path, "ab")

    @abc.abstractmethod
    def reader(self, path: str) -> Reader:
        """Opens a file to be read at any offset."""

    def read(self, path: str) -> bytes:
        """Returns the contents of a file."""
        with self.open(path) as file:
            return file.read()

    def write_blocks(
        self, path: str, size: int, fill: Callable[[memoryview, int], None], block: int = BLOCK
    ) -> None:
        """Writes a file of `size` bytes, safe at the end; `fill` puts those from an offset on into a block, maybe in several threads."""
        buffer = memoryview(bytearray(min(size, block)))
        with self.open(path, "wb") as file:
            for offset in range(0, size, block):
                part = buffer[: min(block, size - offset)]
                fill(part, offset)
                file.write(part)
            self.sync(file)

    @abc.abstractmethod
    def status(self, path: str) -> FileStatus:
        """Describes a file or folder."""

    def exists(self, path: str) -> bool:
        """True if there is a file or folder."""
        return self.kind(path) is not None

    @abc.abstractmethod
    def kind(self, path: str) -> str | None:
        """Returns "file", "folder", or None if nothing is there."""

    @abc.abstractmethod
    def names(self, folder: str) -> list[str]:
        """Returns the names in a folder."""

    @abc.abstractmethod
    def make_folder(self, path: str) -> None:
        """Makes a folder."""

    @abc.abstractmethod
    def make_folders(self, path: str) -> None:
        """Makes a folder and those above it, where there are none."""

    @abc.abstractmethod
    def remove(self, path: str) -> None:
        """Removes a file."""

    @abc.abstractmethod
    def remove_folder(self, path: str) -> None:
        """Removes an empty folder."""

    @abc.abstractmethod
    def remove_tree(self, path: str) -> None:
        """Removes a folder with its content, or a file."""

    @abc.abstractmethod
    def rename(self, source: str, target: str) -> None:
        """Renames a file or folder; a file that has the name is replaced."""

    def sync(self, file: BinaryIO) -> None:
        """Waits until the data of an open file would survive a crash."""
        file.flush()

    def sync_folder(self, folder: str) -> None:  # noqa: B027
        """Waits until the names in a folder would survive a crash."""

    def matching(self, pattern: str) -> list[str]:
        """Returns the paths that match a pattern, sorted: * and ? match all but slashes, [...] one of these characters."""
        scheme, _, rest = pattern.partition("://")
        paths = [f"{scheme}://"]
        parts = [part for part in rest.split("/") if part]
        for at, part in enumerate(parts):
            if not any(sign in part for sign in "*?["):
                paths = [os.path.join(path, part) for path in paths]
                if at == len(parts) - 1:
                    paths = [path for path in paths if self.exists(path)]
                continue
            paths = [
                os.path.join(path, name)
                for path in paths
                if self.kind(path) == "folder"
                for name in fnmatch.filter(self.names(path), part)
            ]
        return sorted(paths)
