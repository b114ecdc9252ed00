"""Arguments of datasets as tensors."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.data.batching.padding import shape_tensor


def optional_param_to_tensor(
    argument_name: str,
    argument_value: Any,
    argument_default: Any = 0,
    argument_dtype: Any = dtypes.int64,
) -> Any:
    """Returns an argument as a tensor, the default in place of None."""
    value = argument_default if argument_value is None else argument_value
    return convert_to_tensor(value, dtype=argument_dtype, name=argument_name)


partial_shape_to_tensor = shape_tensor
