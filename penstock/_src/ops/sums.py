"""Sums on the host with a rounding error that does not grow with the number of rows."""

import math
from collections.abc import Callable, Sequence

import numpy as np

FEW = 512  # rows that NumPy may add up one after the other
ROWS = 128  # of a partial sum
LINE = 512  # elements of a row, if there are enough: NumPy goes through a row in one loop


def add_up(x: np.ndarray, axes: Sequence[int], keepdims: bool = False) -> np.ndarray:
    """Returns the sum of an array along axes, in the array's own type.

    NumPy adds up the innermost axis by pairs, but rows one after the other, so that the error of a long column's sum
    grows with the root of its length. Here partial sums of `ROWS` rows are added up instead, and those in turn.

    Args:
      x: an array of numbers of at least 32 bits.
      axes: the axes, counted from the front.
      keepdims: whether they remain, with 1 element each.
    """
    few = x.size <= 2 * FEW or (len(axes) == 1 and x.shape[axes[0]] <= FEW)
    if few or x.dtype.kind not in "fc" or _rows(x, axes) <= FEW:
        return _reduced(x, tuple(axes), keepdims)
    kept = [n for i, n in enumerate(x.shape) if i not in axes]
    lines, summed, order = _merged(x, axes)
    # The longest axis first: it leaves the least to add up.
    while sum(summed) > 1:
        axis = max((n, i) for i, n in enumerate(lines.shape) if summed[i])[1]
        lines = _along(lines, axis)
        del summed[axis]
    if any(summed):
        lines = _along(lines, summed.index(True))
    total = lines.reshape([kept[i] for i in order]).transpose(np.argsort(order))
    if keepdims:
        kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    return total.reshape(kept)


def sum_along(
    axes: Sequence[int], rank: int, keepdims: bool = False
) -> Callable[[np.ndarray], np.ndarray]:
    """Returns `add_up` for arrays of a rank along these axes, for many calls."""
    axes = tuple(axes)
    is_whole = len(axes) == rank

    def add(x: np.ndarray) -> np.ndarray:
        # The cases in which `add_up` does the same.
        if x.size <= 2 * FEW or (is_whole and x.flags.c_contiguous):
            return _reduced(x, axes, keepdims)
        return add_up(x, axes, keepdims)

    return add


def _reduced(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    total = np.add.reduce(x, axes, x.dtype, None, keepdims)
    if total.size == x.size and x.size:  # sums of one term each: 0 + -0.0 would not be that term
        return np.add.reduce(x, axes, x.dtype, None, keepdims, None)
    return total


def _rows(x: np.ndarray, axes: Sequence[int]) -> int:
    """Returns how many terms NumPy would add up one after the other, at most."""
    inner = x.ndim
    if x.flags.c_contiguous:  # the innermost reduced axes are contiguous and merge into one
        if len(axes) == inner:
            return 1
        while inner and (inner - 1 in axes or x.shape[inner - 1] == 1):
            inner -= 1
    return math.prod([x.shape[i] for i in axes if i < inner])


def _merged(x: np.ndarray, axes: Sequence[int]) -> tuple[np.ndarray, list[bool], list[int]]:
    """Returns a view with axes as they lie in memory, neighbors of one kind merged; which are summed; the order of the others."""
    order = sorted(range(x.ndim), key=lambda i: -abs(x.strides[i]))
    x = x.transpose(order)
    extents: list[int] = []
    summed: list[bool] = []
    for i, axis in enumerate(order):
        if summed and summed[-1] == (axis in axes):
            if x.strides[i - 1] == x.strides[i] * x.shape[i]:
                extents[-1] *= x.shape[i]
                continue
        extents.append(x.shape[i])
        summed.append(axis in axes)
    others = sorted(i for i in order if i not in axes)
    return x.reshape(extents), summed, [others.index(i) for i in order if i not in axes]


def _along(x: np.ndarray, axis: int) -> np.ndarray:
    """Return the sum along one axis of an array with its axes in the order of their strides."""
    count = x.shape[axis]
    if count <= FEW or axis == x.ndim - 1:
        return np.add.reduce(x, axis, dtype=x.dtype)
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    width = math.prod(after)
    lanes = min(LINE // width, count // ROWS) if x.flags.c_contiguous else 1
    if lanes > 1:  # as many narrow rows as fill a line are one
        head, rest = _cut(x, axis, count // lanes * lanes)
        line = _along(head.reshape(*before, count // lanes, lanes * width), axis)
        total = np.add.reduce(line.reshape(*before, lanes, *after), axis, dtype=x.dtype)
    else:
        head, rest = _cut(x, axis, count // ROWS * ROWS)
        blocks = head.reshape(*before, count // ROWS, ROWS, *after)
        total = _along(np.add.reduce(blocks, axis + 1, dtype=x.dtype), axis)
    return total + np.add.reduce(rest, axis, dtype=x.dtype) if rest.size else total


def _cut(x: np.ndarray, axis: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the entries along an axis before an index, and those after it."""
    before = (slice(None),) * axis
    return x[(*before, slice(end))], x[(*before, slice(end, None))]


def sum_of_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns a^T b of two matrices with as many rows, added up in blocks of rows, as `add_up` does."""
    blocks = len(a) // FEW
    if blocks < 2:
        return a.T @ b
    (a, a_rest), (b, b_rest) = (_cut(x, 0, blocks * FEW) for x in (a, b))
    parts = a.reshape(blocks, FEW, -1).swapaxes(1, 2) @ b.reshape(blocks, FEW, -1)
    return add_up(parts, (0,)) + a_rest.T @ b_rest
