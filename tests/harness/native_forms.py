"""Native forms of kernels beside those in Python."""

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import pytest


def vector_of(texts: Sequence[str | bytes]) -> np.ndarray:
    """A vector of bytes objects."""
    found = np.empty(len(texts), object)
    found[:] = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return found


def assert_same_in_python(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, compute: Callable[[], Sequence[np.ndarray]]
) -> None:
    """Checks that what `compute` gives is the same, types included, if `module` runs no native code."""
    native = compute()
    monkeypatch.setattr(module, "runs_native_code", lambda: False)
    for mine, other in zip(native, compute(), strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)
