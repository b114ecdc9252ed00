"""Ragged tensors: construction, slicing, and what public functions mean for them."""

import numpy as np
import pytest

import penstock as tf

ROWS = tf.ragged.constant([[1.0, 2.0], [], [3.0]])


def test_rows_and_columns():
    assert ROWS[0].numpy().tolist() == [1.0, 2.0]
    assert ROWS[:, :1].to_list() == [[1.0], [], [3.0]]


def test_elementwise_functions_keep_the_rows():
    assert (ROWS * 2 + 1).to_list() == [[3.0, 5.0], [], [7.0]]
    assert tf.square(ROWS).to_list() == [[1.0, 4.0], [], [9.0]]


def test_reductions_go_over_rows():
    np.testing.assert_array_equal(tf.reduce_sum(ROWS, axis=1).numpy(), [3.0, 0.0, 3.0])


def test_concat_along_rows():
    assert tf.concat([ROWS, ROWS], axis=1).to_list() == [[1.0, 2.0, 1.0, 2.0], [], [3.0, 3.0]]


def test_ragged_to_dense_and_back():
    dense = ROWS.to_tensor(-1.0)
    np.testing.assert_array_equal(dense.numpy(), [[1, 2], [-1, -1], [3, -1]])
    assert tf.RaggedTensor.from_tensor(dense, padding=-1.0).to_list() == ROWS.to_list()


def test_row_splits_keep_their_type():
    # as in TensorFlow 2.21
    narrow = tf.ragged.constant([[1.0, 2.0], [3.0]], row_splits_dtype=tf.int32)
    assert narrow.row_splits.dtype == tf.int32
    assert tf.ragged.stack([narrow, narrow]).row_splits.dtype == tf.int32
    assert tf.ragged.stack([tf.constant([1, 2]), tf.constant([3])]).row_splits.dtype == tf.int32
    parts = tf.ragged.stack_dynamic_partitions(tf.constant([1, 2, 3]), [1, 0, 1], 2)
    assert parts.row_splits.dtype == tf.int32 and parts.to_list() == [[2], [1, 3]]
    with pytest.raises(ValueError, match="mismatched row_splits dtypes"):
        tf.concat([narrow, tf.ragged.constant([[1.0], [2.0]])], axis=1)


def test_softmax_of_rows():
    logits = tf.ragged.constant([[1.0, 2.0], [3.0]])
    first, second = tf.nn.softmax(logits).to_list()
    np.testing.assert_allclose(first, [0.26894143, 0.7310586], rtol=1e-6)
    assert second == [1.0]


def test_shapes_of_ragged_tensors_have_types():
    # as in TensorFlow 2.21
    shape = tf.experimental.DynamicRaggedShape.from_lengths([2, (1, 2), 3])
    spec = tf.type_spec_from_value(shape)
    assert (spec.rank, spec.inner_rank, spec.num_row_partitions) == (3, 2, 1)
    assert spec == tf.experimental.DynamicRaggedShape.Spec.from_value(shape)
    again = tf.function(lambda s: s, autograph=False)(shape)
    assert again.static_lengths() == [2, (1, 2), 3]
    with pytest.raises(ValueError, match="must have inner_rank > 0"):
        type(spec)(spec._partitions, [], tf.int64)
    with pytest.raises(ValueError, match="not compatible"):
        tf.experimental.DynamicRaggedShape([], [2, 3], static_inner_shape=[2, 4])
