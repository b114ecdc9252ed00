"""The least and the largest value that integers of a graph may have."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.typesets import INTEGER
from penstock._src.graph.static_values import constant_value

# Ops whose result has values of their first input alone, but for what a cast wraps around.
_PASSING_ON = ("Cast", "Identity", "Reshape", "Transpose", "Squeeze", "ExpandDims", "Slice", "StridedSlice")  # fmt: skip
_DEEPEST = 32


class Interval(NamedTuple):
    """The least and the largest value that a tensor may have."""

    low: int
    high: int

    @property
    def largest(self) -> int:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))

    @property
    def fits_bytes(self) -> bool:
        """True if unsigned bytes less a zero point among them hold it."""
        return max(self.high, 0) - min(self.low, 0) <= 255


def interval(tensor: Any, depth: int = 0) -> Interval | None:
    """The interval that holds a tensor of integers in every run; None if its dtype is not integer."""
    if tensor.dtype not in INTEGER:
        return None
    ends = np.iinfo(tensor.dtype.np)
    whole = Interval(int(ends.min), int(ends.max))
    found = None if depth > _DEEPEST else _known(tensor, depth)
    # What is beyond the dtype wraps around, and may be anything.
    return whole if found is None or found.low < whole.low or found.high > whole.high else found


def _known(tensor: Any, depth: int) -> Interval | None:
    value = constant_value(tensor)
    if value is not None:
        return Interval(int(value.min()), int(value.max())) if value.size else Interval(0, 0)
    op = tensor.op
    if op.type in _PASSING_ON:
        return interval(op.inputs[0], depth + 1)
    if op.type in ("Sub", "AddV2"):
        x, y = (interval(each, depth + 1) for each in op.inputs)
        if x is None or y is None:
            return None
        sign = -1 if op.type == "Sub" else 1
        ends = (sign * y.low, sign * y.high)
        return Interval(x.low + min(ends), x.high + max(ends))
    return None
