"""`tf.make_tensor_proto`: fewer values than the shape has elements stand for the rest; and `tf.make_ndarray`."""

import numpy as np
import pytest

import penstock as tf

FEWER = {
    "a number": (3.0, [2, 2], "float_val", [3.0]),
    "a list": ([1, 2], [5], "int_val", [1, 2]),
    "an array": (np.array([1, 2]), [5], "int64_val", [1, 2]),
    "a string": ("a", [3], "string_val", [b"a"]),
    "no elements": (3.0, [0], "float_val", []),
    "no values": ([], [2], "float_val", []),
}


@pytest.mark.parametrize("values, shape, field, stored", FEWER.values(), ids=list(FEWER))
def test_fewer_values_are_written_as_they_are(values, shape, field, stored):
    message = tf.make_tensor_proto(values, shape=shape)
    assert list(getattr(message, field)) == stored
    assert tf.make_ndarray(message).shape == tuple(shape)


def test_the_last_value_is_repeated_by_readers():
    message = tf.make_tensor_proto([1, 2], shape=[4])
    assert tf.make_ndarray(message).tolist() == [1, 2, 2, 2]


def test_with_broadcasting_only_one_value_stands_for_others():
    assert list(tf.make_tensor_proto(3.0, shape=[4], allow_broadcast=True).float_val) == [3.0]
    with pytest.raises(TypeError, match=r"shape: \(4,\), but got \(2,\)"):
        tf.make_tensor_proto([1, 2], shape=[4], allow_broadcast=True)


def test_arrays_of_messages_can_be_written_to():
    for values in ([1, 2, 3], 1, ["a"]):
        assert tf.make_ndarray(tf.make_tensor_proto(values)).flags.writeable
