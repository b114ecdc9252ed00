"""NumPy functions that let numbers overflow the requested dtype, as NumPy 1 did."""

from __future__ import annotations

from typing import Any

import numpy as np


def np_array(values: Any, dtype: Any = None, copy: bool | None = True, order: Any = "K") -> Any:
    """`np.array`, where numbers that do not fit into `dtype` overflow."""
    if dtype is not None and np.issubdtype(dtype, np.number):
        return np.array(values, copy=copy, order=order).astype(dtype)
    return np.array(values, dtype=dtype, copy=copy, order=order)


def np_asarray(values: Any, dtype: Any = None, order: Any = None, copy: bool | None = None) -> Any:
    """`np.asarray`, where numbers that do not fit into `dtype` overflow."""
    if dtype is not None and np.issubdtype(dtype, np.number):
        return np.asarray(values, order=order, copy=copy).astype(dtype, copy=bool(copy))
    return np.asarray(values, dtype=dtype, order=order, copy=copy)


def np_where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """`np.where`, also of a scalar condition alone."""
    if x is None and y is None:
        return np.where(np.atleast_1d(condition))
    return np.where(condition, x, y)


def np_reshape(values: Any, /, shape: Any = None, *, newshape: Any = None, **options: Any) -> Any:
    """`np.reshape`, with either name of the shape."""
    return np.reshape(values, shape if shape is not None else newshape, **options)
