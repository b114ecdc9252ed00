"""The places of what is true: native against the interpreter."""

import numpy as np
import pytest


@pytest.mark.parametrize(
    "shape", [(1,), (7,), (8,), (65,), (3, 5), (40, 1000), (16, 1, 9, 11), (100_003,)]
)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_indices_of_true_elements_are_in_row_major_order(native, shape, share):
    mask = np.random.default_rng(1).random(shape) < share
    native(lambda p, x: p.argwhere(x), mask)
    native(lambda p, x: p.argwhere(p.ne(x, 0)), mask.astype(np.float32))


def test_bytes_of_bools_may_be_any(native):
    mask = np.arange(300, dtype=np.uint8).view(bool)
    native(lambda p, x: p.argwhere(x), mask)
