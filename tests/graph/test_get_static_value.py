"""tf.get_static_value tells in graphs what TensorFlow's tells, and no more."""

import penstock as tf


def test_what_is_looked_through():
    seen = {}

    @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([3, 4])])
    def trace(x, y):
        seen["shape"] = tf.get_static_value(tf.shape(y))
        seen["size"] = tf.get_static_value(tf.size(y))
        seen["open"] = tf.get_static_value(tf.shape(x))
        seen["element"] = tf.get_static_value(tf.shape(x)[1])
        seen["sum"] = tf.get_static_value(tf.constant([1, 2]) + 1)
        seen["ones"] = tf.get_static_value(tf.ones_like(y))
        seen["packed"] = tf.get_static_value(tf.stack([tf.shape(x)[0], 4]), partial=True)
        return x

    trace.get_concrete_function()
    assert seen["shape"].tolist() == [3, 4] and seen["size"] == 12
    assert seen["open"] is seen["element"] is seen["sum"] is None
    assert seen["ones"].shape == (3, 4)
    assert list(seen["packed"]) == [None, 4]


def test_shapes_are_packed_of_scalars_of_unknown_rank():
    with tf.Graph().as_default():
        x, n = tf.compat.v1.placeholder(tf.float32), tf.compat.v1.placeholder(tf.int32)
        assert tf.reshape(x, [n, 37]).shape.as_list() == [None, 37]
