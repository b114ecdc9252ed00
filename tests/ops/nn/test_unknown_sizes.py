"""Strided windows over images of unknown size: one program for all sizes, whatever their remainders."""

import numpy as np
import pytest

import penstock as tf
from tests.ops.image.test_unknown_sizes import programs_of

SIZES = [(8, 8), (9, 8), (10, 9), (11, 13), (12, 10), (13, 11), (30, 17)]


def numbers(*shape):
    return tf.constant(np.random.default_rng(6).normal(size=shape).astype(np.float32))


KINDS = {
    "conv": lambda x, k, s: tf.nn.conv2d(x, numbers(k, k, 4, 6), s, "SAME"),
    "depthwise": lambda x, k, s: tf.nn.depthwise_conv2d(
        x, numbers(k, k, 4, 1), [1, s, s, 1], "SAME"
    ),
    "max": lambda x, k, s: tf.nn.max_pool2d(x, k, s, "SAME"),
    "mean": lambda x, k, s: tf.nn.avg_pool2d(x, k, s, "SAME"),
    "patches": lambda x, k, s: tf.image.extract_patches(
        x, [1, k, k, 1], [1, s, s, 1], [1, 1, 1, 1], "SAME"
    ),
    "transposed": lambda x, k, s: tf.nn.conv2d_transpose(
        x, numbers(k, k, 5, 4), tf.shape(x) * [1, s, s, 1] + [0, 0, 0, 1], s, "SAME"
    ),
}


@pytest.mark.parametrize(("size", "stride"), [(1, 2), (2, 2), (2, 3), (3, 2), (5, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_one_program_serves_all_remainders(kind, size, stride):
    def with_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = KINDS[kind](x, size, stride)
            loss = tf.reduce_sum(y * y)
        return y, tape.gradient(loss, x)

    spec = tf.TensorSpec([None, None, None, 4], tf.float32)
    function = tf.function(with_gradient, input_signature=[spec], autograph=False)
    for height, width in SIZES:
        x = numbers(2, height, width, 4)
        for found, expected in zip(function(x), with_gradient(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert len(programs_of(function)) == 1
