"""Counts of numbers: which weights are refused, and dtypes of counts."""

import numpy as np
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


@pytest.mark.parametrize("dtype", [tf.bool, tf.uint8, tf.bfloat16, tf.float64])
def test_what_is_not_zero_is_counted_in_the_dtype_asked_for(dtype):
    x = np.random.default_rng(1).integers(0, 2, (300, 200))
    marks = tf.cast(x, dtype)
    for axis in (None, 0, 1):
        counts = tf.math.count_nonzero(marks, axis)
        assert counts.dtype == tf.int64
        np.testing.assert_array_equal(counts, np.count_nonzero(x, axis))
    assert int(tf.math.count_nonzero(marks, dtype=tf.uint8)) == np.count_nonzero(x) % 256
    sizes = tf.function(tf.math.count_nonzero).get_concrete_function(tf.TensorSpec(None, dtype))
    assert int(sizes(marks)) == np.count_nonzero(x)


def test_few_counts_are_summed_as_int32():
    spec = tf.TensorSpec([3, 2], tf.bool)
    graph = tf.function(tf.math.count_nonzero).get_concrete_function(spec).graph
    (total,) = (op for op in graph.get_operations() if op.type == "Sum")
    assert total.inputs[0].dtype == tf.int32
