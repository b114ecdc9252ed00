"""Dropout to the bit of TensorFlow 2.21: numbers scale by a factor, tensors divide."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(1, 49, dtype=np.float32)
ONE, RATE = np.float32(1), np.float32(0.3)


@pytest.mark.parametrize(
    "rate, scaled",
    [(0.3, X * np.float32(1 / 0.7)), (tf.constant(RATE), X / (ONE - RATE))],
    ids=["number", "tensor"],
)
def test_entries_that_stay_are_scaled(rate, scaled):
    kept = tf.nn.dropout(tf.constant(X), rate, seed=3).numpy()
    assert 0 < np.count_nonzero(kept) < 48
    assert np.array_equal(kept[kept != 0], scaled[kept != 0])


def test_a_rate_of_zero_counts_as_a_draw():
    def draw():
        tf.nn.dropout(tf.ones([3]), 0.0)
        return tf.random.uniform([2])

    tf.random.set_seed(4)
    np.testing.assert_allclose(draw(), [0.94966, 0.4741], rtol=1e-4)
    tf.random.set_seed(4)
    np.testing.assert_allclose(tf.function(draw)(), [0.73317, 0.38388], rtol=1e-4)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.set_random_seed(4)
        np.testing.assert_allclose(session.run(draw()), [0.73317, 0.38388], rtol=1e-4)
