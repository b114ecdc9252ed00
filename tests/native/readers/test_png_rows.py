"""Row filters of PNG in native code, beside NumPy."""

import numpy as np
import pytest

from penstock._src.native.readers.png_rows import STEPS, png_rows
from penstock._src.ops.image.formats.png import _unfilter

RANDOM = np.random.default_rng(3)


def lines(rows, size, kinds):
    """Random rows, each after the number of its filter."""
    data = RANDOM.integers(0, 256, (rows, 1 + size), np.uint8)
    data[:, 0] = RANDOM.choice(kinds, rows)
    return data


def expected(data, step):
    found, above = [], np.zeros(data.shape[1] - 1, np.uint8)
    for line in data:
        above = _unfilter(int(line[0]), line[1:], above, step)
        found.append(above)
    return np.stack(found)


@pytest.mark.parametrize("kinds", [[0], [1], [2], [3], [4], [0, 1, 2, 3, 4]], ids=str)
@pytest.mark.parametrize("step", STEPS)
def test_filters_are_undone(step, kinds):
    data = lines(7, 5 * step, kinds)
    into = np.full((9, 5 * step), 77, np.uint8)
    before = b"\xff" * 3
    assert png_rows().undo(before + data.tobytes(), 3, 7, 5 * step, step, into) == -1
    np.testing.assert_array_equal(into[:7], expected(data, step))
    assert (into[7:] == 77).all()  # nothing is written behind the rows


def test_an_unknown_filter_is_told():
    data = lines(6, 12, [0])
    data[[2, 4], 0] = 5
    assert png_rows().undo(data.tobytes(), 0, 6, 12, 3, np.empty((6, 12), np.uint8)) == 2
