"""Gradients of dilation as programs compute them are those of the host."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.util.flags import override

RNG = np.random.default_rng(8)
# height, width, taps, strides, rates, padding
WINDOWS = [
    (5, 6, (2, 3), (1, 1), (1, 1), "VALID"),
    (7, 8, (3, 3), (2, 1), (1, 2), "SAME"),
    (9, 9, (3, 2), (3, 2), (2, 3), "SAME"),
    (6, 6, (1, 1), (1, 2), (1, 1), "VALID"),
    (9, 11, (2, 2), (2, 2), (3, 2), "VALID"),
]


@pytest.mark.parametrize("op", ["Dilation2DBackpropInput", "Dilation2DBackpropFilter"])
@pytest.mark.parametrize(("height", "width", "taps", "strides", "rates", "padding"), WINDOWS)
def test_the_first_largest_tap_takes_the_gradient(op, height, width, taps, strides, rates, padding):
    x = RNG.integers(-9, 9, (2, height, width, 3)).astype(np.float32)  # many are equal
    x[0, 2, 2], x[1, 0, 0, 0] = np.nan, -np.inf
    kernel = RNG.integers(-2, 2, (*taps, 3)).astype(np.float32)
    attrs = {"strides": [1, *strides, 1], "rates": [1, *rates, 1], "padding": padding}
    shape = tf.nn.dilation2d(x, kernel, attrs["strides"], padding, "NHWC", attrs["rates"]).shape
    slope = RNG.integers(-9, 9, shape).astype(np.float32)
    wanted = getattr(raw, op)(x, kernel, slope, **attrs)
    for device in ("CPU", "GPU_emulated"):
        with override(device=device):
            function = tf.function(
                lambda *given: getattr(raw, op)(*given, **attrs), autograph=False
            )
            np.testing.assert_array_equal(function(x, kernel, slope), wanted)
