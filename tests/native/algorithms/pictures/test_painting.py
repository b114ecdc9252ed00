"""Pixels of files, painted and arranged beside NumPy."""

import numpy as np
import pytest

from penstock._src.native.algorithms.pictures.painting import BLOCK, COLORS, painting
from penstock._src.ops.image.formats.files import _arranged_by_numpy
from penstock._src.ops.image.formats.gif import _painted_by_numpy

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("columns", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK - 5])
@pytest.mark.parametrize("found", [1, 3, 4])
def test_channels_are_arranged_as_numpy_arranges_them(found, columns):
    stride, rows = (columns * found + 3) // 4 * 4, 3
    data = RANDOM.bytes(7 + stride * rows)
    for channels in {found, 3, 4}:
        for first, step in ((7, stride), (7 + stride * (rows - 1), -stride)):
            size = first, step, rows, columns, found, channels
            into = np.full((rows + 1, columns, channels), 77, np.uint8)  # the last one stays
            painting().arrange(data, *size, into)
            np.testing.assert_array_equal(into[:rows], _arranged_by_numpy(data, *size))
            assert (into[rows] == 77).all()


@pytest.mark.parametrize("transparent", [-1, 2])
def test_frames_are_painted_as_numpy_paints_them(transparent):
    indices = RANDOM.integers(0, 5, (6, 9), np.uint8)
    colors = RANDOM.integers(0, 256, (COLORS, 3), np.uint8)
    image = RANDOM.integers(0, 256, (8, 10, 3), np.uint8)
    expected = image.copy()
    most = _painted_by_numpy(expected[2:7, 1:8], indices[:5, :7], colors, transparent)
    assert painting().paint(indices, 9, 5, 7, colors, transparent, image[2:7, 1:8], 30) == most
    np.testing.assert_array_equal(image, expected)
