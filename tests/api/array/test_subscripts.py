"""Indices of tensors: NumPy's meaning, masks, and refusals."""

import inspect

import numpy as np
import pytest

import penstock as tf

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


@pytest.mark.parametrize(
    "index",
    [
        tf.constant([[0]]),
        np.zeros([0, 2], np.int32),
        (tf.constant([[0, 1]]), 0),
        slice(None, tf.constant([[1]])),
    ],
    ids=repr,
)
def test_the_op_refuses_indices_of_more_than_one_axis(index):
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        tf.ones([2, 3])[index]
    with pytest.raises(ValueError, match="rank"):
        tf.function(lambda x: x[index])(tf.ones([2, 3]))


def test_vectors_are_no_indices():
    with pytest.raises(TypeError, match="Only integers, slices"):
        tf.ones([2, 3])[tf.constant([0])]


def test_a_slice_of_a_variable_is_assigned():
    v = tf.Variable([1.0, 2.0, 3.0])
    v[1:].assign([8.0, 9.0])
    np.testing.assert_array_equal(v.numpy(), [1.0, 8.0, 9.0])


def test_subscripts_have_tensorflows_signature():
    parameters = inspect.signature(tf.Tensor.__getitem__).parameters
    assert list(parameters) == ["tensor", "slice_spec", "var"] and parameters["var"].default is None
