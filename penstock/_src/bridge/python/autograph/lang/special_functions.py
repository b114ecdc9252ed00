"""Lists in code for Python and for graphs: `tensorflow.python.autograph.lang.special_functions`."""

from __future__ import annotations

from typing import Any

from penstock._src.bridge.python.autograph.operators import data_structures
from penstock._src.core.convert import convert_to_tensor
from penstock._src.function.autograph.builtins import is_tensor


def match_staging_level(value: Any, like_value: Any) -> Any:
    """Returns `value`, as a tensor if `like_value` is one."""
    return convert_to_tensor(value) if is_tensor(like_value) else value


def tensor_list(
    elements: Any,
    element_dtype: Any = None,
    element_shape: Any = None,
    use_tensor_array: bool = False,
) -> Any:
    """Returns a list of tensors, or a TensorArray.

    Args:
      elements: a tensor, whose rows are taken, a list or a tuple.
      element_dtype: required if there are no elements.
      element_shape: required if there are no elements.
      use_tensor_array: whether the result is a TensorArray.

    Raises:
      ValueError: the elements are none of these, or what they are is not known.
    """
    if (element_dtype is None or element_shape is None) and not is_tensor(elements):
        if not isinstance(elements, list | tuple):
            raise ValueError(
                f"unknown type for elements: {type(elements)}; only Tensor, list and tuple are allowed"
            )
        if not elements:
            raise ValueError("element_dtype and element_shape are required when elements are empty")
    make = (
        data_structures.tf_tensor_array_new
        if use_tensor_array
        else data_structures.tf_tensor_list_new
    )
    return make(elements, element_dtype, element_shape)


def stack(list_or_tensor: Any, element_dtype: Any = None, strict: bool = True) -> Any:
    """Returns the elements of a list of tensors, stacked; tensors as they are.

    Args:
      list_or_tensor: anything.
      element_dtype: of the elements.
      strict: whether other values raise ValueError, instead of being returned.
    """

    def other(value: Any) -> Any:
        if strict:
            raise ValueError(f"{value} must be stackable when strict=True")
        return value

    return data_structures.list_stack(
        list_or_tensor, data_structures.ListStackOpts(element_dtype, other)
    )
