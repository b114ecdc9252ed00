"""Arrays with addresses that kernels like."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.values.arrays import ALIGNMENT, plain_array, to_array, zeros_aligned


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


NESTED = [0, -7, 2**31, 1.5, 1e39, float("inf"), float("nan"), True, "a", np.int64(3), [], None]


@pytest.mark.parametrize(
    "dtype", [None, tf.int32, tf.int64, tf.float32, tf.float64, tf.bool, tf.int8]
)
def test_the_fast_path_agrees_with_the_general_one(dtype):
    rows = [[a, b] for a in NESTED for b in NESTED]
    for value in [*NESTED, *rows, *([row, row] for row in rows), *((row, [0]) for row in rows)]:
        fast = plain_array(value, dtype)
        if fast is not None:
            array, own = to_array(value, dtype)
            assert fast[1] is own and fast[0].dtype == array.dtype and fast[0].shape == array.shape
            assert fast[0].tobytes() == array.tobytes()


def test_a_list_in_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        tf.constant(endless)
