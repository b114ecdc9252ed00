"""Ragged tensors: construction, slicing, and what public functions mean for them."""

import numpy as np

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
