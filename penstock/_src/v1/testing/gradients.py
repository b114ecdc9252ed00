"""tf.compat.v1.test: gradient checks of graphs, and folders of tests."""

import os
import sys
import tempfile

import numpy as np

from penstock._src.api.array.creation import ones
from penstock._src.api.gradients import gradients
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.util.export import export
from penstock._src.v1.graphs.session import get_default_session


def _session():
    found = get_default_session()
    if found is None:
        raise ValueError("compute_gradient: a session must be the default one.")
    return found


@export(v1=["test.compute_gradient"])
def compute_gradient(
    x,
    x_shape,
    y,
    y_shape,
    x_init_value=None,
    delta=1e-3,
    init_targets=None,
    extra_feed_dict=None,
):
    """The analytical and numerical Jacobians of `y` with respect to `x`, computed in the default session.

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
      A pair of matrices with one row for each element of `x`; for a list of tensors, a list of pairs.
    """
    session, feeds = _session(), dict(extra_feed_dict or {})
    if init_targets is not None:
        for target in init_targets if isinstance(init_targets, (list, tuple)) else [init_targets]:
            session.run(target)
    many = isinstance(x, list)
    tensors, shapes = (x, x_shape) if many else ([x], [x_shape])
    given = x_init_value if many else [x_init_value]
    starts = []
    for tensor, shape, start in zip(tensors, shapes, given or [None] * len(tensors), strict=True):
        kind = tensor.dtype.as_numpy_dtype
        starts.append(np.asarray(np.random.rand(*shape) if start is None else start, kind))
    feeds.update(zip(tensors, starts, strict=True))
    pairs = [
        _both(session, t, start, y, y_shape, delta, feeds) for t, start in zip(tensors, starts)
    ]
    return pairs if many else pairs[0]


def _both(session, x, start, y, y_shape, delta, feeds):
    size = int(np.prod(y_shape))
    kind = y.dtype.as_numpy_dtype
    exact = np.zeros((start.size, size), kind)
    with session.graph.as_default():
        seed = ones(list(y_shape), y.dtype)
        (gradient,) = gradients([y], [x], grad_ys=[seed])
    if gradient is not None:
        gradient = convert_to_tensor(gradient) if STATE.graph else gradient
        for column in range(size):
            one = np.zeros(size, kind)
            one[column] = 1
            value = session.run(gradient, {**feeds, seed: one.reshape(y_shape)})
            exact[:, column] = np.asarray(value).reshape(-1)
    near = np.zeros((start.size, size), kind)
    for row in range(start.size):
        ends = []
        for sign in (1, -1):
            moved = start.copy().reshape(-1)
            moved[row] += sign * delta
            ends.append(session.run(y, {**feeds, x: moved.reshape(start.shape)}).reshape(-1))
        near[row] = (ends[0] - ends[1]) / (2 * delta)
    return exact, near


@export(v1=["test.compute_gradient_error"])
def compute_gradient_error(
    x,
    x_shape,
    y,
    y_shape,
    x_init_value=None,
    delta=1e-3,
    init_targets=None,
    extra_feed_dict=None,
):
    """The maximum difference between the two Jacobians of `compute_gradient`."""
    given = (x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = compute_gradient(*given)
    pairs = [pairs] if isinstance(pairs, tuple) else pairs
    return max((np.abs(a - b).max() for a, b in pairs if a.size), default=0.0)


_FOLDER: list[str] = []


@export(v1=["test.get_temp_dir"])
def get_temp_dir():
    """Returns a folder for the files of tests, the same one within a process."""
    if not _FOLDER:
        root = os.environ.get("TEST_TMPDIR")
        _FOLDER.append(
            tempfile.mkdtemp(dir=root, prefix=os.path.splitext(os.path.basename(sys.argv[0]))[0])
        )
    return _FOLDER[0]


@export(v1=["test.test_src_dir_path"])
def test_src_dir_path(relative_path):
    """Returns the path of a file below the folder of the sources under test."""
    return os.path.join(
        os.environ.get("TEST_SRCDIR", ""), "org_tensorflow/tensorflow", relative_path
    )
