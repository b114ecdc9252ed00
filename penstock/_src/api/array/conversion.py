"""The public function that makes tensors, which classes of others may take over."""

from typing import Any

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor


@dispatchable("convert_to_tensor", v1=[])
def convert_to_tensor_v2(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Tensor:
    """Returns `value` as a tensor: Python numbers, nested lists, arrays and variables convert.

    Args:
      value: the value to convert; a tensor is returned unchanged.
      dtype: the required dtype; by default inferred.
      dtype_hint: the preferred dtype if `dtype` is None and the conversion is possible.
      name: the name of the constant in a graph.

    Raises:
      TypeError: there is no conversion, or the elements do not fit `dtype`.
      ValueError: the value is a tensor of another dtype, or not rectangular.
    """
    return convert_to_tensor(value, dtype=dtype, name=name, dtype_hint=dtype_hint)


@dispatchable(v1=["convert_to_tensor"])
def convert_to_tensor_v1(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Tensor:
    """Returns `value` as a tensor; see `tf.convert_to_tensor`."""
    hint = dtype_hint if dtype_hint is not None else preferred_dtype
    return convert_to_tensor(value, dtype=dtype, name=name, dtype_hint=hint)
