"""Rows combined by ids that never descend, beside NumPy row by row."""

import numpy as np
import pytest

from penstock._src.native.algorithms.grouping.segments import TYPES, segments

UFUNCS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _combined_one_by_one(ufunc, rows, ids, count, empty):
    """Rows combined in order, which a segment of few rows must have the bits of."""
    combined = np.full((count, rows.shape[1]), empty, rows.dtype)
    for number in np.unique(ids):
        first, *others = rows[ids == number]
        for row in others:
            first = ufunc(first, row)
        combined[number] = first
    return combined


@pytest.mark.parametrize("operation", UFUNCS)
@pytest.mark.parametrize("dtype", TYPES)
def test_each_width_has_the_bits_of_rows_combined_in_order(dtype, operation):
    random = np.random.default_rng(3)
    ids = np.array([0, 0, 0, 2, 3, 3, 3, 3, 6, 6])
    for width in (*range(1, 34), 47):
        rows = (random.normal(size=(len(ids), width)) * 9).astype(dtype)
        expected = _combined_one_by_one(UFUNCS[operation], rows, ids, 8, 5)
        combined, sizes = np.full((8, width), -3, dtype), np.empty(8, np.int64)
        five = np.full(1, 5, dtype)
        native = segments(dtype, operation)
        assert native.ascending(rows, width, ids, len(ids), 8, five, combined, sizes) == len(ids)
        np.testing.assert_array_equal(combined, expected)
        assert sizes.tolist() == [3, 0, 1, 4, 0, 0, 2, 0]
        scattered = np.full((8, width), five[0], dtype)
        native.scattered(rows, width, ids, len(ids), 8, scattered)
        into = np.full((8, width), five[0], dtype)
        UFUNCS[operation].at(into, ids, rows)
        np.testing.assert_array_equal(scattered, into)
