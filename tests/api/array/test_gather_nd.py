"""tf.gather_nd: what becomes of indices outside of variables and ragged tensors."""

import pytest

import penstock as tf

OUTSIDE = [[0, 1], [3, 0]]


def test_the_policy_holds_for_variables():
    variable = tf.Variable([[1, 2], [3, 4]])
    found = tf.gather_nd(variable, OUTSIDE, bad_indices_policy="IGNORE")
    assert found.numpy().tolist() == [2, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = \[3, 0\]"):
        tf.gather_nd(variable, OUTSIDE)


def test_ragged_tensors_take_no_policy():
    with pytest.raises(ValueError, match="bad_indices_policy not supported"):
        tf.gather_nd(tf.ragged.constant([[1, 2], [3]]), OUTSIDE, bad_indices_policy="IGNORE")


def test_batches_of_indices_of_unknown_rank():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.int32)])
    def gathered(indices):
        return tf.gather_nd([[1, 2, 3], [4, 5, 6]], indices, batch_dims=1)

    assert gathered([[2], [0]]).numpy().tolist() == [3, 4]
    assert gathered([[[2], [1]], [[0], [0]]]).numpy().tolist() == [[3, 2], [4, 4]]
