"""Loop nests of whole gradients that once did not compile."""

import numpy as np

import penstock as tf


def test_a_load_inside_a_reduction_is_not_turned_beforehand():
    """Its place depends on the reduction's own variable, which has no value yet where blocks are loaded."""
    random = np.random.default_rng(0)
    x = tf.constant(random.standard_normal((6, 5, 5, 8)).astype(np.float32))
    w = tf.constant(random.standard_normal((3, 3, 8, 1)).astype(np.float32))

    def gradient(x, w):
        with tf.GradientTape() as tape:
            tape.watch((x, w))
            y = tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME")
            y = tf.nn.max_pool2d(y, 2, 2, "VALID")
            loss = tf.reduce_sum(y * y)
        return tape.gradient(loss, (x, w))

    for got, want in zip(tf.function(gradient)(x, w), gradient(x, w), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
