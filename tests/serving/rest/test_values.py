"""JSON values as arrays."""

import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.rest import values
from penstock._src.serving.servables.servable import TensorInfo


@pytest.mark.parametrize("depth", [65, 1000])
@pytest.mark.parametrize("dtype", [dtypes.string, dtypes.float32])
def test_lists_that_are_too_deep_for_an_array_are_refused(dtype, depth):
    deep = values.parse(b"[" * depth + b'"a"' + b"]" * depth)
    with pytest.raises(InvalidArgumentError, match="The input 'x'"):
        values.array_of(deep, TensorInfo(dtype, None), "x")
