"""Rescaling in 32 bits gives the numbers of TFLite's 64-bit arithmetic."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.tflite.reading.quantized_kernels import fixed_point

DRAW = np.random.default_rng(3)


def reference(x, factor):
    """round(x * multiplier / 2**31) halves up, then over 2**right with halves away from zero."""
    multiplier, shift = fixed_point.multiplier_and_shift(factor)
    high = (int(x) * multiplier + (1 << 30)) >> 31
    right = -shift
    return high if not right else (high + (1 << right >> 1) - (high < 0)) >> right


@pytest.mark.parametrize("factors", [[0.7, 0.5, 1e-3, 2.0**-9, 3e-9, 0.0], [0.9, 0.51], [1e-4]])
def test_rescaled_sums_have_the_bits_of_the_reference(factors):
    x = DRAW.integers(-(1 << 29), 1 << 29, (400, len(factors))).astype(np.int32)
    x[:200] >>= DRAW.integers(0, 29, (200, 1))
    x[:3] = [[1 << 29], [-(1 << 29)], [0]]
    given = factors if len(factors) > 1 else factors[0]
    function = tf.function(lambda x: fixed_point.rescale_small(x, given, 1 << 29))
    found = function(tf.constant(x))
    assert found.dtype == tf.int32
    wanted = [[reference(v, f) for v, f in zip(row, factors, strict=True)] for row in x]
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("factor", [0.5, 0.49999, 0.25, 0.013, 2e-6, 1e-9])
def test_shifted_operands_have_the_bits_of_the_reference(factor):
    x = np.arange(-256, 256, dtype=np.int32)
    function = tf.function(lambda x: fixed_point.rescale_shifted(x, 20, factor))
    wanted = [reference(int(v) << 20, factor) for v in x]
    np.testing.assert_array_equal(function(tf.constant(x)), wanted)


def test_large_sums_and_factors_take_64_bits():
    x = tf.constant([3 << 29, -7], tf.int32)
    for factor, largest in ((0.5, 1 << 31), (3.0, 1 << 20)):
        found = fixed_point.rescale_small(x[1:] if factor > 1 else x, factor, largest)
        assert found.dtype == tf.int64


@pytest.mark.parametrize("factors", [[1e-4, 3e-6, 0.3], [2e-7]])
@pytest.mark.parametrize("bits", [30, 45])
def test_sums_are_rounded_once(factors, bits):
    x = DRAW.integers(-(1 << bits), 1 << bits, (300, len(factors)))
    x >>= DRAW.integers(0, bits, x.shape)
    given = factors if len(factors) > 1 else factors[0]
    function = tf.function(lambda x: fixed_point.rescale_once(x, given, 1 << bits))
    pairs = [fixed_point.multiplier_and_shift(factor) for factor in factors]
    wanted = [
        [
            (int(v) * multiplier + (1 << (30 - shift))) >> (31 - shift)
            for v, (multiplier, shift) in zip(row, pairs, strict=True)
        ]
        for row in x
    ]
    np.testing.assert_array_equal(function(tf.constant(x)), wanted)
