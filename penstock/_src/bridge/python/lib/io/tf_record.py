"""`tensorflow.python.lib.io.tf_record`: records read at any offset of a file."""

from __future__ import annotations

from typing import Any

from penstock._src.core import errors
from penstock._src.util.files import records


class RandomRecordReader:
    """Reads records of an uncompressed file by their offsets.

    Args:
      path: of the file.

    Raises:
      NotFoundError: there is no such file.
    """

    def __init__(self, path: Any) -> None:
        self._path = str(path)
        try:
            self._file: Any = open(path, "rb")
        except FileNotFoundError:
            raise errors.NotFoundError(None, None, f"{path}; No such file or directory") from None

    def read(self, offset: int) -> tuple[bytes, int]:
        """Returns the record that begins at an offset, and the offset of the next one.

        Raises:
          IndexError: no record begins there or later.
          DataLossError: there is not a valid record at this offset.
          FailedPreconditionError: the reader is closed.
        """
        if self._file is None:
            raise errors.FailedPreconditionError(None, None, "Random TFRecord Reader is closed.")
        self._file.seek(offset)
        try:
            record = next(records.read_records(self._file, self._path), None)
        except records.DamagedRecord:
            raise errors.DataLossError(None, None, f"corrupted record at {offset}") from None
        if record is None:
            raise IndexError(f"Out of range at reading offset {offset}")
        return record, offset + len(records.frame(record))

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def tf_record_random_reader(path: Any) -> RandomRecordReader:
    """Returns a reader of the records of a file at any offset."""
    return RandomRecordReader(path)
