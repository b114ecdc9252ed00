"""Messages of tensors have their numbers where TensorFlow puts them."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "value, field, stored",
    [
        (np.float32(1.5), "float_val", [1.5]),
        (np.float16(1.0), "half_val", [15360]),
        (np.int8(-1), "int_val", [-1]),
        (np.array([True, False]), "bool_val", [True, False]),
        (np.array([1 + 2j], np.complex64), "scomplex_val", [1.0, 2.0]),
        (np.array([1, 2], np.uint16), "int_val", [1, 2]),
        (np.array([1, 2], np.int32), "int_val", []),
        (np.zeros(0, np.float32), "float_val", []),
    ],
)
def test_single_numbers_are_readable(value, field, stored):
    proto = tf.make_tensor_proto(value)
    assert list(getattr(proto, field)) == stored
    assert bool(proto.tensor_content) == (not stored and value.size > 0)
    np.testing.assert_array_equal(tf.make_ndarray(proto), value)
