"""Arrays in words."""

from __future__ import annotations

from typing import Any

import numpy as np

# From this share on zeros are mentioned.
_MANY = 0.5


def numbers_of(value: Any) -> np.ndarray | None:
    """The elements as numbers that NumPy computes with; None if they are none."""
    if not isinstance(value, np.ndarray) or value.dtype.names or not value.size:
        return None
    if value.dtype.kind in "fiu":
        return value
    if value.dtype.kind == "c":
        return np.abs(value)
    return value.astype(np.float32) if value.dtype.kind == "V" else None


def largest_of(value: Any) -> float | None:
    """The largest magnitude among floats; None if there is none, or one is not finite."""
    numbers = numbers_of(value)
    if numbers is None or numbers.dtype.kind != "f":
        return None
    largest = float(np.max(np.abs(numbers)))
    return largest if np.isfinite(largest) else None


def in_words(value: Any) -> str:
    """Type, shape and range of a value, such as "float32[2,3] -1 .. 4, 60 % zeros"."""
    if not isinstance(value, np.ndarray):
        return "no array"
    kind = f"{value.dtype.name}{list(value.shape)}".replace(" ", "")
    numbers = numbers_of(value)
    if numbers is None:
        return kind
    finite = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    if not finite.size:
        text = ""
    elif finite.size == 1 or finite.min() == finite.max():
        text = f" {float(finite.flat[0]):.4g}"
    else:
        text = f" {float(finite.min()):.4g} .. {float(finite.max()):.4g}"
    if zeros := _share(numbers == 0) if numbers.size > 1 else 0:
        text += f", {100 * zeros:.0f} % zeros" if zeros >= _MANY else ""
    if numbers.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            for name, bad in (("NaN", np.isnan(numbers)), ("infinite", np.isinf(numbers))):
                text += f", {int(bad.sum())} of {bad.size} {name}" if bad.any() else ""
    return kind + text


def _share(mask: np.ndarray) -> float:
    return float(np.count_nonzero(mask)) / max(1, mask.size)
