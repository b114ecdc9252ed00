"""Arrays that another thread fills from files, in few system calls, while this one does something else."""

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.filesystems.base import Reader

# (name, reader of the file, offset of the first byte, array to fill)
Wanted = tuple[str, Reader, int, np.ndarray]


class ReadAhead:
    """Starts to fill arrays.

    Args:
      wanted: the arrays, by name, with the places that they are filled from.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        parts = sorted(wanted, key=lambda part: (id(part[1]), part[2]))
        self._arrays = {name: array for name, _, _, array in parts}
        self._error: Exception | None = None
        self._thread = threading.Thread(
            target=self._fill, args=(list(_runs(parts)),), name="penstock-read-ahead", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # the system gives no more threads: who takes an array reads it
            self._arrays.clear()

    def _fill(self, runs: list[tuple[Reader, int, list[Any]]]) -> None:
        try:
            for reader, offset, targets in runs:
                if not reader.read_all_into(targets, offset):
                    raise EOFError
        except (
            Exception
        ) as error:  # the thread that takes an array reads it itself, and meets the error
            self._error = error

    def take(self, name: str) -> np.ndarray | None:
        """Returns an array with its content; None if it is not wanted, was taken, or could not be read."""
        array = self._arrays.pop(name, None)
        if array is not None:
            self._thread.join()
        return None if self._error is not None else array


def _runs(parts: list[Wanted]) -> Iterable[tuple[Reader, int, list[Any]]]:
    """(reader, offset, memory to fill) of the arrays that stand one after the other in a file."""
    run: list[Any] = []
    before, start, end = None, 0, 0
    for _, reader, offset, array in parts:
        if run and (reader is not before or offset != end):
            yield before, start, run
            run = []
        if not run:
            before, start = reader, offset
        run.append(array.reshape(-1).view(np.uint8).data)
        end = offset + array.nbytes
    if run:
        yield before, start, run
