"""Outlines of boxes beside NumPy's."""

import numpy as np
import pytest

from penstock._src.native.algorithms.pictures.outlines import outlines
from penstock._src.ops.image.boxes import _outline_by_numpy

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 5, 8, 3), (3, 9, 4, 4), (2, 0, 3, 3)])
def test_boxes_are_drawn_as_numpy_draws_them(dtype, size):
    images, colors = RANDOM.random(size).astype(dtype), RANDOM.random((3, size[-1])).astype(dtype)
    corners = RANDOM.integers(-4, 12, (size[0], 25, 4))
    corners[0, 0] = np.iinfo(np.int64).min, 0, np.iinfo(np.int64).max, 2
    expected = images.copy()
    _outline_by_numpy(expected, corners, colors)
    outlines(images.itemsize).outline(images, *size, corners, 25, colors, len(colors))
    np.testing.assert_array_equal(images, expected)
