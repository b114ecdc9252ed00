"""`tf.make_tensor_proto`: fewer values than the shape has elements stand for the rest; and `tf.make_ndarray`."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.tensor import TensorProto, VariantTensorDataProto

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


NUMBER = VariantTensorDataProto(type_name="int", metadata=b"\1\0\0\0")


def variant_message(*values):
    message = TensorProto(dtype=tf.variant.as_datatype_enum, variant_val=values)
    message.tensor_shape.SetInParent()
    return message


def run(build):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(build())


def test_a_message_is_a_constant_in_graphs():
    message = tf.make_tensor_proto([1.0, 2.0])
    assert run(lambda: tf.constant(message)).tolist() == [1, 2]
    assert run(lambda: tf.constant(message, tf.int32, shape=[7])).tolist() == [1, 2]
    assert run(lambda: tf.add(message, 1.0)).tolist() == [2, 3]
    assert tf.make_tensor_proto(message) is message


def test_eagerly_a_message_is_no_tensor():
    with pytest.raises((TypeError, ValueError)):
        tf.constant(tf.make_tensor_proto([1.0, 2.0]))


def test_variants_of_messages_are_written_to_graphs_as_they_were():
    message = variant_message(NUMBER)
    with tf.Graph().as_default() as graph:
        constant = tf.constant(message)
        assert constant.dtype == tf.variant
        assert constant.op.get_attr("value") == message
        assert graph.as_graph_def().node[0].attr["value"].tensor == message


def test_zeros_like_a_variant_are_the_zero_of_its_type():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        zero = session.run(tf.zeros_like(tf.constant(variant_message(NUMBER))))
    assert zero.item() == VariantTensorDataProto(type_name="int", metadata=bytes(4))
    other = variant_message(VariantTensorDataProto(type_name="other"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="'other'"):
        run(lambda: tf.zeros_like(tf.constant(other)).op)


@pytest.mark.parametrize("shape", [[], [[], []]])
def test_empty_lists_are_variants_eagerly(shape):
    empty = tf.constant(shape, tf.variant)
    assert (empty.dtype, empty.shape) == (tf.variant, np.shape(shape))
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-scalar"):
        tf.zeros_like(empty)
    with pytest.raises(TypeError), tf.Graph().as_default():
        tf.constant(shape, tf.variant)
