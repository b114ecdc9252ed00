"""JSON values as arrays."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.rest.parsing import values
from penstock._src.serving.servables.servable import TensorInfo


@pytest.mark.parametrize("depth", [65, 1000])
@pytest.mark.parametrize("dtype", [dtypes.string, dtypes.float32])
def test_lists_that_are_too_deep_for_an_array_are_refused(dtype, depth):
    deep = values.parse(b"[" * depth + b'"a"' + b"]" * depth)
    with pytest.raises(InvalidArgumentError, match="The input 'x'"):
        values.array_of(deep, TensorInfo(dtype, None), "x")


def test_unsigned_integers_of_all_sizes():
    found = values.array_of([2**64 - 1, 5], TensorInfo(dtypes.uint64, None), "x")
    assert found.dtype == np.uint64 and found.tolist() == [2**64 - 1, 5]
    for wrong in ([2**64 - 1, 0.5], [2**64 - 1, -1], [2**64, 0]):
        with pytest.raises(InvalidArgumentError, match="The input 'x' is of type uint64"):
            values.array_of(wrong, TensorInfo(dtypes.uint64, None), "x")


@pytest.mark.parametrize(
    "wrong, what", [("a", "a string"), (None, "null or an object"), ({}, "null or an object")]
)
@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.int64])
def test_what_is_no_number_is_refused_wherever_it_stands(dtype, wrong, what):
    for value in ([wrong], [[1, wrong]], [[1], [2, [wrong]]], [[wrong], 2]):
        with pytest.raises(InvalidArgumentError, match=f"The input 'x' is of type {dtype.name}. Received {what}"):  # fmt: skip
            values.array_of(value, TensorInfo(dtype, None), "x")
