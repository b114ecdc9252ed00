"""Gradients of sums of sparse tensors."""

import numpy as np
import pytest

import penstock as tf


def gradients(by_sum, of_sum, of_a, of_b):
    found = tf.raw_ops.SparseAddGrad(
        backprop_val_grad=by_sum, a_indices=of_a, b_indices=of_b, sum_indices=of_sum
    )
    return [x.numpy().tolist() for x in found]


def test_elements_that_were_dropped_have_no_gradient():
    of_sum = [[0, 1], [2, 0]]
    a, b = gradients([3.0, 4.0], of_sum, [[0, 1], [1, 1]], [[2, 0]])
    assert (a, b) == ([3.0, 0.0], [4.0])


def test_indices_too_large_to_be_numbered_together():
    far = np.array([[1 << 62, 5], [(1 << 62) + 1, 1 << 61]])
    assert gradients([1.0, 2.0], far, far[1:], far[:1]) == [[2.0], [1.0]]


def test_other_numbers_of_gradients_and_of_columns_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="should match .* got 1 and 2"):
        gradients([1.0], [[0, 1], [2, 0]], [[0, 1]], [[2, 0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="same ndims.*got: 1, 2, 2"):
        gradients([1.0], [[0, 1]], [[0]], [[2, 0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Input indices should be matrices"):
        gradients([1.0], [0], [[0]], [[2]])


def test_repeated_elements_are_paired_in_turn():
    # recorded from TensorFlow 2.21
    twice = tf.SparseTensor([[0, 1], [0, 1], [1, 2]], [4.0, 5.0, -3.0], [2, 3])
    once = tf.SparseTensor([[0, 1], [1, 2]], [2.0, 1.0], [2, 3])
    with tf.GradientTape() as tape:
        tape.watch([twice.values, once.values])
        total = tf.sparse.add(twice, once)
        loss = tf.reduce_sum(total.values * [1.0, 2.0, 3.0])
    assert total.indices.numpy().tolist() == [[0, 1], [0, 1], [1, 2]]
    assert total.values.numpy().tolist() == [6.0, 5.0, -2.0]
    by_twice, by_once = tape.gradient(loss, [twice.values, once.values])
    assert (by_twice.numpy().tolist(), by_once.numpy().tolist()) == ([1, 2, 3], [1, 3])
    assert tf.sparse.add(twice, twice).values.numpy().tolist() == [8.0, 10.0, -6.0]
    assert tf.sparse.maximum(twice, twice).values.numpy().tolist() == [4.0, 5.0, -3.0]


def test_elements_outside_are_added_and_refused_by_extremes():
    # as in TensorFlow 2.21
    outside = tf.SparseTensor([[0, 5]], [4.0], [2, 3])
    inside = tf.SparseTensor([[1, 2]], [2.0], [2, 3])
    assert tf.sparse.add(outside, inside).values.numpy().tolist() == [4.0, 2.0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        tf.sparse.maximum(outside, inside)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "bfloat16", "int32"])
def test_an_element_of_one_tensor_keeps_the_sign_of_its_zero(dtype):
    values = -tf.zeros([1], dtype)
    a = tf.SparseTensor([[0]], values, [3])
    b = tf.SparseTensor([[1]], tf.zeros([1], dtype), [3])
    found = tf.sparse.add(a, b).values.numpy()
    assert found.tobytes() == np.concatenate([values.numpy(), b.values.numpy()]).tobytes()
