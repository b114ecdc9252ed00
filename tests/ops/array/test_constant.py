"""Arrays of one value."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("value", [-0.0, 0.0, complex(0.0, -0.0), complex(-0.0, 0.0)])
@pytest.mark.parametrize("count", [3, 100_000])
def test_fills_keep_the_sign_of_zeros(value, count):
    filled = tf.fill([count], tf.constant(value)).numpy()
    assert filled.tobytes() == np.full(count, value, filled.dtype).tobytes()


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int8", "bool", "string"])
def test_fills_of_zeros_of_other_types(dtype):
    zeros = tf.zeros([2, 5], getattr(tf, dtype, None) or tf.as_dtype(dtype))
    assert zeros.numpy().ravel().tolist() == [b"" if dtype == "string" else 0] * 10
