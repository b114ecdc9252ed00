"""The types that NumPy's functions give: how wide floating numbers may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.numpy.promotion import RULES, allowed, result_type
from penstock._src.core import dtypes


def is_allow_float64() -> bool:
    """True if results may be 64-bit floating numbers."""
    return RULES.allow_float64


def set_allow_float64(b: bool) -> None:
    """Sets whether results may be 64-bit floating numbers."""
    RULES.allow_float64 = b


def is_prefer_float32() -> bool:
    """True if Python's floating numbers are 32 bits wide."""
    return RULES.prefer_float32


def set_prefer_float32(b: bool) -> None:
    """Sets whether Python's floating numbers are 32 bits wide."""
    RULES.prefer_float32 = b


def default_float_type() -> dtypes.DType:
    """float64, unless 32 bits are preferred or all that is allowed."""
    return dtypes.float64 if RULES.allow_float64 and not RULES.prefer_float32 else dtypes.float32


def canonicalize_dtype(dtype: Any) -> Any:
    """Returns the dtype, or the 32-bit one if 64 bits are not allowed."""
    if RULES.allow_float64:
        return dtype
    return dtypes.as_dtype(allowed(np.dtype(dtypes.as_dtype(dtype).as_numpy_dtype)))


_result_type = result_type
