"""DLPack's codes of dtypes."""

import pytest

from penstock._src.core import dtypes, typesets
from penstock._src.core.values.dlpack import code_of, dtype_of


@pytest.mark.parametrize("dtype", sorted(typesets.NUMERIC | typesets.BOOL, key=str), ids=str)
def test_a_code_and_bits_are_those_of_one_dtype(dtype):
    assert dtype_of(code_of(dtype), 8 * dtype.size) is dtype


def test_codes_are_those_of_the_standard():
    """Numbers of DLDataTypeCode in dlpack.h."""
    kinds = (dtypes.int8, dtypes.uint8, dtypes.float16, dtypes.bfloat16, dtypes.complex64)
    assert [code_of(dtype) for dtype in (*kinds, dtypes.bool_)] == [0, 1, 2, 4, 5, 6]
    assert code_of(dtypes.string) is None and code_of(dtypes.float8_e5m2) is None


@pytest.mark.parametrize("code, bits", [(3, 64), (0, 4), (2, 24), (4, 32), (7, 8), (2, 0)])
def test_other_codes_and_widths_are_no_dtypes(code, bits):
    assert dtype_of(code, bits) is None
