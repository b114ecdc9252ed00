"""A list of tensors with the methods of Python's lists: `tensorflow.python.autograph.utils.tensor_list`."""

from __future__ import annotations

from typing import Any

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.bridge.python.ops import list_ops
from penstock._src.core.registry import raw
from penstock._src.function.autograph.builtins import is_tensor


def dynamic_list_append(target: Any, element: Any) -> Any:
    """Appends to a Python list, TensorArray or list of tensors; returns it."""
    if isinstance(target, TensorArray):
        return target.write(target.size(), element)
    if is_tensor(target):
        return raw.TensorListPushBack(input_handle=target, tensor=element)
    target.append(element)
    return target


class TensorList:
    """A list of tensors of one dtype.

    Args:
      shape: of the elements.
      dtype: of the elements.
    """

    def __init__(self, shape: Any, dtype: Any) -> None:
        self.shape, self.dtype = shape, dtype
        self.list_: Any
        self.clear()

    def append(self, value: Any) -> None:
        """Appends an element."""
        self.list_ = raw.TensorListPushBack(input_handle=self.list_, tensor=value)

    def pop(self) -> Any:
        """Removes the last element and returns it."""
        self.list_, value = list_ops.tensor_list_pop_back(self.list_, self.dtype)
        return value

    def clear(self) -> None:
        """Removes all elements."""
        self.list_ = list_ops.empty_tensor_list(self.shape, self.dtype)

    def count(self) -> Any:
        """Returns the number of elements."""
        return raw.TensorListLength(input_handle=self.list_)

    def __getitem__(self, key: Any) -> Any:
        return list_ops.tensor_list_get_item(self.list_, key, self.dtype)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.list_ = list_ops.tensor_list_set_item(self.list_, key, value)
