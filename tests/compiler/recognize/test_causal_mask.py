"""Masks of scores that only look causal: their arithmetic wraps around."""

import numpy as np
import pytest

import penstock as tf

_ROWS = 300  # more than one block of rows


@pytest.mark.parametrize("kind", [tf.uint32, tf.uint8, tf.int32])
def test_columns_are_seen_as_the_mask_says(kind):
    query, key, value = (tf.random.stateless_normal([1, _ROWS, 16], [seed, 2]) for seed in range(3))

    def attend(query, key, value):
        places = tf.cast(tf.range(tf.shape(query)[1]), kind)
        # Without a sign no difference is negative, so that later columns are seen too.
        seen = places[:, None] - places[None, :] + 2 >= 1
        scores = tf.where(seen, tf.matmul(query, key, transpose_b=True), -1e30)
        return tf.matmul(tf.nn.softmax(scores), value)

    found = tf.function(attend)(query, key, value)
    np.testing.assert_allclose(found, attend(query, key, value), rtol=1e-5, atol=1e-6)
