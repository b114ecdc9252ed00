"""Helpers of recurrent networks whose inputs are steps by rows."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import rnn


def test_the_first_two_axes_are_exchanged_also_where_the_rank_is_unknown():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(rnn._transpose_batch_time(x), x.swapaxes(0, 1))
    assert rnn._transpose_batch_time([1.0, 2.0]).shape == [2]

    @tf.function(input_signature=[tf.TensorSpec(None)])
    def turned(value):
        return rnn._transpose_batch_time(value)

    np.testing.assert_array_equal(turned(x.astype(np.float32)), x.swapaxes(0, 1))


def test_the_number_of_rows_comes_from_the_first_input_that_knows_it():
    assert rnn._best_effort_input_batch_size([tf.zeros([3, 4, 2])]) == 4
    with pytest.raises(ValueError, match=r"should have rank >= 2.* of rank 1"):
        rnn._best_effort_input_batch_size([tf.zeros([3])])

    @tf.function(input_signature=[tf.TensorSpec([None, None, 2])])
    def rows(value):
        return rnn._best_effort_input_batch_size([value])

    assert int(rows(tf.zeros([3, 5, 2]))) == 5


def test_the_dtype_of_a_state_is_that_of_its_tensors():
    state = (tf.zeros(1), [tf.zeros(2)])
    assert rnn._infer_state_dtype(None, state) == tf.float32
    assert rnn._infer_state_dtype(tf.float64, state) == tf.float64
    with pytest.raises(ValueError, match="Unable to infer dtype from argument state="):
        rnn._infer_state_dtype(None, ())
    with pytest.raises(ValueError, match="different inferred dtypes"):
        rnn._infer_state_dtype(None, (tf.zeros(1), tf.zeros(1, tf.float64)))


def test_steps_are_reversed_up_to_each_rows_length():
    steps = [tf.constant([[1.0], [2.0]]), tf.constant([[3.0], [4.0]])]
    turned = rnn._reverse_seq(steps, [1, 2])
    assert [step.numpy().tolist() for step in turned] == [[[1.0], [4.0]], [[3.0], [2.0]]]
    assert rnn._reverse_seq(steps, None) == steps[::-1]


def test_a_tensor_that_holds_a_shape_becomes_one():
    assert rnn._maybe_tensor_shape_from_tensor(tf.constant([2, 3])) == tf.TensorShape([2, 3])
    assert rnn._maybe_tensor_shape_from_tensor(tf.TensorShape([2])) == tf.TensorShape([2])
