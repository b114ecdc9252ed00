"""Gradients through values that something else carries."""

import pytest

import penstock as tf


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    "carry",
    [
        lambda x: tf.experimental.Optional.from_value(x).get_value(),
        lambda x: tf.raw_ops.DebugIdentityV2(input=x),
    ],
)
def test_gradient(carry, traced):
    def take(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = carry(x * 2) * 3
        return tape.gradient(y, x)

    take = tf.function(take, autograph=False) if traced else take
    assert take(tf.constant([1.0, 2.0])).numpy().tolist() == [6, 6]
