"""Values of one tensor for many elements of a dataset at once, the inputs and outputs of `Op.eager_each`.

A value is `Stacked` if it has one shape for all elements, `Ragged` if its first dimension differs, and `Deferred` if it is computed when an op
takes it; any other array is shared by all elements.
"""

import copy
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Bytes of neighboring elements that share memory: few, because one element that stays alive keeps them all.
_TOGETHER = 1 << 10


class NotGrouped(Exception):
    """The values or the op do not support grouped computation: the elements are computed one by one."""


class Stacked:
    """The values of elements along a new first dimension.

    Args:
      array: the stack.
    """

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def elements(self) -> list[np.ndarray]:
        """The value of each element; the memory may be shared with a few other elements."""
        values: list[np.ndarray] = []
        together = (
            1 if self.array.dtype == object else max(1, _TOGETHER // max(1, self.array[0].nbytes))
        )
        for begin in range(0, len(self), together):
            part = self.array[begin : begin + together].copy()
            values += [part[at, ...] for at in range(len(part))]
        return values


class Ragged:
    """The values of elements, one element's rows after the other's.

    Args:
      values: all rows.
      splits: where each element's rows begin, and the number of all rows.
    """

    __slots__ = ("splits", "values")

    def __init__(self, values: np.ndarray, splits: np.ndarray) -> None:
        self.values, self.splits = values, splits

    def __len__(self) -> int:
        return len(self.splits) - 1

    @property
    def counts(self) -> np.ndarray:
        """The number of rows of each element."""
        return np.diff(self.splits)

    def elements(self) -> list[np.ndarray]:
        """The value of each element, in separate memory."""
        values = self.values
        return [values[a:b].copy() for a, b in itertools.pairwise(self.splits.tolist())]

    def stacked(self) -> Stacked:
        """The same as a stack.

        Raises:
          NotGrouped: the elements have different shapes.
        """
        counts = self.counts
        if (counts != counts[0]).any():
            raise NotGrouped
        return Stacked(self.values.reshape(len(self), counts[0], *self.values.shape[1:]))


class Deferred:
    """The values of elements, not computed yet: an op that takes them may compute them together with its own results.

    Args:
      count: the number of elements.
      views: functions of a value that give a view of it, applied in order.
    """

    def __init__(self, count: int, views: tuple[Callable[[Any], Any], ...] = ()) -> None:
        self.count, self.views = count, views

    def __len__(self) -> int:
        return self.count

    def computed(self, at: int) -> np.ndarray:
        """The value of an element before the views."""
        raise NotImplementedError(type(self).__name__)

    def element(self, at: int) -> np.ndarray:
        """The value of an element."""
        return functools.reduce(lambda value, view: view(value), self.views, self.computed(at))

    def elements(self) -> list[np.ndarray]:
        """The value of each element, in memory of its own."""
        return [self.element(at) for at in range(len(self))]

    def viewed(self, view: Callable[[Any], Any]) -> "Deferred":
        """The same elements through one more view."""
        seen = copy.copy(self)
        seen.views = (*self.views, view)
        return seen


Group = Stacked | Ragged


def is_group(value: Any) -> bool:
    """True if a value is a group, with one value for each element."""
    return type(value) is Stacked or type(value) is Ragged or isinstance(value, Deferred)


def splits_of(counts: Any) -> np.ndarray:
    """Return the row splits of rows with these counts."""
    splits = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=splits[1:])
    return splits


def group_of(values: Sequence[Any]) -> Group:
    """The host values of elements as a group.

    Raises:
      NotGrouped: they are not arrays, or differ in more than their first dimension.
    """
    first = values[0]
    if not all(type(value) is np.ndarray for value in values):
        raise NotGrouped
    if len({value.shape for value in values}) == 1:
        array = np.empty((len(values), *first.shape), first.dtype)
        if first.ndim:
            np.stack(values, out=array)
        else:
            array[:] = [value[()] for value in values]
        return Stacked(array)
    if len({value.shape[1:] for value in values}) > 1 or not all(value.ndim for value in values):
        raise NotGrouped
    return Ragged(np.concatenate(values), splits_of([len(value) for value in values]))


def flat(group: Group) -> np.ndarray:
    """All values of a group of scalars or of vectors."""
    return group.array.reshape(-1) if type(group) is Stacked else group.values  # type: ignore[union-attr]


def like(group: Group, values: np.ndarray) -> Group:
    """Values, one for each of a group's, in the group's form."""
    if type(group) is Stacked:
        return Stacked(values.reshape(group.array.shape))
    return Ragged(values, group.splits)  # type: ignore[union-attr]


def elementwise(compute: Callable[..., Any], inputs: Sequence[Any]) -> Group:
    """The results of a function that maps elements of arrays to elements.

    Args:
      compute: takes arrays that broadcast.
      inputs: groups, and arrays that all elements share.

    Raises:
      NotGrouped: the shapes of the elements do not broadcast as those of the group would.
    """
    ragged = next((value for value in inputs if type(value) is Ragged), None)
    if ragged is None:
        rank = max(value.array.ndim for value in inputs if is_group(value))
        return Stacked(np.asarray(compute(*[_of_rank(value, rank) for value in inputs])))
    values = [_in_rows(value, ragged) for value in inputs]
    return Ragged(np.asarray(compute(*values)), ragged.splits)


def _of_rank(value: Any, rank: int) -> np.ndarray:
    """Return a stack with elements of rank - 1 dimensions, or an array that broadcasts to one."""
    if type(value) is not Stacked:
        if value.ndim >= rank:
            raise NotGrouped
        return value
    array = value.array
    missing = (1,) * (rank - array.ndim)
    return array.reshape(len(array), *missing, *array.shape[1:]) if missing else array


def _in_rows(value: Any, ragged: Ragged) -> np.ndarray:
    """The value of each row."""
    if not is_group(value):
        if value.ndim:
            raise NotGrouped
        return value
    if type(value) is Stacked:
        if value.array.ndim > 1:
            raise NotGrouped
        return np.repeat(value.array, ragged.counts).reshape(-1, *(1,) * (ragged.values.ndim - 1))
    alike = value.splits is ragged.splits or np.array_equal(value.splits, ragged.splits)
    if not alike or value.values.ndim != ragged.values.ndim:
        raise NotGrouped
    return value.values
