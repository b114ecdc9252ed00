"""Bools as the bits of integers."""

from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_less_equal
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

_MOST = {
    dtypes.int8: 7,
    dtypes.uint8: 8,
    dtypes.int16: 15,
    dtypes.uint16: 16,
    dtypes.int32: 31,
    dtypes.int64: 63,
}


def create_feature_bitmask(tensor: Any, dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """Returns the integers whose bits are the bools of the last dimension, the first of them the highest.

    Args:
      tensor: bools.
      dtype: of the integers.
      name: is not used.

    Returns:
      Integers, with one dimension less.

    Raises:
      InvalidArgumentError: `tensor` is a list of tensors, or `dtype` is not one of these types.
      ValueError: there are more bools than bits.
    """
    if isinstance(tensor, (list, tuple)) and tensor and isinstance(tensor[0], Tensor):
        raise InvalidArgumentError(
            "CreateFeatureBitmask does not support lists of tensors. Consider using tf.stack(list,-1) to create a single tensor before invoking this op."
        )
    tensor = convert_to_tensor(tensor, dtypes.bool_, name="tensor")
    dtype = dtypes.as_dtype(dtype)
    if dtype not in _MOST:
        raise InvalidArgumentError(
            f"dtype must be one of: [{', '.join(kind.name for kind in _MOST)}], was {dtype.name}"
        )
    count = tensor.shape[-1] if tensor.shape.rank is not None else None
    most = _MOST[dtype]
    if count is not None:
        if count > 63:
            raise ValueError(f"data.shape[-1] must be less than 64, is {count}.")
        if count > most:
            raise ValueError(
                f"data.shape[-1] is too large for {dtype.name} (was {count}, cannot exceed {most}); consider a larger dtype."
            )
        bits = convert_to_tensor(
            np.array([1 << k for k in reversed(range(count))], dtype.np), dtype=dtype
        )
    else:
        known = raw.Shape(input=tensor)[-1]
        message = f"data.shape[-1] is too large for {dtype.name} (cannot exceed {most})"
        all_bits = convert_to_tensor(
            np.array([1 << k for k in reversed(range(most))], dtype.np), dtype=dtype
        )
        with control_dependencies([assert_less_equal(known, most, message=message)]):
            bits = all_bits[most - known :]
    return reduce_sum(cast(tensor, dtype) * bits, axis=-1)
