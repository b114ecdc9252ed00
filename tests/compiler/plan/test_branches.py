"""Branches that return numbers which another branch computes with."""

import numpy as np

import penstock as tf


def test_a_number_that_one_branch_returns_is_another_in_the_next():
    """The loop's list is 0 items long in one branch and 2 in the other, whose counter begins at another 0."""

    def stacked(x):
        def step(i, y, rows):
            return i + 1, tf.tanh(y) + 0.5, rows.write(i, tf.reverse(y, [0]) - 0.35)

        rows = tf.TensorArray(tf.float32, 2)
        _, y, rows = tf.while_loop(lambda i, *_: i < 2, step, (0, x, rows))
        return tf.reduce_mean(rows.stack(), 0) + y

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cond(tf.reduce_sum(x) > -1.0, lambda: stacked(x), lambda: x)
        return y, tape.gradient(y, x)

    for x in ([-0.3, -0.76, 1.98], [-1.0, -2.0, 0.5]):
        x = tf.constant(x)
        for got, expected in zip(tf.function(gradient)(x), gradient(x), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5)
