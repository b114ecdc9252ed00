"""Arrays with addresses that kernels like."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.values.arrays import ALIGNMENT, zeros_aligned


@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (5, 40_000)])
def test_zeros_are_aligned(shape):
    found = zeros_aligned(shape, np.dtype(np.float16))
    assert found.shape == shape and found.dtype == np.float16 and not found.any()
    assert found.ctypes.data % ALIGNMENT == 0 and found.flags.writeable


def test_too_many_zeros_are_refused():
    with pytest.raises(ResourceExhaustedError):
        zeros_aligned((1 << 60,), np.dtype(np.float32))


def test_arrays_of_strings_and_others_are_refused():
    with pytest.raises(ValueError, match="Unsupported object type int"):
        tf.constant(np.array(["a", 1], object))
