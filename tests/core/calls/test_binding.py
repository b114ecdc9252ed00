"""Which dtype an op takes for Python values."""

import numpy as np
import pytest

import penstock as tf


def test_python_complex_numbers_are_complex128_as_elsewhere():
    assert tf.signal.fft([1 + 0j, 2 + 0j]).dtype == tf.complex128
    assert tf.raw_ops.Conj(input=[1 + 0j]).dtype == tf.complex128
    assert tf.function(lambda: tf.signal.fft([1 + 0j]))().dtype == tf.complex128


def test_other_values_take_the_default_of_a_complex_op():
    assert tf.raw_ops.Conj(input=[1.0, 2.0]).dtype == tf.complex64
    assert tf.signal.fft(np.ones(2, np.complex64)).dtype == tf.complex64


def test_lists_of_unequal_lengths_are_refused_as_elsewhere():
    for op in (tf.raw_ops.FFT, tf.raw_ops.Abs):
        with pytest.raises(ValueError, match="non-rectangular Python sequence"):
            op(**{"input" if op is tf.raw_ops.FFT else "x": [[1], [1, 2]]})


def _dtype(op, **inputs):
    """The dtypes eagerly and in a function."""
    return op(**inputs).dtype.name, tf.function(lambda: op(**inputs), autograph=False)().dtype.name


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float64", ("float32", "float64")),
        ("float16", ("float32", "float16")),
        ("int64", ("float32", "float32")),
        ("bool", ("float32", "float32")),
    ],
)
def test_arrays_in_functions_keep_a_dtype_that_the_op_allows(dtype, expected):
    assert _dtype(tf.raw_ops.RGBToHSV, images=np.zeros((1, 3), dtype)) == expected


def test_lists_and_numbers_of_numpy_keep_their_dtype():
    pool = {"ksize": [1] * 4, "strides": [1] * 4, "padding": "SAME"}
    assert _dtype(tf.raw_ops.MaxPool, input=[[[[1]]]], **pool) == ("int32", "int32")
    assert _dtype(tf.raw_ops.MaxPool, input=[[[[1.0]]]], **pool) == ("float32", "float32")
    assert tf.raw_ops.MaxPool(input=[np.zeros((1, 1, 1))], **pool).dtype == tf.float64
    start = np.int64(1)
    assert _dtype(tf.raw_ops.Range, start=start, limit=3, delta=1) == ("int64", "int64")
    start = np.array(1.0)
    assert _dtype(tf.raw_ops.Range, start=start, limit=3, delta=1) == ("int32", "float64")


def test_products_of_float64_arrays_in_functions_are_float64():
    z = np.exp(1j * np.arange(8.0))
    transformed = tf.function(lambda: tf.signal.fft(z))()
    assert transformed.dtype == tf.complex128
    np.testing.assert_allclose(transformed, np.fft.fft(z), rtol=1e-12)


# From TensorFlow 2.21, called eagerly.
@pytest.mark.parametrize(
    "indices, dims, expected",
    [
        (np.arange(5), [4, 5, 6], "int64"),
        (np.arange(5), (4, 5, 6), "int64"),
        (np.arange(5), np.array([4, 5, 6]), "int32"),
        ([1, 2], np.array([4, 5, 6]), "int32"),
        (np.arange(5, dtype=np.int16), [4, 5, 6], "int32"),
    ],
)
def test_eager_arrays_before_lists_keep_their_dtype(indices, dims, expected):
    assert tf.unravel_index(indices, dims).dtype == expected


def test_eager_float_arrays_before_lists_are_not_made_integers():
    ranges = tf.raw_ops.RaggedRange(
        starts=np.arange(2, dtype=np.float32), limits=[2.0, 2.0], deltas=[1.0, 0.5]
    )
    np.testing.assert_array_equal(ranges.rt_dense_values, np.float32([0, 1, 1, 1.5]))
