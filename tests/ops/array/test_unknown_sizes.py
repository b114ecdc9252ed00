"""Diagonals, rolls and searches in programs that serve every size: compiled, the values are the eager ones."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(5, 7)).astype("float32")


def same(function, *args):
    """Checks a function whose dimensions are unknown while it is traced, and that nothing stays on the host."""
    args = [tf.constant(a) for a in args]
    specs = [tf.TensorSpec([None] * a.shape.rank, a.dtype) for a in args]
    compiled = tf.function(function, autograph=False, input_signature=specs)
    for a, b in zip(
        tf.nest.flatten(compiled(*args)), tf.nest.flatten(function(*args)), strict=True
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-6)
    assert not compiled.get_concrete_function().graph_function.executable.host_ops


@pytest.mark.parametrize("shift", [0, 2, -3, 9, -12])
def test_roll(shift):
    same(lambda x: tf.roll(x, [shift, shift], [0, 1]), X)


@pytest.mark.parametrize("k", [0, 1, -2, 4, (-1, 1), (0, 2), (-3, -1), (-4, 6)])
@pytest.mark.parametrize("align", ["RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT"])
def test_diagonals(k, align):
    same(lambda x: tf.linalg.diag_part(x, k=k, align=align, padding_value=9.0), X)
    part = tf.linalg.diag_part(X, k=k, align=align) + 10
    same(lambda x, d: tf.linalg.set_diag(x, d, k=k, align=align), X, part)


def test_matrices_of_diagonals():
    same(lambda x: (tf.linalg.diag(x), tf.linalg.diag(x, k=1)), X)
    same(tf.linalg.tensor_diag, X[0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_search(side):
    rows = np.sort(RANDOM.integers(0, 50, (3, 400)), 1).astype("float32")
    wanted = RANDOM.integers(-2, 55, (3, 20)).astype("float32")
    wanted[0, :2] = np.nan, np.inf
    for each in (rows, rows[:, ::-1], rows[:, :1], RANDOM.normal(size=(3, 37)).astype("float32")):
        same(lambda s, v: tf.searchsorted(s, v, side=side), each, wanted)


def test_products_of_unknown_sizes_have_gradients():
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_prod(x, axis=[0])
        return tape.gradient(y, x)

    same(gradient, X)


def test_differences_of_lists():
    same(lambda x, y: raw.ListDiff(x=x, y=y), np.arange(9), np.array([1, 5, 5]))


@pytest.mark.parametrize("op", ["InplaceUpdate", "InplaceAdd", "InplaceSub"])
def test_rows_in_place(op):
    same(lambda x: getattr(raw, op)(x=x, i=[1, -1, 3], v=x[:3] * 2), X)
    same(lambda x: getattr(raw, op)(x=x, i=1, v=x[0]), X)


@pytest.mark.parametrize("repeats, axis", [(2, 0), (2, 1), (2, None), ([1, 2, 0, 3, 1], 0)])
def test_repeat(repeats, axis):
    same(lambda x: tf.repeat(x, repeats, axis=axis), X)


def test_flat_indices():
    same(lambda i: tf.unravel_index(i, [3, 4, 5]), np.array([0, 7, 59]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="index is out of bound as with dims"):
        tf.function(lambda i: tf.unravel_index(i, [3, 4]))(tf.constant([1, 99]))


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: tf.pad(x, [[0, tf.maximum(0, 5 - tf.shape(x)[0])], [1, 2]]), [None, 6]),
        (lambda x: tf.eye(tf.shape(x)[0]), [None, None]),
        (lambda x: tf.eye(tf.shape(x)[0], 3, batch_shape=[2]), [2, None, 3]),
    ],
)
def test_extents_that_are_known_beside_unknown_ones(function, shape):
    traced = tf.function(function, [tf.TensorSpec([None, 3])])
    assert traced.get_concrete_function().output_shapes.as_list() == shape
    x = tf.ones([4, 3])
    np.testing.assert_array_equal(traced(x), function(x))
