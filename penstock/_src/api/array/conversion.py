"""The public function that makes tensors, which classes of others may take over."""

from typing import Any

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor


@dispatchable("convert_to_tensor", v1=[])
def convert_to_tensor_v2(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Tensor:
    """Returns `value` as a tensor: numbers, nested lists, NumPy arrays and variables convert.

    Without `dtype`, Python integers become int32 (int64 if they need it), floats float32, and
    arrays keep their own dtype.

    Args:
      value: what to convert. A tensor is returned unchanged, a variable gives its present value.
      dtype: the dtype required of the result. By default it is inferred from `value`.
      dtype_hint: the dtype preferred where `dtype` is None; ignored if `value` does not convert
        to it.
      name: a name for the operation.

    Returns:
      A tensor of `dtype`, or of the inferred dtype, in the shape of `value`.

    Raises:
      TypeError: there is no conversion from the type of `value`, or its elements do not fit
        `dtype`.
      ValueError: `value` is a tensor of another dtype, or its nested lists differ in length.

    >>> tf.convert_to_tensor([[1, 2], [3, 4]])
    <tf.Tensor: shape=(2, 2), dtype=int32, numpy=
    array([[1, 2],
           [3, 4]], dtype=int32)>
    >>> tf.convert_to_tensor(1, dtype_hint=tf.float64).dtype
    tf.float64
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
