"""Applying Python functions to arrays of byte strings."""

from collections.abc import Callable
from typing import Any

import numpy as np


def strings(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """An object array of the given shape from an iterable of bytes."""
    out = np.empty(shape, object)
    out.reshape(-1)[:] = list(values)
    return out


def each(function: Callable[[bytes], bytes], x: np.ndarray) -> np.ndarray:
    """`function` of every element."""
    return strings(map(function, x.reshape(-1)), x.shape)


def text(s: bytes) -> str:
    """Decodes UTF-8; invalid bytes survive a round trip through `data`."""
    return s.decode("utf-8", "surrogateescape")


def data(s: str) -> bytes:
    """The inverse of `text`."""
    return s.encode("utf-8", "surrogateescape")
