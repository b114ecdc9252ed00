"""Tables with an entry for each code point, filled where texts ask for them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.errors import InternalError

POINTS = 0x110000
_BLOCK = 256
# Results of functions over texts, in the first word of their state.
DONE, EMPTY, MALFORMED, LARGER = range(4)
# Words of the state of a function over texts: its result, the string at which it continues, the bytes that it has written, and an empty entry.
REPORT, STRING, WRITTEN, POINT = range(4)


class PointTable:
    """Entries for code points; zero marks an entry that is not computed yet.

    Args:
      entries: returns those of a range of code points, none of them zero.
      dtype: of the entries.
    """

    def __init__(self, entries: Callable[[range], Any], dtype: Any) -> None:
        self._entries = entries
        self.values = np.zeros(POINTS, dtype)

    def of(self, points: np.ndarray) -> np.ndarray:
        """The entries for code points, which must be such."""
        numbers = self.values[points]
        is_empty = numbers == 0
        if is_empty.any():
            for block in np.unique(points[is_empty] // _BLOCK).tolist():
                self.fill(block * _BLOCK)
            numbers = self.values[points]
        return numbers

    def fill(self, point: int) -> None:
        """Fills the entries around a code point."""
        first = point - point % _BLOCK
        entries = self._entries(range(first, first + _BLOCK))
        self.values[first : first + _BLOCK] = entries


def run(function: Callable[[np.ndarray], Any], table: PointTable) -> np.ndarray | None:
    """Runs a function over texts until it has read all of them.

    Args:
      function: takes its state.
      table: that it reads.

    Returns:
      Its state; None if a string is malformed.
    """
    state = np.zeros(4, np.int64)
    while True:
        function(state)
        report = state[REPORT]
        if report == DONE:
            return state
        if report == MALFORMED:
            return None
        if report != EMPTY:
            raise InternalError(f"A function over texts stopped with {report}.")
        table.fill(int(state[POINT]))
