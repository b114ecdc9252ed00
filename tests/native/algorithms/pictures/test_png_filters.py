"""The filters of PNG in native code, beside NumPy's."""

import numpy as np
import pytest

from penstock._src.native.algorithms.pictures.png_filters import filtered
from penstock._src.ops.image.formats.png import _filtered


@pytest.mark.parametrize(
    ("height", "width", "step"), [(1, 1, 1), (3, 2, 2), (5, 33, 3), (40, 97, 4), (7, 64, 8)]
)
@pytest.mark.parametrize("is_smooth", [False, True])
def test_rows_and_their_filters(height, width, step, is_smooth):
    random = np.random.default_rng(width)
    for _ in range(10):
        lines = random.integers(0, 256, (height, width))
        if is_smooth:
            lines = np.cumsum(random.integers(-3, 4, (height, width)), 1)
        lines = lines.astype(np.uint8)
        np.testing.assert_array_equal(filtered(lines, step), _filtered(lines, step))
