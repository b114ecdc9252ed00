"""Reads rows one after another into a table, in native code."""

from collections.abc import Callable

from ..language.function import Fn
from ..language.value import Val

FULL = 0  # why reading stopped: the table is full, or the data ended


def fill(f: Fn, step: Callable[[Val, Val, Val], tuple[Val, ...]]) -> Val:
    """Reads rows until the table is full, the data ends or a row cannot be read.

    Args:
      f: a function with `begin` and `end` in the data, `most` rows of the table, and `ends`, where it writes the place after the last row and
        why it stopped.
      step: reads a row: (row, position, reason) to the next.

    Returns:
      The number of rows.
    """

    def goes_on(row: Val, at: Val, stopped: Val) -> Val:
        return (row < f.most) & (at < f.end) & stopped.eq(FULL)

    row, at, stopped = f.loop_while(goes_on, step, f.i64(0), f.begin, f.i64(FULL))
    f.store(at, f.ends)
    f.store(stopped, f.ends, 1)
    return row
