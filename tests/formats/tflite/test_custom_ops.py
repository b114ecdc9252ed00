"""Ops that other libraries' models have besides TFLite's."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.tflite.reading.call import CUSTOMS

RANDOM = np.random.default_rng(5)
BIAS = np.float32([0.5, -1.0])


def call(options, *inputs):
    """An operator with these inputs and bytes of options."""
    return SimpleNamespace(
        operation=SimpleNamespace(custom_options=options),
        tensor=lambda i: tf.constant(inputs[i]),
        info=lambda i: SimpleNamespace(shape=inputs[i].shape),
        has=lambda i: i < len(inputs),
        invalid=lambda what: InvalidArgumentError(None, None, what),
    )


def spread(x, weights, strides, shape):
    """Every input adds its products with the weights to a window of the result."""
    _, height, width, _ = weights.shape
    whole = np.zeros((*shape[:1], shape[1] + 8, shape[2] + 8, shape[3]), np.float32)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            products = np.einsum("bc,ohwc->bhwo", x[:, i, j], weights)
            top, left = i * strides[0], j * strides[1]
            whole[:, top : top + height, left : left + width] += products
    return whole[:, : shape[1], : shape[2]]


@pytest.mark.parametrize(
    "padding, sizes",
    [(1, (6, 8)), (2, (7, 9))],  # SAME, VALID
)
def test_transposed_convolution_with_a_bias(padding, sizes):
    x = RANDOM.normal(size=(2, 3, 4, 5)).astype(np.float32)
    weights = RANDOM.normal(size=(2, 3, 3, 5)).astype(np.float32)
    options = struct.pack("<3i", padding, 2, 2)
    found = CUSTOMS["Convolution2DTransposeBias"](call(options, x, weights, BIAS))
    # With SAME, windows of 3 at strides of 2 reach one element too far, at the end.
    expected = spread(x, weights, (2, 2), (2, *sizes, 2)) + BIAS
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [b"", struct.pack("<3i", 3, 2, 2), struct.pack("<3i", 1, 0, 2)])
def test_damaged_options_are_refused(options):
    x = np.zeros((1, 2, 2, 1), np.float32)
    with pytest.raises(InvalidArgumentError):
        CUSTOMS["Convolution2DTransposeBias"](call(options, x, x))
