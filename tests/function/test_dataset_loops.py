"""Loops over datasets in converted functions."""

import numpy as np
import pytest

import penstock as tf


def test_shapes_loosen_from_step_to_step():
    """As in TensorFlow; loops over tensors and iterators want shape invariants."""

    @tf.function
    def collected(dataset, most):
        rows, counts = tf.zeros([0, 2]), tf.zeros([1], tf.int32)
        for row in dataset:
            rows = tf.concat([rows, row], 0)
            counts = tf.concat([counts, [len(row)]], 0)
            if tf.shape(rows)[0] > most:
                break
        assert rows.shape.as_list() == [None, 2] and counts.shape.as_list() == [None]
        return rows, counts

    rows = np.arange(14, dtype=np.float32).reshape(7, 2)
    dataset = tf.data.Dataset.from_tensor_slices(rows).batch(2)
    found, counts = collected(dataset, 100)
    np.testing.assert_array_equal(found, rows)
    np.testing.assert_array_equal(counts, [0, 2, 2, 2, 1])
    np.testing.assert_array_equal(collected(dataset, 3)[0], rows[:4])


def test_iterators_want_invariants():
    @tf.function
    def collected(dataset):
        found = tf.zeros([0], tf.int64)
        for number in iter(dataset):
            found = tf.concat([found, [number]], 0)
        return found

    with pytest.raises(ValueError, match="'found' has shape .* set shape invariants"):
        collected(tf.data.Dataset.range(3))
