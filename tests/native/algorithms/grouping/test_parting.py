"""Rows are moved to their parts in order."""

import numpy as np
import pytest

from penstock._src.native.algorithms.grouping.parting import parted, sizes_of


@pytest.mark.parametrize("dtype", ["int8", "float16", "int32", "float64", "complex128"])
@pytest.mark.parametrize("rest", [(), (3,), (2, 5), (0,)])
def test_parts_have_their_rows_in_order(dtype, rest):
    random = np.random.default_rng(1)
    numbers = random.integers(0, 7, 1000).astype(np.int32)
    numbers[numbers == 4] = 5  # a part without rows
    rows = random.integers(0, 100, (1000, *rest)).astype(dtype)
    sizes, end = sizes_of(numbers, 7)
    assert end == 1000
    parts = parted(rows, numbers, sizes)
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(part, rows[numbers == i])
        assert part.dtype == rows.dtype


@pytest.mark.parametrize("bad", [-1, 3, -(2**31), 2**31 - 1])
def test_the_first_part_that_does_not_exist_is_named(bad):
    numbers = np.array([0, 2, bad, 1, bad], np.int32)
    assert sizes_of(numbers, 3)[1] == 2


def test_strided_rows():
    rows, numbers = np.arange(20.0).reshape(2, 10).T, np.array([1, 0] * 5, np.int32)
    even, odd = parted(rows, numbers, sizes_of(numbers, 2)[0])
    np.testing.assert_array_equal(even, rows[1::2])
    np.testing.assert_array_equal(odd, rows[::2])
