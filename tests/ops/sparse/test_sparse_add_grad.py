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
