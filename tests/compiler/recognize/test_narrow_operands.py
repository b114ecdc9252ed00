"""Operands that are widened from bfloat16 only to be multiplied: kernels read what is narrow, which is stored, whatever computed it."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)
X, W, V = (
    tf.constant(RANDOM.standard_normal(shape), tf.float32)
    for shape in ((8, 16), (16, 16), (16, 12))
)


def narrow(x):
    return tf.cast(x, tf.bfloat16)


def wide(x):
    return tf.cast(x, tf.float32)


def activated(x):
    return tf.nn.relu(narrow(x) @ narrow(W) + narrow(W[0]))


def product(x):
    return wide(activated(x)) @ wide(narrow(V))


def product_and_more(x):
    h = wide(activated(x))
    return h @ wide(narrow(V)) + tf.reduce_sum(tf.tanh(h))


def reshaped(x):
    return tf.transpose(wide(tf.reshape(activated(x), [16, 8]))) @ wide(narrow(V))


def convolution(x):
    filters = tf.reshape(narrow(V)[:9, :2], [3, 3, 1, 2])
    return tf.nn.conv2d(wide(tf.reshape(activated(x), [1, 8, 16, 1])), wide(filters), 1, "SAME")


def softmax(x):
    return wide(tf.nn.softmax(narrow(x))) @ wide(narrow(V))


def sums(x):
    return wide(tf.reduce_sum(narrow(x)[:, :, None] * narrow(W), 1)) @ wide(narrow(V))


def gradient(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(product(x) ** 2)
    return tape.gradient(loss, x)


FUNCTIONS = [product, product_and_more, reshaped, convolution, softmax, sums, gradient]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_narrow_operands_are_stored(function):
    expected = function(X)
    scale = float(tf.reduce_max(tf.abs(expected)))
    np.testing.assert_allclose(tf.function(function)(X), expected, 1e-5, 1e-5 * scale)
