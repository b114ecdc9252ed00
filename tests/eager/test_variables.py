"""What a variable is made of and what is scattered into it, and what TensorFlow refuses."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"shape": [3]}, "not compatible with the explicitly supplied"),
        ({"name": 1}, "must be a string"),
        ({"aggregation": "x"}, "Invalid variable aggregation mode"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tf.Variable([1.0, 2.0], **arguments)


def test_variables_synchronized_on_reading_are_not_trained():
    on_read = tf.VariableSynchronization.ON_READ
    assert not tf.Variable(1.0, synchronization=on_read).trainable
    assert tf.Variable(1.0, synchronization=on_read, trainable=True).trainable


@pytest.mark.parametrize("method", ["add", "sub", "min", "max", "update"])
def test_index_vectors_are_no_longer_than_the_rank(method):
    variable = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="inner dimension"):
        getattr(variable, f"scatter_nd_{method}")([[0, 0]], [1.0])
