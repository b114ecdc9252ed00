"""Clipping by numbers and by tensors."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32", "int64"])
def test_numbers_clip_as_tensors_do(dtype):
    x = tf.cast([-7, -1, 0, 3, 9], dtype)
    low, high = tf.cast(-2, dtype), tf.cast(4, dtype)
    clipped = tf.clip_by_value(x, -2, 4)
    assert clipped.dtype == x.dtype
    np.testing.assert_array_equal(clipped, tf.clip_by_value(x, low, high))


def test_numbers_that_are_not_finite_clip():
    x = tf.constant([-1.0, np.nan, 2.0])
    np.testing.assert_array_equal(tf.clip_by_value(x, 0.0, np.inf), [0.0, np.nan, 2.0])
    assert np.isnan(tf.clip_by_value(x, np.nan, 1.0)).all()


def test_bounds_that_do_not_fit_are_refused():
    with pytest.raises(TypeError):
        tf.clip_by_value(tf.constant([1, 2]), 0.5, 1.5)
    with pytest.raises(ValueError, match="Shapes"):
        tf.clip_by_value(tf.constant([1.0, 2.0]), 0.0, [[1.0], [2.0]])
