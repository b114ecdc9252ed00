"""Differences between values of a replay and those of the compiled run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def difference(replayed: Any, compiled: Any) -> str:
    """The difference of two values, in words; an empty string if their bits are equal, or they are not arrays."""
    if not isinstance(replayed, np.ndarray) or not isinstance(compiled, np.ndarray):
        return ""
    if replayed.shape != compiled.shape or replayed.dtype != compiled.dtype:
        return f"{_form(replayed)} instead of {_form(compiled)}"
    if replayed.tobytes() == compiled.tobytes():
        return ""
    if replayed.dtype.kind in "OSU":
        return f"{int((replayed != compiled).sum())} of {replayed.size} elements"
    kind = np.complex128 if replayed.dtype.kind == "c" else np.float64
    wide, other = replayed.astype(kind), compiled.astype(kind)
    are_nan = np.isnan(wide), np.isnan(other)
    if (are_nan[0] != are_nan[1]).any():
        return f"{int((are_nan[0] != are_nan[1]).sum())} elements are NaN in one of them"
    with np.errstate(invalid="ignore"):
        apart = np.where(are_nan[0] | (wide == other), 0.0, np.abs(wide - other))
    if not apart.any():
        return ""  # the same numbers: zeros of other signs, other NaNs
    return f"by up to {apart.max():.3g}, where it is {np.abs(other)[_largest(apart)]:.3g}"


def _form(array: np.ndarray) -> str:
    return f"{array.dtype.name}{list(array.shape)}"


def _largest(apart: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))


def differences(
    names: list[str], replayed: list[Any], compiled: list[Any]
) -> Iterator[tuple[str, str]]:
    """Pairs (name, how it differs) of those values that differ."""
    for name, one, other in zip(names, replayed, compiled, strict=True):
        text = difference(one, other)
        if text:
            yield name, text
