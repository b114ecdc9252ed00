"""Operands of integer products: ONNX's take 8 bits less a zero point, TensorFlow's graphs int32 whose values 8 bits hold.

Unsigned bytes on both sides: without VNNI, ONNX Runtime adds pairs of products of unsigned and signed bytes in 16 bits, which saturate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.typesets import INTEGER
from penstock._src.formats.onnx.writing.writer import Writer
from penstock._src.graph.static_values import constant_value

# Ops whose result has values of their first input alone.
_MOVING = ("Identity", "Reshape", "Transpose", "Squeeze", "ExpandDims", "Slice", "StridedSlice")
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


class Bytes(NamedTuple):
    """The name of a tensor of uint8, and that of its zero point."""

    values: str
    zero: str


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
    if op.type == "Cast":
        return interval(op.inputs[0], depth + 1)
    if op.type in _MOVING:
        return interval(op.inputs[0], depth + 1)
    if op.type in ("Sub", "AddV2"):
        x, y = (interval(each, depth + 1) for each in op.inputs)
        if x is None or y is None:
            return None
        sign = -1 if op.type == "Sub" else 1
        ends = (sign * y.low, sign * y.high)
        return Interval(x.low + min(ends), x.high + max(ends))
    return None


def fits_bytes(tensor: Any) -> bool:
    """True if bytes less a zero point hold a tensor of integers in every run."""
    found = interval(tensor)
    return found is not None and found.fits_bytes


def as_bytes(w: Writer, name: str, tensor: Any) -> Bytes:
    """A tensor of int32 as bytes less a zero point; constants are converted here.

    Args:
      w: the writer.
      name: of the tensor, or of a transposed one.
      tensor: whose values they are.

    Raises:
      UnimplementedError: it may have values that do not fit.
    """
    found = interval(tensor)
    if found is None or not found.fits_bytes:
        ends = "of any size" if found is None else f"from {found.low} to {found.high}"
        raise UnimplementedError(
            f"a product of {tensor.dtype.name} cannot be written: ONNX's are of 8 bits less a zero point, and values {ends} do not fit."
        )
    zero = -min(found.low, 0)
    zero_name = w.constant(np.uint8(zero))
    value = w.shared.constants.get(name)
    if value is not None:
        return Bytes(w.constant((value.astype(np.int32) + zero).astype(np.uint8)), zero_name)
    shifted = w.node("Add", name, w.constant(np.asarray(zero, tensor.dtype.np))) if zero else name
    return Bytes(w.cast(shifted, tensor.dtype, dtypes.uint8), zero_name)


def are_exact_as_floats(x: Any, weights: Any, terms: int) -> bool:
    """True if float32 holds every sum of that many products of two tensors of integers."""
    ends = [interval(each) for each in (x, weights)]
    if any(each is None for each in ends):
        return False
    return ends[0].largest * ends[1].largest * terms <= 1 << 24  # type: ignore[union-attr]
