"""Lists of tensors as inputs and results of programs: dense arrays of a length and an element shape."""

from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.shapes import UNKNOWN
from penstock._src.ops.control.list_value import TensorList

MIXED = "mixed"  # the "shape" of a list whose elements differ in shape


class ListKey(NamedTuple):
    """What a specialization depends on of a list."""

    length: int
    dtype: Any
    element_shape: Any

    def shared(self) -> Any:
        """What a program for many extents depends on of it: it reads the length and the extents of elements in each call."""
        shape = self.element_shape
        return self.dtype, self.length == 0, len(shape) if isinstance(shape, tuple) else shape


def list_key(value: TensorList) -> ListKey:
    """The key of a list."""
    return ListKey(len(value), value.dtype, element_shape(value))


class DenseList(TensorList):
    """A list computed by a program: the rows of one array."""

    __slots__ = ("dense",)

    def __init__(self, dtype: Any, element_shape: Any, dense: np.ndarray) -> None:
        super().__init__(dtype, element_shape, list(dense))
        self.dense = dense

    def accepts(self, item: Any) -> bool:
        """True: its element shape is that of the elements so far; others may follow."""
        return True

    def with_items(self, items: list[Any]) -> TensorList:
        """Returns a list of the same type holding `items`, of any shapes."""
        return TensorList(self.dtype, UNKNOWN, items)


def element_shape(value: TensorList) -> Any:
    """The common shape of a list's elements; MIXED if they differ, None if it is not known yet."""
    if isinstance(value, DenseList):
        return value.dense.shape[1:]
    static = value.element_shape
    shapes = {getattr(item, "shape", None) for item in value.items if item is not None}
    if static.is_fully_defined():
        shapes.add(tuple(static.as_list()))
    return MIXED if len(shapes) > 1 else next(iter(shapes), None)


def stacked(value: TensorList) -> np.ndarray:
    """The elements of a list as one array."""
    dense = getattr(value, "dense", None)
    if dense is not None:
        return dense
    shapes = (item.shape for item in value.items if item is not None)
    shape = next(shapes, None)
    shape = value.element_shape.as_list() if shape is None else shape  # no element is set yet
    result = np.zeros((len(value), *shape), value.dtype.np)
    for i, item in enumerate(value.items):
        if item is not None:
            result[i] = item
    return result
