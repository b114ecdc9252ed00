"""Scatters of rows beside NumPy's functions at indices."""

import ml_dtypes
import numpy as np
import pytest

from penstock._src.native.algorithms.grouping.scatters import scatter_rows
from penstock._src.native.systems import runs_native_code

pytestmark = pytest.mark.skipif(not runs_native_code(), reason="no native code on this system")

NATIVE = (np.float32, np.float64, np.int32, np.int64)
MOVED = (*NATIVE, np.bool_, np.uint8, np.int16, ml_dtypes.bfloat16, np.complex64, np.complex128)
UFUNCS = {"add": np.add, "sub": np.subtract, "max": np.maximum, "min": np.minimum}


def _case(seed, dtype, depth):
    rng = np.random.default_rng(seed)
    shape = (3, 4, 5, 37)
    vectors = rng.integers(0, shape[:depth], (17, depth)).astype(rng.choice([np.int32, np.int64]))
    into = (rng.normal(size=shape) * 9).astype(dtype)
    return into, vectors, (rng.normal(size=(17, *shape[depth:])) * 9).astype(dtype)


@pytest.mark.parametrize("depth", (1, 2, 3, 4))
@pytest.mark.parametrize("how", UFUNCS)
@pytest.mark.parametrize("dtype", NATIVE)
def test_rows_are_combined_in_order(how, dtype, depth):
    into, vectors, rows = _case(depth, dtype, depth)
    if into.dtype.kind == "f":
        rows.flat[:3] = np.nan, np.inf, -0.0
    expected = into.copy()
    UFUNCS[how].at(expected, tuple(vectors.T), rows)
    assert scatter_rows(how, into, vectors, rows) == len(vectors)
    np.testing.assert_array_equal(into, expected)


@pytest.mark.parametrize("depth", (1, 4))
@pytest.mark.parametrize("dtype", MOVED)
def test_the_last_row_for_an_index_is_kept(dtype, depth):
    into, vectors, rows = _case(depth, dtype, depth)
    expected = into.copy()
    for vector, row in zip(vectors, rows, strict=True):
        expected[tuple(vector)] = row
    assert scatter_rows("set", into, vectors, rows) == len(vectors)
    np.testing.assert_array_equal(into, expected)


@pytest.mark.parametrize("bad", (-1, 3, 1 << 30))
def test_rows_before_a_vector_out_of_range_are_counted(bad):
    into, vectors, rows = _case(1, np.float32, 2)
    vectors[5, 0] = bad
    assert scatter_rows("add", into, vectors, rows) == 5


def test_sums_of_narrow_floats_have_no_native_code():
    into, vectors, rows = _case(1, ml_dtypes.bfloat16, 2)
    assert scatter_rows("add", into, vectors, rows) is None
