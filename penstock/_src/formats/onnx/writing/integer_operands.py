"""Operands of integer products: ONNX's take 8 bits less a zero point, TensorFlow's graphs int32 whose values 8 bits hold.

Unsigned bytes on both sides: without VNNI, ONNX Runtime adds pairs of products of unsigned and signed bytes in 16 bits, which saturate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.writing.writer import Writer
from penstock._src.graph.passes.intervals import interval


class Bytes(NamedTuple):
    """The name of a tensor of uint8, and that of its zero point."""

    values: str
    zero: str


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
