"""Compares Jacobians from gradients with finite differences."""

import numpy as np

from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export("test.compute_gradient", v1=[])
def compute_gradient(f, x, delta=None):
    """The Jacobians of `f` at the list `x`, from gradients and from finite differences.

    Args:
      f: a function of `len(x)` tensors.
      x: a list of arguments.
      delta: the step of the differences.
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(
            f"`x` must be a list or tuple of values convertible to a Tensor. Received {x}."
        )
    arguments = [convert_to_tensor(v) for v in x]
    if delta is None:
        delta = 1.0 / 1024
    by_tape, by_difference = [], []
    for i, argument in enumerate(arguments):
        by_tape.append(_jacobian(f, arguments, i, argument))
        by_difference.append(_differences(f, arguments, i, argument, delta))
    return by_tape, by_difference


def _jacobian(f, arguments, index, argument):
    with GradientTape(persistent=True) as tape:
        tape.watch(argument)
        y = f(*[argument if i == index else a for i, a in enumerate(arguments)])
        flat = raw.Reshape(tensor=y, shape=[-1])
        rows = [flat[i] for i in range(flat.shape[0])]
    out = np.zeros([len(rows), argument.shape.num_elements()], argument.dtype.as_numpy_dtype)
    for i, row in enumerate(rows):
        gradient = tape.gradient(row, argument)
        if gradient is not None:
            out[i] = convert_to_tensor(gradient).numpy().reshape(-1)
    return out


def _differences(f, arguments, index, argument, delta):
    base = np.asarray(argument.numpy())
    columns = []
    for j in range(base.size):
        shifted = []
        for sign in (1, -1):
            moved = base.copy().reshape(-1)
            moved[j] += sign * delta
            inputs = list(arguments)
            inputs[index] = convert_to_tensor(moved.reshape(base.shape), dtype=argument.dtype)
            shifted.append(np.asarray(f(*inputs).numpy()).reshape(-1))
        columns.append((shifted[0] - shifted[1]) / (2 * delta))
    return np.stack(columns, 1) if columns else np.zeros((0, 0))
