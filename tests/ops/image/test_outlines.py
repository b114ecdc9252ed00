"""Outlines of boxes beside NumPy's."""

import numpy as np
import pytest

from penstock._src.ops.image.boxes import outline

RANDOM = np.random.default_rng(0)


def drawn_by_numpy(images, corners, table):
    """Draws the boxes of each image that do not end before they begin, box i in color i modulo their number."""
    height, width = images.shape[1:3]
    for image, boxes in zip(images, corners.tolist(), strict=True):
        for at, (top, left, bottom, right) in enumerate(boxes):
            if top > bottom or left > right:
                continue
            if top >= height or bottom < 0 or left >= width or right < 0:
                continue
            color = table[at % len(table)]
            rows = slice(max(top, 0), min(bottom, height - 1) + 1)
            columns = slice(max(left, 0), min(right, width - 1) + 1)
            if top >= 0:
                image[top, columns] = color
            if bottom < height:
                image[bottom, columns] = color
            if left >= 0:
                image[rows, left] = color
            if right < width:
                image[rows, right] = color


@pytest.mark.parametrize("draw", [outline, outline.in_python], ids=["native", "python"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 5, 8, 3), (3, 9, 4, 4), (2, 0, 3, 3)])
def test_boxes_are_drawn_as_numpy_draws_them(draw, dtype, size):
    images, colors = RANDOM.random(size).astype(dtype), RANDOM.random((3, size[-1])).astype(dtype)
    corners = RANDOM.integers(-4, 12, (size[0], 25, 4))
    corners[0, 0] = np.iinfo(np.int64).min, 0, np.iinfo(np.int64).max, 2
    expected = images.copy()
    drawn_by_numpy(expected, corners, colors)
    draw(images, corners, colors)
    np.testing.assert_array_equal(images, expected)
