"""Ops without a gradient: as in TensorFlow some raise LookupError, others give None."""

import pytest

import penstock as tf


def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.unique(x).y,
        lambda x: tf.bitcast(x, tf.float32),
        lambda x: tf.math.bincount([0, 1, 1], weights=x),
        lambda x: tf.raw_ops.AudioSpectrogram(input=x[:, None], window_size=2, stride=1),
    ],
)
@pytest.mark.parametrize("traced", [False, True])
def test_an_op_without_a_gradient(function, traced):
    take = tf.function(gradient, autograph=False) if traced else gradient
    with pytest.raises(LookupError, match="gradient registry has no entry for"):
        take(function, tf.constant([1.0, 2.0, 2.0]))


@pytest.mark.parametrize("function", [tf.sign, lambda x: tf.cast(tf.argmax(x), tf.float32)])
def test_an_op_that_is_not_differentiable(function):
    made = gradient(function, tf.constant([1.0, 2.0]))
    assert made is None or not made.numpy().any()
