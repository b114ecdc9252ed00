"""Files that are written: the errors of the system are TensorFlow's, also those of a write that follows the opening."""

import io
from typing import Any, BinaryIO, cast

from penstock._src.filesystems.translation import translated
from penstock._src.util.files.records import BUFFER


class _RawFile(io.FileIO):
    """An open file whose writes fail by TensorFlow's errors, which name it: a disk becomes full at any of them."""

    def __init__(self, path: str, mode: str, name: str) -> None:
        super().__init__(path, mode)
        self._told_name = name

    def write(self, data: Any) -> int:
        with translated(self._told_name):
            return super().write(data)

    def close(self) -> None:
        with translated(self._told_name):  # file systems of a network may write as late as this
            super().close()


def open_to_write(path: str, mode: str, name: str) -> BinaryIO:
    """Opens a file.

    Args:
      path: of the file.
      mode: as of `open`, of bytes, that allows to write.
      name: the file's in errors.
    """
    raw = _RawFile(path, mode, name)
    buffered = io.BufferedRandom if "+" in mode else io.BufferedWriter
    return cast(BinaryIO, buffered(raw, BUFFER))
