"""Compares Jacobians from gradients with finite differences.

Complex entries count as two real ones, next to one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices, IndexedSlicesValue
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import COMPLEX, FLOAT
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.slots import above

# Exact as a binary fraction, so that it adds no rounding error.
_STEP = 1.0 / 1024
DIFFERENTIABLE = FLOAT | COMPLEX


@export("test.compute_gradient", v1=[])
def compute_gradient(f, x, delta=None):
    """The Jacobians of `f` at the list `x`, from gradients and from finite differences.

    In a graph they are computed in the default session.

    Args:
      f: a function of `len(x)` tensors.
      x: a list of arguments.
      delta: the step of the differences.

    Returns:
      Two tuples of matrices, one matrix for each argument, with a row for each element of `f(x)` and a column for each
      element of the argument.

    Raises:
      ValueError: `x` is not a list; or the result is empty and the gradient is not zero.
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(
            "`x` must be a list or tuple of values convertible to a Tensor (arguments to `f`), not a "
            f"{type(x)}"
        )
    delta = _STEP if delta is None else delta
    arguments = [convert_to_tensor(value) for value in x]
    specs = [(argument.dtype, argument.shape) for argument in arguments]
    y = _runnable(f, specs)(*arguments)
    kind = dtypes.as_dtype(y.dtype)
    pairs = []
    for place, (of_argument, _) in enumerate(specs):
        for name, checked in ((f"argument {place}", of_argument), ("y", kind)):
            assert checked in DIFFERENTIABLE, (
                f"Cannot compute gradient for unsupported type {checked.name} of {name}"
            )
        pairs.append(
            (
                _by_gradients(f, tuple(y.shape), kind, arguments, place),
                _by_differences(f, tuple(y.shape), kind, arguments, place, delta),
            )
        )
    return tuple(zip(*pairs, strict=True))


def max_error(grad1: Sequence[Any], grad2: Sequence[Any]) -> Any:
    """Returns the largest difference between the entries of two lists of arrays."""
    largest: Any = 0
    for a, b in zip(grad1, grad2, strict=False):
        if a.size or b.size:
            largest = np.maximum(largest, np.fabs(a - b).max())  # keeps the type, and a NaN
    return largest


def _runnable(f: Callable[..., Any], specs: Sequence[Any]) -> Callable[..., Any]:
    """Returns `f`; in a graph, a function that runs the graph of `f` on placeholders."""
    if STATE.graph is None:
        return lambda *values: f(*map(convert_to_tensor, values))
    places = [raw.Placeholder(dtype=dtype, shape=shape) for dtype, shape in specs]
    y, session = f(*places), above("get_default_session")()
    keys = [place.ref() for place in places]
    return lambda *values: session.run(y, dict(zip(keys, map(as_numpy, values), strict=True)))


def as_numpy(value: Any) -> Any:
    """Returns the array of a tensor or IndexedSlicesValue; other values unchanged."""
    if isinstance(value, EagerTensor):
        return value.numpy()
    if isinstance(value, Tensor):
        return above("get_default_session")().run(value)
    if not isinstance(value, IndexedSlicesValue):
        return value
    dense = np.zeros(value.dense_shape)
    assert len(value.values) == len(value.indices), (
        f"IndexedSlicesValue has {value.values} value slices but {value.indices} indices\n{value}"
    )
    for row, index in zip(value.values, value.indices, strict=True):
        assert 0 <= index < len(dense), f"IndexedSlicesValue has invalid index {index}\n{value}"
        dense[index] += row
    return dense


def _gradient(f: Callable[..., Any], place: int) -> Callable[..., Any]:
    def gradient(dy: Any, *arguments: Any) -> Any:
        with GradientTape() as tape:
            tape.watch(list(arguments))
            y = f(*arguments)
            if y is None:
                raise ValueError("Cannot differentiate a function that returns None.")
            flat = [raw.Identity(input=part) for part in nest.flatten(y)]
        return [tape.gradient(flat, arguments[place], nest.flatten(dy))]

    return gradient


def _by_gradients(f, y_shape, y_dtype, arguments, place):
    """One row for each element of y: the gradient of that element."""
    x = arguments[place]
    shape = tuple(x.shape) + ((2,) if x.dtype.is_complex else ())
    rows = math.prod(y_shape) * (2 if y_dtype.is_complex else 1)
    jacobian = np.zeros((rows, math.prod(shape)), x.dtype.real_dtype.as_numpy_dtype)
    specs = [(y_dtype, None), *((a.dtype, a.shape) for a in arguments)]
    run = _runnable(_gradient(f, place), specs)
    dy = np.zeros(y_shape, y_dtype.as_numpy_dtype)
    entries = dy.ravel().view(y_dtype.real_dtype.as_numpy_dtype)
    for row in range(rows):
        entries[row] = 1
        add_gradient(jacobian[row], as_numpy(run(dy.copy(), *arguments)[0]), shape)
        entries[row] = 0
    if rows == 0:
        check_empty(as_numpy(run(dy, *arguments)[0]), x.shape)
    return jacobian


def add_gradient(row: np.ndarray, gradient: Any, shape: Sequence[int]) -> None:
    """Adds a gradient, dense or not, to a row of a Jacobian."""
    if isinstance(gradient, IndexedSlices):
        gradient = IndexedSlicesValue(as_numpy(gradient.values), as_numpy(gradient.indices))
    if isinstance(gradient, IndexedSlicesValue):
        width = math.prod(shape[1:])
        for index, values in zip(gradient.indices, gradient.values, strict=True):
            flat = np.ascontiguousarray(values).ravel().view(row.dtype)
            row[index * width : (index + 1) * width] += flat
    elif gradient is not None:
        row += np.ascontiguousarray(gradient).ravel().view(row.dtype)


def check_empty(gradient: Any, shape: Any) -> None:
    """Refuses a gradient of an empty result that has another shape than the argument, or is not zero."""
    if tuple(gradient.shape) != tuple(shape):
        raise ValueError(f"Empty gradient has wrong shape: expected {shape}, got {gradient.shape}")
    if np.any(gradient):
        raise ValueError("Empty tensor with nonzero gradients")


def _by_differences(f, y_shape, y_dtype, arguments, place, delta):
    """One column for each element of the argument: how y changes with it."""
    run = _runnable(f, [(a.dtype, a.shape) for a in arguments])
    values = [np.array(as_numpy(a)) for a in arguments]
    entries = values[place].reshape(-1).view(arguments[place].dtype.real_dtype.as_numpy_dtype)
    real = y_dtype.real_dtype.as_numpy_dtype
    scale = np.asarray(2 * delta, real)[()]
    rows = math.prod(y_shape) * (2 if y_dtype.is_complex else 1)
    jacobian = np.zeros((rows, entries.size), entries.dtype)
    for column in range(entries.size):
        original, ends = entries[column], []
        for step in (delta, -delta):
            entries[column] = original
            entries[column] += step
            ends.append(np.array(as_numpy(run(*values))))
        entries[column] = original
        jacobian[:, column] = ((ends[0] - ends[1]) / scale).ravel().view(real)
    return jacobian
