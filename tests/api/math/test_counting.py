"""Counts of numbers: which weights are refused."""

import pytest

import penstock as tf


def test_weights_have_the_form_of_what_they_weigh():
    ragged = tf.ragged.constant([[1, 2], [0]])
    with pytest.raises(ValueError, match="`weights` must be a RaggedTensor if"):
        tf.math.bincount(ragged, weights=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="are incompatible"):
        tf.math.confusion_matrix([0], [0], weights=[[1]])
    ids = tf.sparse.from_dense([[1, 2]])
    with pytest.raises(ValueError, match="are incompatible"):
        tf.nn.embedding_lookup_sparse(tf.ones([3, 1]), ids, tf.sparse.from_dense([[1.0]]))


def test_parts_of_a_range_are_numbered_in_int32():
    parts = tf.histogram_fixed_width_bins([1.0, 4.0], [0.0, 5.0], nbins=5, dtype=tf.int64)
    assert parts.dtype == tf.int32 and parts.numpy().tolist() == [1, 4]


def test_rows_of_edit_distances_have_an_axis():
    line = tf.SparseTensor([[0]], ["a"], [1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have rank at least 2"):
        tf.edit_distance(line, line)
