"""Maxima and minima along axes, in NumPy."""

from typing import Any

import numpy as np

# NumPy reduces rows one after the other, which takes longer than their elements if they are short and many: columns are reduced side by side.
LEAST_ROWS, MOST_COLUMNS = 16, 64


def extremes_along(
    x: np.ndarray, axes: tuple[int, ...], ufunc: np.ufunc, keepdims: bool = False
) -> Any:
    """Returns the maxima or minima along axes, which are the same in any order.

    Args:
      x: the array, which has elements.
      axes: counted from the front.
      ufunc: `np.maximum` or `np.minimum`.
      keepdims: whether the axes stay, with extent 1.
    """
    width = x.shape[-1] if x.ndim else 0
    if axes != (x.ndim - 1,) or width > MOST_COLUMNS or x.size < LEAST_ROWS * width:
        return ufunc.reduce(x, axes, keepdims=keepdims)
    extremes = ufunc.reduce(x.reshape(-1, width).T.copy(), 0)
    return extremes.reshape(*x.shape[:-1], 1) if keepdims else extremes.reshape(x.shape[:-1])
