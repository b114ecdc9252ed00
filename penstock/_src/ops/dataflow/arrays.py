"""The host value of TensorFlow 1's tensor arrays."""

from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape, make_shape
from penstock._src.core.values import memory_limit
from penstock._src.core.values.resources import Resource
from penstock._src.ops.rules import show

_REFERENCE = np.dtype(object)


class HostArray(Resource):
    """Tensors by index; each is written once and read once, unless `clear_after_read` is off.

    An array of gradients adds the values written to the same index.
    """

    def __init__(
        self,
        dtype: DType,
        size: int,
        element_shape: TensorShape,
        dynamic: bool = False,
        clears: bool = True,
        identical: bool = False,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self.dtype, self.element_shape = dtype, element_shape
        self.dynamic, self.clears, self.identical = dynamic, clears, identical
        self.items: list[Any] = []
        self._grow(size)
        self.cleared: set[int] = set()
        self.adds_up = False
        self.of: dict[str, HostArray] = {}
        self.model: list[Any] = []

    def _grow(self, size: int) -> None:
        """Adds empty elements up to a number of them."""
        memory_limit.require((size - len(self.items),), _REFERENCE, "TensorArray")
        self.items += [None] * (size - len(self.items))

    def _fail(self, message: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"TensorArray {self.name}: {message}")

    def write(self, index: int, value: Any, dtype: DType) -> None:
        """Puts a value at an index."""
        if dtype != self.dtype:
            raise self._fail(
                f"Could not write to TensorArray index {index} because the value dtype is "
                f"{dtype.name} but TensorArray dtype is {self.dtype.name}."
            )
        if self.dynamic and index >= len(self.items):
            self._grow(index + 1)
        if not 0 <= index < len(self.items):
            resizeable = "" if self.dynamic else " (the array is not resizeable)"
            raise self._fail(
                f"Tried to write to index {index} but array size is: {len(self.items)}{resizeable}"
            )
        value = np.asarray(value)
        if not self.element_shape.is_compatible_with(value.shape):
            raise self._fail(
                f"Could not write to TensorArray index {index} because the value shape is "
                f"{show(value.shape)} which is incompatible with the TensorArray's element shape: "
                f"{show(self.element_shape.as_list())}."
            )
        if self.identical:
            self.element_shape = make_shape(value.shape)
        current = self.items[index]
        if current is not None and self.adds_up:
            if current.shape != value.shape:
                raise self._fail(
                    f"Could not aggregate to TensorArray index {index} because the existing shape "
                    f"is {show(current.shape)} but the new input shape is {show(value.shape)}."
                )
            value = current + value
        elif current is not None or index in self.cleared:
            raise self._fail(
                f"Could not write to TensorArray index {index} because it has already been "
                f"{'read' if current is None else 'written to'}."
            )
        self.items[index] = value

    def read(self, index: int, dtype: DType) -> Any:
        """The value at an index."""
        if dtype != self.dtype:
            raise self._fail(
                f"TensorArray dtype is {self.dtype.name} but Op requested dtype {dtype.name}."
            )
        if not 0 <= index < len(self.items):
            raise self._fail(
                f"Tried to read from index {index} but array size is: {len(self.items)}"
            )
        if index in self.cleared:
            raise self._fail(
                f"Could not read index {index} twice because it was cleared after a previous read "
                "(perhaps try setting clear_after_read = false?)."
            )
        value = self.items[index]
        if value is None:
            value = self._zeros(index)
        if self.clears and not self.adds_up:
            self.items[index] = None
            self.cleared.add(index)
        return value

    def _zeros(self, index: int) -> Any:
        if self.model and index < len(self.model):
            return np.zeros(self.model[index], self.dtype.np)
        if self.element_shape.is_fully_defined():
            return np.zeros(self.element_shape.as_list(), self.dtype.np)
        raise self._fail(
            f"Could not read from TensorArray index {index}. Furthermore, the element shape is not "
            f"fully defined: {self.element_shape}. It is possible you are working with a "
            "resizeable TensorArray and stop_gradients is not allowing the gradients to be written."
        )

    def stacked(self, indices: Any, dtype: DType, shape: TensorShape) -> np.ndarray:
        """The values at some indices, stacked."""
        parts = [self.read(index, dtype) for index in indices]
        if parts:
            shapes = {np.shape(part) for part in parts}
            if len(shapes) > 1:
                raise self._fail(f"has inconsistent shapes: {sorted(shapes)}")
            return np.stack(parts)
        known = self.element_shape.merge_with(shape)
        if not known.is_fully_defined():
            raise self._fail(
                "TensorArray has size zero, but element shape is not fully defined: "
                f"{known}. Currently only static shapes are supported when packing zero-size "
                "TensorArrays."
            )
        return np.zeros([0, *known.as_list()], dtype.np)

    def joined(self, dtype: DType) -> tuple[np.ndarray, np.ndarray]:
        """All values concatenated, and their lengths."""
        parts = [self.read(index, dtype) for index in range(len(self.items))]
        lengths = np.array([len(part) for part in parts], np.int64)
        if not parts:
            return np.zeros([0, *self.element_shape.as_list()[1:]], dtype.np), lengths
        return np.concatenate(parts), lengths

    def gradients(self, source: str, lead: tuple[int, ...] = ()) -> "HostArray":
        """The array for the gradients of the computation `source`."""
        if source not in self.of:
            shape = make_shape(lead).concatenate(self.element_shape)
            array = HostArray(self.dtype, len(self.items), shape, self.dynamic, False)
            array.name, array.adds_up = f"{self.name}@{source}", True
            array.model = self.model or [
                None if item is None else (*lead, *item.shape) for item in self.items
            ]
            array.model = [] if None in array.model else array.model
            self.of[source] = array
        return self.of[source]

    def close(self) -> None:
        """Forgets the elements."""
        self.items = []


def array_of(handle: Any) -> HostArray:
    """The array behind a handle, which is a resource or a string."""
    array = handle.item() if isinstance(handle, np.ndarray) else handle
    if not isinstance(array, HostArray):
        raise InvalidArgumentError(f"Expected the handle of a TensorArray. Received {array!r}")
    return array
