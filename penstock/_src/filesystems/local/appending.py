"""A file that grows by whole pieces, where the disk may become full."""

import os

from penstock._src.filesystems.translation import translated


class AppendedFile:
    """Appends the data written since the last flush, or nothing of it: a reader never finds a record cut short by a full disk.

    What could not be appended is held for the next flush.

    Args:
      path: of the file, made if there is none.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._held = bytearray()
        with translated(path):
            self._file = open(path, "ab", buffering=0)

    def write(self, data: bytes) -> int:
        """Buffer bytes until they are flushed."""
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Appends the pending data; raises TensorFlow's error if that is impossible, and leaves the file unchanged."""
        if not self._held:
            return
        with translated(self.name):
            size = os.fstat(self._file.fileno()).st_size
            try:
                self._append()
            except OSError:
                self._file.truncate(size)
                raise
        self._held.clear()

    def _append(self) -> None:
        with memoryview(self._held) as left:
            done = 0
            while done < len(left):
                done += self._file.write(left[done:])

    def fileno(self) -> int:
        """The number of the open file."""
        return self._file.fileno()

    def close(self) -> None:
        """Flushes and closes the file."""
        try:
            self.flush()
        finally:
            self._file.close()
