"""Isotonic regression: TensorFlow's values, types and gradients."""

import numpy as np
import pytest

import penstock as tf

ROWS = np.array([[3.0, 1, 2, 2, 5], [1, 2, 3, 4, 5]])


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_values_and_segments(wrap):
    falling, segments = wrap(tf.nn.isotonic_regression)(tf.constant(ROWS))
    np.testing.assert_allclose(falling, [[3, 2.5, 2.5, 2.5, 2.5], [3] * 5])
    np.testing.assert_array_equal(segments, [[0, 1, 1, 1, 1], [0] * 5])
    rising, segments = wrap(lambda x: tf.nn.isotonic_regression(x, decreasing=False))(
        tf.constant(ROWS)
    )
    np.testing.assert_allclose(rising, [[2, 2, 2, 2, 5], ROWS[1]])
    np.testing.assert_array_equal(segments, [[0, 0, 1, 2, 3], [0, 1, 2, 3, 4]])


def test_any_axis():
    found, segments = tf.nn.isotonic_regression(ROWS.T, axis=0)
    expected = tf.nn.isotonic_regression(ROWS)
    np.testing.assert_array_equal(found, tf.transpose(expected[0]))
    np.testing.assert_array_equal(segments, tf.transpose(expected[1]))


@pytest.mark.parametrize("axis", [-1, -2, 0])
def test_inputs_of_unknown_rank(axis):
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float64)])
    def call(x):
        return tf.nn.isotonic_regression(x, axis=axis)

    for found, wanted in zip(call(ROWS), tf.nn.isotonic_regression(ROWS, axis=axis), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("int8", "float32"), ("int16", "float32"), ("int32", "float64"), ("int64", "float64"),
        ("float16", "float16"), ("bfloat16", "bfloat16"), ("float32", "float32"), ("float64", "float64"),
    ],
)  # fmt: skip
def test_results_have_the_dtypes_of_tensorflow(given, made):
    found, segments = tf.nn.isotonic_regression(tf.cast([3, 1, 2], given))
    assert (found.dtype.name, segments.dtype.name) == (made, "int32")
    np.testing.assert_array_equal(tf.cast(found, tf.float32), [3, 1.5, 1.5])


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (0, 3), (2, 2, 3)])
def test_every_shape_is_kept(shape):
    found, segments = tf.nn.isotonic_regression(np.ones(shape, np.float32))
    assert found.shape == segments.shape == shape
    np.testing.assert_array_equal(found, np.ones(shape))


def test_gradients_are_the_means_of_segments():
    x = tf.constant(ROWS)
    weights = np.array([[1.0, 2, 3, 4, 5], [5, 4, 3, 2, 6]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.isotonic_regression(x)[0] * weights
    np.testing.assert_allclose(tape.gradient(y, x), [[1, 3.5, 3.5, 3.5, 3.5], [4] * 5])
