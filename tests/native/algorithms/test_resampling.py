"""Native sums over taps give the bits of NumPy's."""

import numpy as np
import pytest

from penstock._src.ops.image import interpolation, taps


class Op:
    align_corners = False
    half_pixel_centers = True


def kernel_taps(_op, inputs, outputs):
    return taps.Sampling("lanczos3", True, np.float32(outputs / inputs), np.float32(0.3)).taps(
        inputs, outputs
    )


def in_numpy(images, rows, columns):
    wide = images.astype(np.float32)
    return interpolation._along(interpolation._along(wide, 1, rows), 2, columns)


@pytest.mark.parametrize("make", [taps.bicubic_taps, taps.area_taps, kernel_taps])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_sums_are_those_of_numpy(make, channels, dtype):
    random = np.random.default_rng(channels)
    for height, width, rows, columns in ((9, 40, 7, 3), (1, 3, 5, 40), (33, 2, 8, 31)):
        images = random.integers(0, 256, (2, height, width, channels)).astype(dtype)
        both = make(Op, height, rows), make(Op, width, columns)
        found = interpolation.resampled(images, *both)
        np.testing.assert_array_equal(found, in_numpy(images, *both))


def test_outputs_without_taps_are_zero():
    some = taps.bilinear_taps(Op, 9, 2).transposed(9)  # most of the nine are read by nobody
    grads = np.random.default_rng(0).random((1, 2, 2, 3), np.float32)
    found = interpolation.resampled(grads, some, some)
    assert (some.index < 0).all(1).any()
    np.testing.assert_array_equal(found, in_numpy(grads, some, some))
