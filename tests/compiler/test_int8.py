"""Convolutions and products of int8 numbers: read as they are, summed as int32, stored as int8 again."""

import numpy as np
import pytest

import penstock as tf

DRAW = np.random.default_rng(5)


def whole(*shape):
    return DRAW.integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize(
    "image, kernel, stride, padding",
    [
        ((2, 9, 11, 5), (3, 3, 5, 7), 1, "SAME"),
        ((1, 28, 28, 32), (3, 3, 32, 64), 1, "VALID"),  # where floats take Winograd's algorithm
        ((3, 14, 14, 16), (1, 1, 16, 40), 2, "SAME"),
        ((1, 12, 12, 64), (5, 5, 64, 8), 2, "SAME"),
    ],
)
def test_convolutions_are_exact(image, kernel, stride, padding):
    x, weights = whole(*image), tf.Variable(whole(*kernel))

    @tf.function
    def convolved(x):
        wide = tf.cast(weights, tf.int32)
        return tf.nn.conv2d(tf.cast(x, tf.int32), wide, stride, padding)

    doubles = [tf.constant(a.astype(np.float64)) for a in (x, weights.numpy())]
    wanted = tf.nn.conv2d(*doubles, stride, padding)
    np.testing.assert_array_equal(convolved(tf.constant(x)), wanted)


def test_layers_of_int8_are_one_kernel_each():
    first, second = tf.Variable(whole(3, 3, 8, 16)), tf.Variable(whole(3, 3, 16, 16))

    def layer(x, weights):
        sums = tf.nn.conv2d(tf.cast(x, tf.int32), tf.cast(weights, tf.int32), 1, "VALID")
        scaled = tf.nn.relu(tf.cast(sums, tf.float32) * 1e-3 + 0.25)
        return tf.cast(tf.minimum(tf.round(scaled), 127.0), tf.int8)

    def network(x):
        pooled = tf.nn.max_pool2d(layer(x, first), 2, 2, "VALID")
        return layer(pooled, second)

    x = tf.constant(whole(2, 12, 12, 8))
    compiled = tf.function(network)
    np.testing.assert_array_equal(compiled(x), network(x))
    function = compiled.get_concrete_function(x)
    function(x)
    text = function.graph_function.executable.text("launches")
    assert (
        text.count("convolution") == 4 and "cast" not in text
    )  # two packings, and no array of wide numbers
