"""Stacks elements to batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.memory import LARGE
from penstock._src.ops.data.iteration.resume import Element

_LARGE_ROW = 1 << 16  # bytes: smaller rows are still in a cache when their batch is complete
_LARGEST = 1 << 28  # bytes of a batch whose memory is taken before its number of rows is known


def stack(values: Sequence[Any], component: int = 0) -> Any:
    """The values of one component, stacked along a new first dimension.

    Raises:
      InvalidArgumentError: their shapes differ.
    """
    first = values[0]
    if not isinstance(first, np.ndarray):  # variants
        stacked = np.empty(len(values), object)
        stacked[:] = values
        return stacked
    shape = first.shape
    for at, value in enumerate(values):
        if value.shape != shape:
            raise _different(component, shape, at, value.shape)
    stacked = _room(first, len(values))
    for at, value in enumerate(values):
        stacked[at, ...] = value  # [...]: otherwise a rank-0 array would be stored as an object
    return stacked


def stack_elements(elements: Sequence[Element]) -> Element:
    """Elements with each component stacked."""
    return tuple([stack(values, at) for at, values in enumerate(zip(*elements, strict=True))])


def _room(row: np.ndarray, count: int) -> np.ndarray:
    """Uninitialized memory for a number of rows."""
    # of large arrays memory is used again, whose pages are there
    make = empty_aligned if count * row.nbytes >= LARGE else np.empty
    return make((count, *row.shape), row.dtype)


def _different(
    component: int, first: tuple[int, ...], at: int, shape: tuple[int, ...]
) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"Cannot batch tensors with different shapes in component {component}. First "
        f"element had shape {list(first)} and element {at} had shape {list(shape)}."
    )


class _Rows:
    """Large rows of one component, copied where they belong while a cache still holds them."""

    def __init__(self, first: np.ndarray, size: int, component: int) -> None:
        self.array, self.count, self.component = _room(first, size), 0, component
        self.error: InvalidArgumentError | None = None

    def append(self, row: np.ndarray) -> None:
        shape = self.array.shape[1:]
        if row.shape == shape:
            self.array[self.count] = row
        elif self.error is None:
            self.error = _different(self.component, shape, self.count, row.shape)
        self.count += 1

    def stacked(self) -> np.ndarray:
        if self.error is not None:
            raise self.error
        return self.array if self.count == len(self.array) else self.array[: self.count]


class _Values(list):
    """Small values of one component, or variants."""

    def __init__(self, component: int) -> None:
        super().__init__()
        self.component = component

    def stacked(self) -> Any:
        return stack(self, self.component)


def has_large_rows(element: Element) -> bool:
    """True if a component of an element is worth copying before the next element is computed."""
    return any(isinstance(x, np.ndarray) and x.nbytes >= _LARGE_ROW for x in element)


def stacked_one_by_one(first: Element, rest: Iterable[Element], size: int, least: int) -> Element:
    """The stack of an element and those that follow, fewer than `size` in all.

    Args:
      first: the first element.
      rest: the following ones; read to their end, also if shapes differ.
      size: the most elements that come.
      least: the number of elements below which there is no stack.

    Returns:
      The stack; `()` if there are too few elements.

    Raises:
      InvalidArgumentError: shapes differ.
    """
    columns = [
        _Rows(value, size, at)
        if isinstance(value, np.ndarray) and _LARGE_ROW <= value.nbytes <= _LARGEST // size
        else _Values(at)
        for at, value in enumerate(first)
    ]
    count = 0
    for element in _chained(first, rest):
        count += 1
        for column, value in zip(columns, element, strict=True):
            column.append(value)
    return tuple([column.stacked() for column in columns]) if count >= least else ()


def _chained(first: Element, rest: Iterable[Element]) -> Iterator[Element]:
    yield first
    yield from rest
