"""Names and limits of types."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.core.typesets import NUMERIC
from penstock._src.native.language.types import OF_NUMPY


@pytest.mark.parametrize("name", [int, "int", "a", "f4", "str", "O", None, "nope"])
def test_what_stands_for_no_type(name):
    with pytest.raises(TypeError, match="to a TensorFlow DType"):
        tf.as_dtype(name)


@pytest.mark.parametrize(
    "name, dtype",
    [(float, tf.float32), (bool, tf.bool), (complex, tf.complex128), (str, tf.string)]
    + [("half", tf.float16), (np.int16, tf.int16), (np.dtype(">f4"), tf.float32), (3, tf.int32)],
)
def test_what_stands_for_a_type(name, dtype):
    assert tf.as_dtype(name) is dtype


def test_limits_are_the_ranges_of_image_values():
    assert tf.float32.limits == (0, 1)
    assert tf.int8.limits == (0, 127)
    assert tf.bool.limits == (0, True)
    with pytest.raises(ValueError, match="limits"):
        _ = tf.float16.limits


def test_dictionaries_by_number_take_types():
    types = {1: "float", 3: "int"}
    assert (types[tf.float32], types[tf.int32]) == ("float", "int")
    assert tf.string not in types


def test_references_are_their_own_and_strings_are_objects():
    assert tf.float32._as_ref._as_ref is tf.float32._as_ref
    assert tf.float32._as_ref._is_ref_dtype and not tf.float32._is_ref_dtype
    assert tf.string.as_numpy_dtype is object


@pytest.mark.parametrize(
    ("dtype", "exponent", "mantissa"),
    [("float16", 5, 10), ("bfloat16", 8, 7), ("float64", 11, 52), ("complex64", 8, 23)],
)
def test_the_bits_of_a_float_are_those_of_its_format(dtype, exponent, mantissa):
    assert dtypes.float_format(dtypes.as_dtype(dtype).np) == (exponent, mantissa)


def test_native_code_has_a_type_for_each_number():
    for dtype in NUMERIC:
        assert dtype.real_dtype.name in OF_NUMPY
