"""Checks of the range of indices, for each width of integers."""

import numpy as np
import pytest

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.array.gather import bad_vectors, check_indices


class AnyOp:
    bad_indices_policy = ""
    invalid = InvalidArgumentError  # what an op raises


# The last size is above the unsigned 16-bit number that has the bits of -2.
@pytest.mark.parametrize("size", [3, 40_000, 70_000])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_indices_out_of_range_are_found(dtype, size):
    check_indices(AnyOp, np.array([0, 2], dtype), size)
    assert bad_vectors(AnyOp, np.array([[0, 2]], dtype), (4, size), str) is None
    for wrong in (-2, size):
        if wrong > np.iinfo(dtype).max:
            continue
        with pytest.raises(InvalidArgumentError, match=rf"indices\[1\] = {wrong} is not in"):
            check_indices(AnyOp, np.array([0, wrong], dtype), size)
        with pytest.raises(InvalidArgumentError, match=rf"indices\[1\] = \[0, {wrong}\] .* the x"):
            bad_vectors(AnyOp, np.array([[1, 2], [0, wrong]], dtype), (4, size), lambda: "the x")


def test_ignored_indices_are_marked():
    class Ignoring(AnyOp):
        bad_indices_policy = "IGNORE"

    bad = bad_vectors(Ignoring, np.array([[0], [-1], [5]]), (5,), str)
    assert bad.tolist() == [False, True, True]
