"""Cached small constants for eager code: shapes, axes, permutations."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor

_LIMIT = 2**31


@functools.lru_cache(4096, typed=True)
def integers(*values: int) -> EagerTensor:
    """Returns a cached vector of ints: int32, or int64 if a value needs it. Tensors are immutable, so calls can share it.

    Raises:
      TypeError: a value is not an int.
    """
    if not all(type(value) is int for value in values):
        raise TypeError(f"Expected integers. Received {values}.")
    dtype = dtypes.int32 if all(-_LIMIT <= v < _LIMIT for v in values) else dtypes.int64
    return EagerTensor(np.array(values, dtype.np), dtype)


@functools.lru_cache(4096)
def integer(value: int, dtype: DType) -> Tensor:
    """Returns a cached scalar of this dtype. Tensors are immutable, so calls can share it.

    Raises:
    TypeError: the value does not fit the dtype.
    """
    return convert_to_tensor(value, dtype)
