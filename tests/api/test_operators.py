"""Operators, slicing and the Python protocol of tensors."""

import numpy as np
import pytest

import penstock as tf


def test_python_numbers_take_the_tensors_type():
    assert (tf.constant([1.0, 2.0]) + 1).dtype == tf.float32
    assert (3 - tf.constant(1, tf.int64)).numpy() == 2


def test_integers_divide_as_float64():
    quotient = tf.constant([1, 2]) / 2
    assert quotient.dtype == tf.float64
    np.testing.assert_array_equal(quotient.numpy(), [0.5, 1.0])


@pytest.mark.parametrize("numerator", [1, 1.0, [1.0, 2.0], np.float32(3)])
def test_numbers_are_divided_by_tensors_of_graphs(numerator):
    x = tf.constant(2.0)
    divided = tf.function(lambda x: numerator / x, autograph=False)
    np.testing.assert_array_equal(divided(x), numerator / x)


def test_sums_of_different_types_are_rejected():
    with pytest.raises(tf.errors.InvalidArgumentError, match="AddV2 as input #1"):
        tf.constant([1]) + 1.5


SLICES = [
    (slice(None), 1),
    (-1,),
    (Ellipsis, slice(0, 2)),
    (None, 0),
    (slice(None, None, -1),),
    (0, Ellipsis, None),
]


@pytest.mark.parametrize("key", SLICES, ids=str)
def test_slices_are_numpys(key):
    values = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(tf.constant(values)[key].numpy(), values[key])


def test_a_boolean_mask_selects_rows():
    x = tf.constant([1, 2, 3])
    np.testing.assert_array_equal(x[tf.constant([True, False, True])].numpy(), [1, 3])


def test_floats_are_no_indices():
    with pytest.raises(TypeError, match="Only integers, slices"):
        tf.constant([1, 2])[1.5]


def test_a_slice_of_a_variable_is_assigned():
    v = tf.Variable([1.0, 2.0, 3.0])
    v[1:].assign([8.0, 9.0])
    np.testing.assert_array_equal(v.numpy(), [1.0, 8.0, 9.0])


def test_shapes_that_do_not_broadcast_are_unequal_as_a_whole():
    assert not (tf.constant([1, 2, 3]) == tf.constant([1, 2]))
