"""Gradients of dilation as programs compute them are those of the host."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.ops.nn.dilation import Dilation2D
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


LOWEST = np.finfo(np.float32).min
FUNCTIONS = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])


@FUNCTIONS
def test_dilation_ignores_nan_and_begins_with_the_lowest_number(wrap):
    x = tf.constant([np.nan, 1.0, 2.0, np.nan, -np.inf, -np.inf], shape=[1, 1, 6, 1])
    kernel, attrs = tf.zeros([1, 2, 1]), {"strides": [1] * 4, "rates": [1] * 4, "padding": "SAME"}
    slope = tf.reshape(tf.range(1.0, 7.0), x.shape)
    y, dx, dk = (
        wrap(lambda *args, op=op: op(*args, **attrs))(x, kernel, *rest)
        for op, rest in (
            (raw.Dilation2D, ()),
            (raw.Dilation2DBackpropInput, (slope,)),
            (raw.Dilation2DBackpropFilter, (slope,)),
        )
    )
    np.testing.assert_array_equal(np.ravel(y), [1, 2, 2, LOWEST, LOWEST, LOWEST])
    np.testing.assert_array_equal(np.ravel(dx), [0, 1, 5, 4, 5, 6])
    np.testing.assert_array_equal(np.ravel(dk), [18, 3])


@FUNCTIONS
def test_windows_that_only_see_padding_give_the_lowest_number(wrap):
    x = tf.reshape(tf.range(1.0, 7.0), [1, 2, 3, 1])
    kernel = tf.zeros([2, 2, 1])
    attrs = {"strides": [1, 2, 2, 1], "rates": [1, 4, 4, 1], "padding": "SAME"}
    y = wrap(lambda: raw.Dilation2D(x, kernel, **attrs))()
    np.testing.assert_array_equal(np.ravel(y), [LOWEST, LOWEST])
    slope = tf.ones_like(y)
    dx = wrap(lambda: raw.Dilation2DBackpropInput(x, kernel, slope, **attrs))()
    np.testing.assert_array_equal(np.ravel(dx), [2, 0, 0, 0, 0, 0])
    empty = wrap(lambda: raw.Dilation2D(x, tf.zeros([0, 2, 1]), **attrs))()
    np.testing.assert_array_equal(np.ravel(empty), [LOWEST, LOWEST])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("height", "width", "taps", "strides", "rates", "padding"), WINDOWS)
def test_small_dilations_pass_over_nan(height, width, taps, strides, rates, padding, dtype):
    x = RNG.normal(size=(2, height, width, 3)).astype(dtype)
    x[0, 2, 2], x[1, 0, 0, 0], x[1, 3, 3, 1] = np.nan, -np.inf, np.inf
    kernel = RNG.normal(size=(*taps, 3)).astype(dtype)
    kernel[0, 0, 2] = np.inf
    attrs = {"strides": (1, *strides, 1), "rates": (1, *rates, 1), "padding": padding}
    found = raw.Dilation2D(x, kernel, **attrs)
    op = Dilation2D.instance({**attrs, "T": tf.as_dtype(dtype)})
    np.testing.assert_array_equal(found, op.largest(x, kernel)[0])


def test_images_without_channels():
    made = raw.Dilation2D(
        input=tf.zeros([1, 4, 4, 0]), filter=tf.zeros([2, 2, 0]), strides=[1] * 4, rates=[1] * 4, padding="SAME",
    )  # fmt: skip
    assert made.shape == [1, 4, 4, 0]
