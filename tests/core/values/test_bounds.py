"""Bounds of comparisons among numbers that programs tell apart."""

import numpy as np
import pytest

from penstock._src.core.values.bounds import normal_bounds


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_denormal_bounds_become_the_next_number_that_is_not(dtype):
    tiny = np.finfo(dtype).tiny
    least = np.finfo(dtype).smallest_subnormal
    bounds = np.array([-1, -tiny, -tiny / 2, -least, 0, least, tiny / 2, tiny, 1], dtype)
    up = np.array([-1, -tiny, 0, 0, 0, tiny, tiny, tiny, 1], dtype)
    np.testing.assert_array_equal(normal_bounds(bounds, np.inf), up)
    np.testing.assert_array_equal(normal_bounds(bounds, -np.inf), -up[::-1])
