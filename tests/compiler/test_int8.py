"""Convolutions and products of int8 numbers: read as they are, summed as int32, stored as int8 again."""

import numpy as np
import pytest

import penstock as tf

DRAW = np.random.default_rng(5)


def whole(*shape):
    return DRAW.integers(-128, 128, shape).astype(np.int8)


CASES = [  # image, kernel, stride, padding, dilation, the number that stands for 0
    ((2, 9, 11, 5), (3, 3, 5, 7), 1, "SAME", 1, 0),
    ((1, 28, 28, 32), (3, 3, 32, 64), 1, "VALID", 1, 5),  # where floats take Winograd's algorithm
    ((1, 28, 28, 1), (3, 3, 1, 32), 1, "VALID", 1, -128),
    ((2, 10, 7, 3), (3, 2, 3, 70), 2, "SAME", 1, 127),
    ((1, 12, 9, 6), (3, 3, 6, 20), 1, "SAME", 2, 3),
    ((3, 14, 14, 16), (1, 1, 16, 40), 2, "SAME", 1, -7),
    ((2, 5, 5, 15), (1, 1, 15, 33), 1, "SAME", 1, 9),
    ((1, 12, 12, 64), (5, 5, 64, 8), 2, "SAME", 1, 1),
    ((2, 12, 12, 8), (3, 3, 4, 10), 1, "SAME", 1, -2),  # two groups
    ((2, 12, 12, 40), (3, 3, 1, 40), 1, "SAME", 1, 11),  # depthwise
]


@pytest.mark.parametrize("image, kernel, stride, padding, dilation, zero", CASES)
def test_convolutions_are_exact(image, kernel, stride, padding, dilation, zero):
    x, weights = whole(*image), tf.Variable(whole(*kernel))
    x.flat[:3] = -128, 127, -128

    @tf.function
    def convolved(x):
        wide = tf.cast(weights, tf.int32)
        return tf.nn.conv2d(tf.cast(x, tf.int32) - zero, wide, stride, padding, dilations=dilation)

    doubles = [a.astype(np.float64) for a in (x - np.float64(zero), weights.numpy())]
    # Rounded: Winograd's algorithm for doubles is off by some 1e-10.
    wanted = np.rint(tf.nn.conv2d(*doubles, stride, padding, dilations=dilation))
    np.testing.assert_array_equal(convolved(tf.constant(x)), wanted)


@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize("depth, columns", [(64, 70), (66, 20), (7, 33), (2100, 40)])
@pytest.mark.parametrize("turned", [False, True])
def test_products_with_a_zero_are_exact(rows, depth, columns, turned):
    x, weights = whole(rows, depth), whole(columns, depth) if turned else whole(depth, columns)
    kept = tf.Variable(weights)

    @tf.function
    def multiplied(x):
        wide = tf.cast(kept, tf.int32)
        return tf.matmul(tf.cast(x, tf.int32) - 77, wide, transpose_b=turned)

    wanted = (x.astype(np.int64) - 77) @ (weights.T if turned else weights).astype(np.int64)
    np.testing.assert_array_equal(multiplied(tf.constant(x)), wanted)


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
    # No array of wide numbers; weights are kept packed.
    assert text.count("convolution") == 2 and "cast" not in text
