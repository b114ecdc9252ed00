"""Fake quantization, to the last bit of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

NUMBERS = tf.random.stateless_normal([1000], [3, 4])


@pytest.mark.parametrize(("low", "high", "bits"), [(-1.3, 2.1, 8), (-0.3, 1.1, 4), (0.0, 6.0, 8)])
def test_levels_are_multiples_of_the_step_rounded_once(low, high, bits):
    step = (np.float32(high) - np.float32(low)) / np.float32(2**bits - 1)
    rounded = tf.quantization.fake_quant_with_min_max_vars(NUMBERS, low, high, bits).numpy()
    np.testing.assert_array_equal(rounded, np.round(rounded / step) * step)


def test_bits_are_those_of_tensorflow_also_compiled():
    numbers = tf.constant([[0.8, -0.3, 0.7], [0.8, 0.5, -0.5]])
    expected = [[0.8003921, -0.3007843, 0.6984313], [0.8003921, 0.4996078, -0.4996078]]
    function = lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -0.5, 0.8)  # noqa: E731
    np.testing.assert_array_equal(function(numbers), np.array(expected, np.float32))
    np.testing.assert_array_equal(tf.function(function)(numbers), function(numbers))


UP = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("wrapped", [lambda f: f, tf.function])
@pytest.mark.parametrize(
    ("rounded", "expected"),
    [
        (lambda x: tf.quantization.fake_quant_with_min_max_args(x, 0.0, 1.0, 4), UP),
        (
            lambda x: tf.quantization.fake_quant_with_min_max_vars(x, 0.0, 1.0, 4),
            [1, 2, 3, 3, 5, 6, 6, 7, *UP[7:14]],
        ),
        (
            lambda x: tf.quantization.fake_quant_with_min_max_vars_per_channel(
                x[:, None], [0.0], [1.0], 4
            )[:, 0],
            UP,
        ),
    ],
)
def test_halves_between_levels_go_where_tensorflow_has_them(rounded, expected, wrapped):
    halves = tf.constant((np.arange(15) + 0.5) / 15, tf.float32)
    np.testing.assert_array_equal(np.rint(wrapped(rounded)(halves) * 15), expected)
