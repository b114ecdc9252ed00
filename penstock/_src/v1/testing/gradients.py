"""tf.compat.v1.test: gradient checks of graphs, and folders of tests."""

import math
import os

import numpy as np

from penstock._src.api.array.creation import plain_constant as constant
from penstock._src.api.array.shaping import identity
from penstock._src.api.gradients import gradients
from penstock._src.api.math.elementwise import cast
from penstock._src.api.test.gradient_checks import DIFFERENTIABLE, add_gradient, check_empty
from penstock._src.api.test.helpers import folder_of_process
from penstock._src.core import dtypes
from penstock._src.util.export import export
from penstock._src.v1.graphs.session import get_default_session


@export(v1=["test.compute_gradient"])
def compute_gradient(
    x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None
):
    """The analytical and numerical Jacobians of `y` with respect to `x`, computed in the default session.

    Complex entries count as two real ones, next to one another.

    Args:
      x: a tensor of the graph, or a list of them.
      x_shape: the shape of `x`, or a list of shapes.
      y: a tensor.
      y_shape: the shape of `y`.
      x_init_value: the value of `x`; random by default.
      delta: the step of the finite differences.
      init_targets: operations to run first.
      extra_feed_dict: values of other tensors.

    Returns:
      A pair of matrices with one row for each element of `x` and one column for each of `y`; for a list of tensors, a
      list of pairs.
    """
    many = isinstance(x, list)
    tensors, shapes = (x, x_shape) if many else ([x], [x_shape])
    starts = (x_init_value if many else [x_init_value]) or [None] * len(tensors)
    gradients = [_gradient_and_seed(tensor, y, y_shape) for tensor in tensors] if many else None
    for target in init_targets or ():
        target.run()
    gradients = gradients or [_gradient_and_seed(x, y, y_shape)]
    fed, pairs = dict(extra_feed_dict or {}), []
    for tensor, shape, start, (gradient, seed) in zip(
        tensors, shapes, starts, gradients, strict=True
    ):
        for name, kind in (("x", tensor.dtype), ("y", y.dtype)):
            assert kind in DIFFERENTIABLE, f"Don't support type {kind.name} for {name}"
        value = _start(tensor, shape, start)
        pairs.append(
            (
                _by_gradients(tensor, value, y, y_shape, gradient, seed, fed),
                _by_differences(tensor, value, y, y_shape, delta, fed),
            )
        )
    return pairs if many else pairs[0]


def _gradient_and_seed(x, y, y_shape):
    """Return the gradient of y, and the seed constant: feeding it selects the element."""
    with x.graph.as_default():
        seed = constant(1.0, shape=y_shape, dtype=y.dtype)
        # a fed tensor cannot be fetched as well, and the gradient of an addition is its seed
        between = identity(seed)
        (gradient,) = gradients(y, x, between)
    return gradient, seed


def _start(x, shape, initial):
    if initial is not None:
        initial = np.asarray(initial)
        assert list(shape) == list(initial.shape), (
            f"x_shape = {shape}, init_data shape = {initial.shape}"
        )
        return initial
    value = np.random.random_sample(shape).astype(x.dtype.as_numpy_dtype)
    if x.dtype.is_complex:
        value.imag = np.random.random_sample(shape)
    return value


def _by_gradients(x, value, y, y_shape, gradient, seed, fed):
    """One column for each element of y: the gradient of that element."""
    session = get_default_session()
    shape = (*np.shape(value), *((2,) if x.dtype.is_complex else ()))
    columns = math.prod(_listed(y_shape)) * (2 if y.dtype.is_complex else 1)
    jacobian = np.zeros((math.prod(shape), columns), x.dtype.real_dtype.as_numpy_dtype)
    dy = np.zeros(y_shape, y.dtype.as_numpy_dtype)
    entries = dy.ravel().view(y.dtype.real_dtype.as_numpy_dtype)
    assert gradient is not None, "dx = None"
    feeds = {**fed, x.ref(): value, seed.ref(): dy}
    for column in range(columns):
        entries[column] = 1
        add_gradient(jacobian[:, column], session.run(gradient, feeds), shape)
        entries[column] = 0
    if columns == 0:
        check_empty(session.run(gradient, feeds), np.shape(value))
    return jacobian


def _listed(shape):
    return [shape] if isinstance(shape, int) else list(shape)


def _by_differences(x, value, y, y_shape, delta, fed):
    """One row for each element of x: how y changes with it."""
    session = get_default_session()
    x, y = (_wide(tensor) for tensor in (x, y))
    value = np.array(value, x.dtype.as_numpy_dtype, order="C")
    entries = value.reshape(-1).view(x.dtype.real_dtype.as_numpy_dtype)
    real = y.dtype.real_dtype.as_numpy_dtype
    scale = np.asarray(2 * delta, real)[()]
    columns = math.prod(_listed(y_shape)) * (2 if y.dtype.is_complex else 1)
    jacobian = np.zeros((entries.size, columns), entries.dtype)
    for row in range(entries.size):
        original, ends = entries[row], []
        for step in (delta, -delta):
            entries[row] = original
            entries[row] += step
            ends.append(np.array(session.run(y, {**fed, x.ref(): value.copy()})))
        entries[row] = original
        jacobian[row] = ((ends[0] - ends[1]) / scale).ravel().view(real)
    return jacobian


def _wide(tensor):
    """bfloat16 has too few digits for a small step: differences are computed in float32."""
    return cast(tensor, dtypes.float32) if tensor.dtype == dtypes.bfloat16 else tensor


@export(v1=["test.compute_gradient_error"])
def compute_gradient_error(
    x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None
):
    """The maximum difference between the two Jacobians of `compute_gradient`."""
    arguments = (x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = compute_gradient(*arguments)
    pairs = [pairs] if isinstance(pairs, tuple) else pairs
    return max((np.abs(a - b).max() for a, b in pairs if a.size), default=0.0)


@export(v1=["test.get_temp_dir"])
def get_temp_dir():
    """Returns a folder for the files of tests, the same one within a process."""
    return folder_of_process()


@export(v1=["test.test_src_dir_path"])
def test_src_dir_path(relative_path):
    """Returns the path of a file below the folder of the sources under test."""
    return os.path.join(
        os.environ.get("TEST_SRCDIR", ""), "org_tensorflow/tensorflow", relative_path
    )
