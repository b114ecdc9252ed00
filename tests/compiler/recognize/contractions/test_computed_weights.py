"""Weights computed from narrower numbers: one row is multiplied while they are computed, others by stored weights."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)
BYTES = tf.Variable(RANDOM.integers(-128, 128, (96, 40)).astype(np.int8))
SCALE = tf.Variable(RANDOM.uniform(0.5, 1.0, (3, 80)).astype(np.float32))
GROUPS = tf.Variable(np.arange(96, dtype=np.int32) // 32)
STORED = 96 * 40 * 4  # bytes of float32 weights of a product


def halves(packed):
    """Signed numbers of four bits, two of a byte side by side."""
    low = tf.bitwise.bitwise_and(packed, tf.constant(15, tf.int8))
    low = tf.bitwise.bitwise_xor(low, tf.constant(8, tf.int8)) - tf.constant(8, tf.int8)
    high = tf.bitwise.right_shift(packed, tf.constant(4, tf.int8))
    return tf.cast(tf.reshape(tf.stack([low, high], -1), [96, 80]), tf.float32)


def by_channels(x):
    return tf.nn.relu(x @ halves(BYTES) / SCALE[0])


def by_groups(x):
    return x @ (halves(BYTES) * tf.gather(SCALE, GROUPS))


def of_bytes(x):
    return x @ (tf.cast(BYTES, tf.float32) * SCALE[0, :40])


def transposed(x):
    return tf.matmul(x[:, :40], tf.cast(BYTES, tf.float32) * 0.5, transpose_b=True)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("function", [by_channels, by_groups, of_bytes, transposed])
def test_weights_are_stored_for_several_rows_only(function, rows):
    x = tf.constant(RANDOM.standard_normal((rows, 96)).astype(np.float32))
    compiled = tf.function(function)
    expected = function(x).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(compiled(x), expected, 1e-5, 1e-5 * scale)
    report = str(compiled.explain(x))
    assert (f"{STORED / 1e3:.1f} kB (temporary)" in report) == (rows > 1)


def test_weights_that_are_a_result_are_stored():
    def both(x):
        weights = tf.cast(BYTES, tf.float32) * SCALE[0, :40]
        return x @ weights, weights

    x = tf.constant(RANDOM.standard_normal((1, 96)).astype(np.float32))
    for found, expected in zip(tf.function(both)(x), both(x), strict=True):
        np.testing.assert_allclose(found, expected, 1e-5, 1e-3)
    assert "product[1, 40]" in str(tf.function(both).explain(x))
