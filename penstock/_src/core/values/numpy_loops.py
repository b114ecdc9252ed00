"""Kernels of one array as sequences of NumPy's inner loops, which native code runs one after the other (`native/process/eager_calls/loop_calls.py`)."""

from typing import NamedTuple

import numpy as np

# Names of operands: the input, the result, an intermediate array of the same shape, and a number for each row (of the last axis).
INPUT, RESULT, BETWEEN, ROWS = "input", "result", "between", "rows"


class Loop(NamedTuple):
    """A call of a ufunc.

    It runs over all elements; over the numbers of the rows, if no operand is an array; otherwise row by row, if `ROWS` is an operand.

    Args:
      ufunc: what is called.
      result: the operand that it writes; `ROWS` if it reduces.
      operands: those that it reads, or numbers of the input's dtype.
      reduces: True if it is the ufunc's reduction of each row of the only operand.
    """

    ufunc: np.ufunc
    result: str
    operands: tuple[str | float, ...]
    reduces: bool = False
