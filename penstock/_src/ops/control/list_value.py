"""Host values of tensor lists: immutable sequences of arrays of one dtype."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape

MIXED = "mixed"  # the common shape of items that differ in shape


class TensorList:
    """Arrays of one dtype with shapes that fit `element_shape`. An unset item is None and reads as zeros."""

    __slots__ = ("dtype", "element_shape", "items", "max_num_elements")

    def __init__(
        self,
        dtype: DType,
        element_shape: TensorShape,
        items: Sequence[Any] = (),
        max_num_elements: int = -1,
    ) -> None:
        self.dtype = dtype
        self.element_shape = element_shape
        self.items = items if type(items) is list else list(items)
        self.max_num_elements = max_num_elements

    @property
    def handle_data(self) -> list[tuple[TensorShape, DType]]:
        """The shape and dtype of elements, as graphs keep them for handles."""
        return [(self.element_shape, self.dtype)]

    @property
    def declared_shape(self) -> TensorShape:
        """The shape that every element must have."""
        return self.element_shape

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"TensorList({self.dtype.name}, {self.element_shape}, {len(self.items)} elements)"

    def with_items(self, items: list[Any]) -> "TensorList":
        """Returns a list of the same kind holding `items`."""
        return TensorList(self.dtype, self.element_shape, items, self.max_num_elements)

    def accepts(self, item: Any) -> bool:
        """True if `item` has the right dtype and shape for the list."""
        return self.element_shape.is_compatible_with(make_shape(np.shape(item)))

    def item(self, index: int, shape: TensorShape = UNKNOWN) -> Any:
        """Returns the array at `index`, zeros where none was set."""
        array = self.items[index]
        if array is not None and not (shape.is_fully_defined() and _may_be_unset(array, shape)):
            return array
        known = self.known_shape(shape)
        if not known.is_fully_defined():
            raise InvalidArgumentError(
                "Trying to read an uninitialized tensor but element_shape is not fully defined: "
                f"{known} and no list element is set."
            )
        return zeros(known, self.dtype)

    def known_shape(self, shape: TensorShape) -> TensorShape:
        """Returns the shape of every item, merged with `shape`."""
        known = self.element_shape.merge_with(shape)
        for array in self.items:
            if known.is_fully_defined():
                break
            if array is not None:
                known = known.merge_with(make_shape(shape_of(array)))
        return known

    def stacked(self, shape: TensorShape, op: str) -> np.ndarray:
        """Returns all items in one array with a new first axis."""
        return self.gathered(range(len(self.items)), shape, op)

    def gathered(self, indices: Sequence[int], shape: TensorShape, op: str) -> np.ndarray:
        """Returns the items at `indices` in one array with a new first axis."""
        try:
            known = self.known_shape(shape)
        except ValueError as error:
            raise InvalidArgumentError(
                f"{op}: tried to stack items of unequal shapes. {error}"
            ) from None
        if not known.is_fully_defined():
            raise InvalidArgumentError(
                "Tried to stack elements of an empty list with non-fully-defined element_shape: "
                f"{known}"
            )
        dims = tuple(known.as_list())
        out = np.zeros((len(indices), *dims), self.dtype.np)
        if self.dtype.np.hasobject:
            out.fill(b"")
        for position, index in enumerate(indices):
            array = self.items[index]
            if array is None or _may_be_unset(array, known):
                continue
            if shape_of(array) != dims:
                raise InvalidArgumentError(
                    f"{op}: tried to stack items of unequal shapes. Received {shape_of(array)} and {dims}."
                )
            if isinstance(array, np.ndarray):
                # [...]: otherwise a string array would be stored as an object.
                out[position, ...] = array
            else:
                out[position] = array
        return out

    def common_shape(self) -> Any:
        """Returns the shape of all items as a tuple; MIXED if they differ, None if it is not known yet."""
        shapes = {getattr(item, "shape", None) for item in self.items if item is not None}
        if self.element_shape.is_fully_defined():
            shapes.add(tuple(self.element_shape.as_list()))
        return MIXED if len(shapes) > 1 else next(iter(shapes), None)

    def rows(self) -> np.ndarray:
        """Returns the items, which have a common shape, as the rows of one array."""
        shape = self.common_shape()
        known = self.element_shape.as_list() if shape is None else shape  # no item is set yet
        result = np.zeros((len(self), *known), self.dtype.np)
        for i, item in enumerate(self.items):
            if item is not None:
                result[i, ...] = item
        return result

    def zeros_like(self) -> "TensorList":
        """Returns a list of as many unset items."""
        return self.with_items([None if item is None else _zeros_like(item) for item in self.items])

    def __add__(self, other: Any) -> "TensorList":
        """Adds item by item, as gradients of lists are summed."""
        if isinstance(other, int) and other == 0:
            return self
        if not isinstance(other, TensorList):
            return NotImplemented
        if self.dtype is not other.dtype or len(self) != len(other):
            raise InvalidArgumentError(
                f"AddN: lists must have the same dtype and length. Received {self} and {other}."
            )
        items = [_sum(left, right) for left, right in zip(self.items, other.items, strict=True)]
        return TensorList(self.dtype, self.declared_shape.merge_with(other.declared_shape), items)

    __radd__ = __add__


class _ListOfRows(TensorList):
    """A list computed by a program: the rows of one array, zeros for items that it did not set, whatever their shape is."""

    __slots__ = ("dense",)

    def __init__(self, dtype: DType, dense: np.ndarray) -> None:
        super().__init__(dtype, make_shape(dense.shape[1:]), list(dense))
        self.dense = dense

    @property
    def declared_shape(self) -> TensorShape:
        """Unknown: the element shape is that of the items so far; others may follow."""
        return UNKNOWN

    def accepts(self, item: Any) -> bool:
        """True for all items."""
        return True

    def known_shape(self, shape: TensorShape) -> TensorShape:
        """Returns `shape` if it says all, else that of the items."""
        return shape if shape.is_fully_defined() else super().known_shape(shape)

    def with_items(self, items: list[Any]) -> TensorList:
        """Returns a list of the same type holding `items`, of any shapes."""
        return TensorList(self.dtype, UNKNOWN, items)

    def common_shape(self) -> Any:
        """Returns the shape of all items."""
        return self.dense.shape[1:]

    def rows(self) -> np.ndarray:
        """Returns the array."""
        return self.dense


def list_of_rows(dtype: DType, rows: np.ndarray) -> TensorList:
    """Returns the list that a program has computed as the rows of one array."""
    return _ListOfRows(dtype, rows)


def shape_of(item: Any) -> tuple[int, ...]:
    """Returns the shape of an item; handles are scalars."""
    return item.shape if isinstance(item, np.ndarray | np.generic) else ()


def zeros(shape: TensorShape, dtype: DType) -> np.ndarray:
    """Returns the value of an item that was never set."""
    array = np.zeros(tuple(shape.as_list()), dtype.np)
    if dtype.np.hasobject:
        array.fill(b"")
    return array


def _may_be_unset(item: Any, shape: TensorShape) -> bool:
    """True for zeros of another shape: a program gives those that it did not set the shape of those that it did."""
    return (
        isinstance(item, np.ndarray)
        and not shape.is_compatible_with(make_shape(item.shape))
        and not item.dtype.hasobject
        and not item.any()
    )


def _sum(left: Any, right: Any) -> Any:
    """Adds two items, either of which may be unset."""
    if left is None or right is None:
        return right if left is None else left
    if isinstance(left, TensorList) or shape_of(left) == shape_of(right):
        return left + right
    if _may_be_unset(left, make_shape(shape_of(right))):
        return right
    if _may_be_unset(right, make_shape(shape_of(left))):
        return left
    raise InvalidArgumentError(
        f"AddN: lists must have elements of the same shapes. Received {shape_of(left)} and {shape_of(right)}."
    )


def _zeros_like(item: Any) -> Any:
    return item.zeros_like() if isinstance(item, TensorList) else np.zeros_like(item)


def shape_from(value: Any) -> TensorShape:
    """Returns the shape in an `element_shape` input: -1 is an unknown dimension, a scalar -1 an unknown rank."""
    if value.ndim == 0:
        return UNKNOWN
    return make_shape(tuple(None if size < 0 else int(size) for size in value.tolist()))


def shape_to(shape: TensorShape, dtype: DType) -> np.ndarray:
    """Returns the value of an `element_shape` output."""
    if shape.rank is None:
        return np.asarray(-1, dtype.np)
    return np.array([-1 if size is None else size for size in shape.as_list()], dtype.np)
