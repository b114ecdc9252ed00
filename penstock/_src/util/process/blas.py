"""The threads of NumPy's BLAS.

OpenBLAS divides even small factorizations among threads that wait for one another by spinning. Where another process has one of
the cores, each wait lasts until the scheduler takes that core away from it: the eigenvalues of a 64x64 matrix take 100 ms then
instead of 1, and a container that may use 2 of 64 cores is always in that state. Up to `FEW` rows one thread is as fast anyway.
"""

from __future__ import annotations

import ctypes
import functools
import pathlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from penstock._src.util.process import forks

FEW = 512  # rows and columns of matrices for which one thread is enough
TINY = 16  # up to which OpenBLAS uses one anyway
_NAMES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Threads:
    """A number of threads that is 1 while any caller requests it."""

    def __init__(self, get: Callable[[], int], set_: Callable[[int], object]) -> None:
        self._get, self._set = get, set_
        self._lock = forks.freed_in_child(threading.Lock())
        self._inside = 0
        self._outside = 1  # the number to go back to
        forks.call_in_child(self._leave_in_child)

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._outside = self._get()
                self._set(1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._set(self._outside)

    def _leave_in_child(self) -> None:
        """A forked child has none of the threads that were inside."""
        if self._inside:
            self._inside = 0
            self._set(self._outside)


def one_thread(function: _Function, few: float = FEW) -> _Function:
    """Makes a function of arrays use one thread of OpenBLAS, unless a matrix among its first two arguments has more than `few` rows or columns."""

    @functools.wraps(function)
    def limited(*arguments: Any, **options: Any) -> Any:
        most = 0
        for array in arguments[:2]:
            if isinstance(array, np.ndarray):
                most = max((most, *array.shape[-2:]))
        threads = _threads() if TINY < most <= few else None
        if threads is None:
            return function(*arguments, **options)
        with threads:
            return function(*arguments, **options)

    return limited  # type: ignore[return-value]


@functools.cache
def _threads() -> _Threads | None:
    """The number of threads of the OpenBLAS that NumPy's wheels bring; None if NumPy uses another library."""
    for library in _libraries():
        for name in _NAMES:
            get = getattr(library, name.format("get_num_threads"), None)
            set_ = getattr(library, name.format("set_num_threads"), None)
            if get is not None and set_ is not None:
                return _Threads(get, set_)
    return None


def _libraries() -> list[ctypes.CDLL]:
    package = pathlib.Path(np.__file__).parent
    folders = package.parent / "numpy.libs", package / ".dylibs"
    return [
        ctypes.CDLL(str(path)) for folder in folders for path in sorted(folder.glob("*openblas*"))
    ]
