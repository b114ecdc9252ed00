"""The files of this machine."""

import glob
import os
import re
import stat
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

from penstock._src.core import errors
from penstock._src.filesystems.base import BLOCK, FileStatus, FileSystem, Reader
from penstock._src.filesystems.local.appending import AppendedFile
from penstock._src.filesystems.translation import translated
from penstock._src.util.files import whole
from penstock._src.util.files.records import BUFFER
from penstock._src.util.lazy import ByName

_SCHEME = "file://"
# Imported by name: with all formats of archives, for a call that few processes make.
_REMOVE_TREE = ByName("shutil", "rmtree")
# Not by processes that only read.
_OPEN_TO_WRITE = ByName(f"{__package__}.written", "open_to_write")
# With threads, which small files do without.
_WRITE_PAST_CACHE = ByName(f"{__package__}.direct", "write_past_cache")


_READING = ("rb", "br", "r")
_MOST_TARGETS = 1024  # of one call, on Linux and macOS


def plain(path: str) -> str:
    """A path without `file://`."""
    return path.removeprefix(_SCHEME)


class _LocalReader(Reader):
    _file = -1

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._file).st_size

    def read_into(self, target: memoryview, offset: int) -> int:
        done = 0
        with translated(self._path):
            while done < len(target):
                count = os.preadv(self._file, [target[done:]], offset + done)
                if not count:
                    break
                done += count
        return done

    def read_all_into(self, targets: Sequence[memoryview], offset: int) -> bool:
        for first in range(0, len(targets), _MOST_TARGETS):
            some = targets[first : first + _MOST_TARGETS]
            size = sum(map(len, some))
            with translated(self._path):
                whole = os.preadv(self._file, some, offset) == size
            if not whole and not super().read_all_into(some, offset):
                return False
            offset += size
        return True

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    __del__ = close


class LocalFiles(FileSystem):
    """The files of this machine."""

    def open(self, path: str, mode: str = "rb") -> BinaryIO:
        with translated(path):
            if mode in _READING:
                return cast(BinaryIO, open(plain(path), mode, BUFFER))
            return _OPEN_TO_WRITE(plain(path), mode, path)

    def read(self, path: str) -> bytes:
        with translated(path), open(plain(path), "rb", buffering=0) as file:
            return file.readall()

    def open_log(self, path: str) -> BinaryIO:
        return cast(BinaryIO, AppendedFile(plain(path)))

    def reader(self, path: str) -> Reader:
        with translated(path):
            return _LocalReader(plain(path))

    def write_blocks(
        self, path: str, size: int, fill: Callable[[memoryview, int], None], block: int = BLOCK
    ) -> None:
        if size <= block:
            super().write_blocks(path, size, fill, block)
            return
        with translated(path):
            _WRITE_PAST_CACHE(plain(path), size, fill, block)

    def status(self, path: str) -> FileStatus:
        with translated(path):
            result = os.stat(plain(path))
        return FileStatus(result.st_size, result.st_mtime_ns, stat.S_ISDIR(result.st_mode))

    def exists(self, path: str) -> bool:
        return os.path.exists(plain(path))

    def kind(self, path: str) -> str | None:
        try:
            mode = os.stat(plain(path)).st_mode
        except (OSError, ValueError):
            return None
        return "folder" if stat.S_ISDIR(mode) else "file"

    def names(self, folder: str) -> list[str]:
        with translated(folder):
            return os.listdir(plain(folder) or ".")

    def make_folder(self, path: str) -> None:
        with translated(path):
            os.mkdir(plain(path))

    def make_folders(self, path: str) -> None:
        try:
            with translated(path):
                os.makedirs(plain(path), exist_ok=True)
        except errors.AlreadyExistsError as error:
            raise errors.FailedPreconditionError(f"{path} is not a directory") from error

    def remove(self, path: str) -> None:
        with translated(path):
            os.remove(plain(path))

    def remove_folder(self, path: str) -> None:
        with translated(path):
            os.rmdir(plain(path))

    def remove_tree(self, path: str) -> None:
        with translated(path):
            if os.path.isdir(plain(path)):
                _REMOVE_TREE(plain(path))
            else:
                os.remove(plain(path))

    def rename(self, source: str, target: str) -> None:
        with translated(source):
            os.replace(plain(source), plain(target))

    def sync(self, file: BinaryIO) -> None:
        with translated(getattr(file, "name", "")):
            whole.sync(file)

    def sync_folder(self, folder: str) -> None:
        whole.sync_folder(plain(folder))

    def matching(self, pattern: str) -> list[str]:
        scheme = _SCHEME if pattern.startswith(_SCHEME) else ""
        path = plain(pattern)
        paths = glob.glob(_glob_pattern(path), include_hidden=True)
        scheme += _folder_here(path)
        return sorted(scheme + path for path in paths)


def _folder_here(pattern: str) -> str:
    """Prefix that TensorFlow gives the paths of a pattern: "./" if the first name in the pattern has wildcards."""
    before = re.split(r"[*?\[\\]", pattern, maxsplit=1)
    return "./" if len(before) == 2 and "/" not in before[0] else ""


def _glob_pattern(pattern: str) -> str:
    """A pattern of Python's, for TensorFlow's, in which a backslash takes a sign's meaning away."""
    return re.sub(r"\\(.)", lambda match: glob.escape(match[1]), pattern)


LOCAL = LocalFiles()
