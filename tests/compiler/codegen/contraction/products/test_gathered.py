"""Convolutions of images of unknown sizes, whose operands are read element by element."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)
SIZES = [(2, 9, 11), (1, 30, 7), (3, 8, 8), (2, 17, 19)]  # some with more pixels than a depth block


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def with_gradients(filters, strides, dilations, padding):
    """A function from images to a convolution and its gradients."""

    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.conv2d(x, filters, strides, padding, dilations=dilations)
            loss = tf.reduce_sum(y * y)
        return y, *tape.gradient(loss, [x, filters])

    return compute


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(
    "taps, channels, outputs, strides, dilations",
    [
        ((3, 3), 8, 5, (1, 1), (1, 1)),  # runs of channels
        ((3, 2), 3, 16, (2, 1), (1, 1)),  # the gradient of images has gaps
        ((2, 3), 1, 4, (1, 1), (2, 3)),
        ((1, 1), 6, 7, (3, 2), (1, 1)),
        ((5, 4), 7, 1, (1, 1), (1, 1)),
    ],
)
def test_images_of_unknown_sizes(taps, channels, outputs, strides, dilations, padding):
    filters = tf.Variable(normal(*taps, channels, outputs))
    compute = with_gradients(filters, strides, dilations, padding)
    compiled = tf.function(compute, input_signature=[tf.TensorSpec([None, None, None, channels])])
    for size in SIZES:
        x = tf.constant(normal(*size, channels))
        for result, expected in zip(compiled(x), compute(x), strict=True):
            scale = np.abs(expected.numpy()).max()
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5 * scale)


def test_images_of_unknown_sizes_in_groups():
    filters = tf.Variable(normal(3, 3, 4, 6))
    compute = with_gradients(filters, (1, 1), (1, 1), "SAME")
    compiled = tf.function(compute, input_signature=[tf.TensorSpec([None, None, None, 8])])
    for size in SIZES:
        x = tf.constant(normal(*size, 8))
        for result, expected in zip(compiled(x), compute(x), strict=True):
            scale = np.abs(expected.numpy()).max()
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5 * scale)


def test_images_without_pixels():
    filters = tf.Variable(normal(3, 3, 2, 4))
    compute = with_gradients(filters, (1, 1), (1, 1), "SAME")
    compiled = tf.function(compute, input_signature=[tf.TensorSpec([None, None, None, 2])])
    compiled(tf.constant(normal(2, 9, 9, 2)))
    for size in [(0, 5, 5), (2, 0, 5), (2, 5, 0), (1, 1, 1)]:
        x = tf.constant(normal(*size, 2))
        for result, expected in zip(compiled(x), compute(x), strict=True):
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
