"""Maxima and minima along axes, against NumPy's own reductions."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.extremes import LEAST_ROWS, MOST_COLUMNS, extremes_along


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    "shape",
    [(LEAST_ROWS, 3), (LEAST_ROWS - 1, 3), (40, MOST_COLUMNS), (40, MOST_COLUMNS + 1), (3, 8, 1)],
)
def test_short_rows_are_reduced_as_long_ones(ufunc, keepdims, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    x[0, ..., 0] = np.nan
    x[1, ..., 0] = -np.inf
    for array in (
        x,
        x[::-1],
        np.asfortranarray(x),
        np.nan_to_num(x * 9, neginf=-9.0).astype(np.int16),
    ):
        for axes in ((array.ndim - 1,), (0,), tuple(range(array.ndim))):
            found = extremes_along(array, axes, ufunc, keepdims)
            np.testing.assert_array_equal(found, ufunc.reduce(array, axes, keepdims=keepdims))


def test_extremes_of_no_elements():
    least = tf.reduce_max(tf.zeros([20, 0]), axis=-1)
    assert least.shape == [20] and (least.numpy() == -np.inf).all()
    assert tf.reduce_min(tf.zeros([0, 3]), axis=-1).shape == [0]
    assert tf.nn.softmax(tf.zeros([20, 0])).shape == [20, 0]


def test_cross_entropies_of_many_rows_equal_those_of_each():
    logits = np.random.default_rng(2).standard_normal((50, 7)).astype(np.float32)
    labels = np.arange(50) % 7
    whole = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits).numpy()
    each = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels[i : i + 1], logits[i : i + 1]).numpy()
        for i in range(50)
    ]
    np.testing.assert_array_equal(whole, np.concatenate(each))
    hot = tf.nn.softmax_cross_entropy_with_logits(np.eye(7, dtype=np.float32)[labels], logits)
    np.testing.assert_allclose(whole, hot.numpy(), rtol=1e-6)
