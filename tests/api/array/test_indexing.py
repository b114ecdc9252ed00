"""Masks."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "mask, axis, wanted",
    [([True, False], 0, [[1, 2, 3]]), ([True, False, True], 1, [[1, 3], [4, 6]])],
)
def test_the_axis_of_a_mask_may_be_a_tensor(mask, axis, wanted):
    rows = tf.constant([[1, 2, 3], [4, 5, 6]])
    assert tf.boolean_mask(rows, mask, axis=tf.constant(axis)).numpy().tolist() == wanted
    traced = tf.function(lambda at: tf.boolean_mask(rows, mask, axis=at))
    assert traced(tf.constant(axis)).numpy().tolist() == wanted


@pytest.mark.parametrize("shape", [(0,), (7,), (3, 0), (3, 5), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.bool_, np.float32, np.int8])
def test_where_gives_the_indices_of_true_elements(shape, dtype):
    condition = np.random.default_rng(3).integers(0, 2, shape).astype(dtype)
    places = tf.where(condition)
    assert places.dtype is tf.int64
    assert places.numpy().tolist() == np.argwhere(condition).tolist()
    assert tf.where(tf.zeros(shape, tf.bool)).shape == [0, len(shape)]
