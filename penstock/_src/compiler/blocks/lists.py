"""The keys of lists of tensors, which are inputs of programs as dense arrays of a length and an element shape."""

from typing import Any, NamedTuple

from penstock._src.ops.control.list_value import TensorList


class ListKey(NamedTuple):
    """Properties of a list that a specialization depends on."""

    length: int
    dtype: Any
    element_shape: Any

    def shared(self) -> Any:
        """Properties that a program for many extents depends on: it reads the length and the extents of elements in each call."""
        shape = self.element_shape
        return self.dtype, self.length == 0, len(shape) if isinstance(shape, tuple) else shape


def list_key(value: TensorList) -> ListKey:
    """The key of a list."""
    return ListKey(len(value), value.dtype, value.common_shape())
