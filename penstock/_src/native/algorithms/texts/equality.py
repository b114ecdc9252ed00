"""Equality of two arrays of strings, by their bytes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I8, I32, I64, PTR
from ...language.value import Val
from ...readers.string_index import StringIndex, numbered
from .utf8 import string

# A call costs less than NumPy's comparison of objects from some 200 elements on (Zen 3, 29 November 2026).
_LEAST = 256


class _Functions(NamedTuple):
    """Builtins.

    equal (left, its step, right, its step, number, bytes) -> 0; a step of 0 repeats the first string
    """

    equal: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    arguments: Any = dict(left=PTR, left_step=I64, right=PTR, right_step=I64, number=I64, found=PTR)
    with m.fn("equal", ret=I64, internal=True, **arguments) as f:

        def one(i: Val) -> None:
            a, b = i * f.left_step, i * f.right_step

            def by_bytes() -> tuple[Val, ...]:
                (x, count), (y, size) = string(f, f.left, a), string(f, f.right, b)
                return f.when(
                    count.eq(size),
                    lambda: (f.cast("zext", f.call("memcmp", x, y, size, ret=I32).eq(0), I8),),
                    lambda: (f.const(0, I8),),
                )

            # Empty strings and those of one byte are one object each.
            is_same = f.load(f.left, a, I64).eq(f.load(f.right, b, I64))
            (result,) = f.when(is_same, lambda: (f.const(1, I8),), by_bytes)
            f.store(result, f.found, i)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))
    py.emit_entry(m, "equal", "ananna", holds_gil=True)


def equal(left: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """True where two arrays of strings have the same; None for small ones, and where both are repeated, which NumPy compares."""
    shape = left.shape if left.size >= right.size else right.shape
    steps = [1 if x.shape == shape else 0 for x in (left, right)]
    is_simple = all(
        x.shape == shape or (x.size == 1 and x.ndim <= len(shape)) for x in (left, right)
    )
    found = np.empty(shape, np.bool_)
    if not is_simple or found.size < _LEAST:
        return None
    a, b = np.ascontiguousarray(left), np.ascontiguousarray(right)
    _functions().equal(a, steps[0], b, steps[1], found.size, found)
    return found


def with_constant(strings: np.ndarray, ufunc: np.ufunc) -> Callable[[np.ndarray], np.ndarray]:
    """A function that compares arrays with a constant one, by the numbers of its distinct strings.

    Args:
      strings: the constant.
      ufunc: `np.equal` or `np.not_equal`. The function raises ValueError for shapes that do not fit.
    """
    flat = strings.reshape(-1)
    first, numbers = numbered(flat)
    index, numbers = StringIndex(flat[first]), numbers.reshape(strings.shape)

    def compared(x: np.ndarray) -> np.ndarray:
        return np.asarray(ufunc(index.find(x.reshape(-1)).reshape(x.shape), numbers))

    return compared
