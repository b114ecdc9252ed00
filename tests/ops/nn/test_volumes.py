"""Compiled convolutions of volumes, which are sums of convolutions of planes, against the eager ones."""

import numpy as np
import pytest

import penstock as tf

RNG = np.random.default_rng(3)
SAME = [(1, 1, 1), (2, 2, 2), (3, 1, 2)]


def check(volume, taps, strides, padding, dilations=(1, 1, 1), groups=1, dtype=tf.float64):
    x = tf.constant(RNG.normal(size=(2, *volume, 4)), dtype)
    w = tf.constant(RNG.normal(size=(*taps, 4 // groups, 6)), dtype)
    arguments = [1, *strides, 1], padding, "NDHWC", [1, *dilations, 1]
    dy = tf.constant(RNG.normal(size=tf.nn.conv3d(x, w, *arguments).shape), dtype)

    def run():
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.nn.conv3d(x, w, *arguments)
        return [y, *tape.gradient(y, [x, w], output_gradients=dy)]

    rtol = 1e-10 if dtype == tf.float64 else 2e-2
    for made, wanted in zip(tf.function(run)(), run(), strict=True):
        made, wanted = (tf.cast(t, tf.float64) for t in (made, wanted))
        np.testing.assert_allclose(made, wanted, rtol=rtol, atol=rtol * np.abs(wanted).max())


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("strides", SAME)
@pytest.mark.parametrize("taps", [(3, 3, 3), (2, 1, 3), (1, 3, 3), (4, 2, 1)])
def test_strides_and_paddings(taps, strides, padding):
    check((5, 6, 7), taps, strides, padding)


def test_dilated_taps():
    check((6, 5, 5), (3, 2, 2), (1, 1, 1), "SAME", (2, 1, 2))


def test_groups():
    check((4, 5, 5), (3, 3, 3), (1, 1, 1), "SAME", groups=2)


def test_taps_that_meet_no_plane():
    check((1, 4, 4), (5, 3, 3), (1, 1, 1), "SAME")


def test_sums_of_16_bits_are_wide():
    check((4, 6, 6), (3, 3, 3), (1, 1, 1), "SAME", dtype=tf.bfloat16)


def test_wide_windows_are_reduced_axis_by_axis():
    """Three launches for the three axes; a window is the same elements, of which padding does not count."""
    x = np.random.default_rng(5).standard_normal((1, 6, 7, 5, 8)).astype(np.float32)
    mean = tf.function(lambda x: tf.nn.avg_pool3d(x, [3, 4, 3], [1, 2, 1], "SAME"))
    most = tf.function(lambda x: tf.nn.max_pool3d(x, [3, 4, 3], 1, "VALID"))
    sums, counts = np.zeros((1, 6, 4, 5, 8)), np.zeros((6, 4, 5, 1))
    for at in np.ndindex(6, 4, 5):
        low = at[0] - 1, 2 * at[1] - 1, at[2] - 1
        size = 3, 4, 3
        window = x[(0, *(slice(max(b, 0), b + n) for b, n in zip(low, size, strict=True)))]
        sums[0][at], counts[at] = window.sum((0, 1, 2)), np.prod(window.shape[:3])
    np.testing.assert_allclose(mean(x), sums / counts, atol=1e-6)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 4, 3), axis=(1, 2, 3))
    np.testing.assert_array_equal(most(x), windows.max((-3, -2, -1)))
    text = str(mean.explain(x))
    assert "3 launches" in text, text
