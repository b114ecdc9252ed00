"""Masks."""

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
