"""Sums of long columns that are run eagerly are off by some units in the last place, however long they are."""

import math

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.calls.facts import LARGE
from penstock._src.ops.sums import add_up, sum_of_products

ROWS = 30_000  # of three columns, which NumPy sums: programs take what has LARGE elements
MOST = 6  # ulps; sums in blocks are off by 0.3 to 4, row after row by 12 to 80
X = np.random.default_rng(3).uniform(0.1, 1, (ROWS, 3))
X32 = X.astype(np.float32)


def exact(x):
    """The sums of columns."""
    return np.array([math.fsum(column) for column in x.reshape(-1, 3).T.astype(np.float64)])


def ulps(result, wanted):
    result = np.asarray(result)
    assert result.size < LARGE
    return np.max(np.abs(result - wanted) / np.spacing(np.abs(wanted).astype(result.dtype)))


@pytest.mark.parametrize("x", [X, X32], ids=["float64", "float32"])
def test_reductions_of_long_columns(x):
    y, wanted = tf.constant(x), exact(x)
    squares = exact(np.square(x.astype(np.longdouble)).astype(np.float64))
    mean = wanted / ROWS
    variance = exact(np.square(x - mean)) / ROWS
    assert ulps(tf.reduce_sum(y, 0), wanted) < MOST
    assert ulps(tf.reduce_mean(y, 0), mean) < MOST
    assert ulps(tf.nn.moments(y, [0])[1], variance) < MOST
    assert ulps(tf.math.reduce_std(y, 0), np.sqrt(variance)) < MOST
    assert ulps(tf.math.reduce_euclidean_norm(y, 0), np.sqrt(squares)) < MOST
    assert ulps(tf.einsum("ij->j", y), wanted) < MOST
    assert ulps(tf.raw_ops.BiasAddGrad(out_backprop=y), wanted) < MOST
    assert ulps(tf.reduce_sum(tf.reshape(y, [100, 300, 3]), [0, 1]), wanted) < MOST
    assert ulps(tf.sparse.reduce_sum(tf.sparse.from_dense(y), 0), wanted) < MOST


def test_gradients_that_sum_long_columns():
    images, wanted = X32.reshape(3, 100, 100, 3), exact(X32)
    ones = np.ones(3, np.float32)
    *_, by_offset, _, _ = batch_norm_gradient = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=images, x=images, scale=ones, reserve_space_1=0 * ones, reserve_space_2=ones, reserve_space_3=ones, epsilon=0.0
    )  # fmt: skip
    squares = exact(X32.astype(np.float64) ** 2)
    assert ulps(by_offset, wanted) < MOST
    assert ulps(batch_norm_gradient[1], squares) < MOST
    one = {"input": images, "strides": [1, 1, 1, 1], "padding": "VALID"}
    by_filter = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        filter_sizes=[1, 1, 3, 1], out_backprop=images, **one
    )
    assert ulps(by_filter[0, 0, :, 0], squares) < MOST
    by_filter = tf.raw_ops.Conv2DBackpropFilter(
        filter_sizes=[1, 1, 3, 2], out_backprop=images[..., :2], **one
    )
    assert ulps(np.diagonal(by_filter[0, 0]), squares[:2]) < MOST


def test_any_view_and_any_axes_are_summed_as_numpy_sums_them():
    draw = np.random.default_rng(5)
    for _ in range(300):
        shape = draw.integers(1, 9, draw.integers(1, 5))
        x = draw.integers(-9, 9, shape).astype(draw.choice(["float32", "complex128", "int16"]))
        x = np.tile(x, (int(draw.integers(1, 200)), *[1] * (x.ndim - 1)))
        x = x.transpose(draw.permutation(x.ndim))
        x = x[tuple(slice(None, None, int(n)) for n in draw.choice([1, 1, 2, -1], x.ndim))]
        axes = tuple(np.flatnonzero(draw.random(x.ndim) < 0.5).tolist())
        for keepdims in (False, True):
            wanted = np.add.reduce(x, axes, x.dtype, keepdims=keepdims)
            result = add_up(x, axes, keepdims)
            np.testing.assert_array_equal(result, wanted)
            assert result.dtype == x.dtype


@pytest.mark.parametrize("rows", [0, 700, 1024, 5000])
def test_products_of_matrices_of_many_rows(rows):
    a = np.arange(rows * 2, dtype=np.float64).reshape(rows, 2)
    np.testing.assert_array_equal(sum_of_products(a, a[:, :1]), a.T @ a[:, :1])


@pytest.mark.parametrize("shape, axes", [((), ()), ((1,), (0,)), ((3, 1), (1,)), ((3,), ())])
def test_a_sum_of_one_term_is_that_term(shape, axes):
    x = tf.fill(shape, -0.0)
    for keepdims in (False, True):
        for _ in range(2):
            assert np.all(np.signbit(tf.reduce_sum(x, axes, keepdims).numpy()))
    assert np.all(np.signbit(add_up(x.numpy(), axes)))
    assert add_up(np.zeros([0, 1]), (1,)).shape == (0,) and add_up(np.zeros([0]), (0,)) == 0.0
