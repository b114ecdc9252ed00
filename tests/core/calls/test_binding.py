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
