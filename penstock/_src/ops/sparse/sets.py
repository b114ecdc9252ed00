"""Sets in the rows of dense or sparse tensors."""

import math
from typing import NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.core.op import Op, at_least
from penstock._src.core.typesets import SIGNED
from penstock._src.ops.array.unique import distinct
from penstock._src.ops.rules import show
from penstock._src.ops.sparse.tensor import (
    check_indices,
    check_sparse,
    flat_places,
    grouped,
    outside,
)


class _Elements(NamedTuple):
    """The elements of sets in rows: the index of each one's row, and its value."""

    rows: np.ndarray
    values: np.ndarray


def _of_dense(x):
    shape = x.shape[:-1]
    rows = np.repeat(np.arange(math.prod(shape)), x.shape[-1])
    return _Elements(_unraveled(rows, shape), x.reshape(-1))


def _of_sparse(indices, values):
    return _Elements(indices[:, :-1], values)


def _unraveled(rows, shape):
    """Return the index of each row of a shape, by its number."""
    return rows[:, None] if len(shape) == 1 else np.stack(np.unravel_index(rows, shape), -1)


class _Words:
    """Whole numbers that order elements by row, then by value.

    Args:
      elements: of one set or several.
      shape: of the rows.
    """

    def __init__(self, elements: list[_Elements], shape: tuple[int, ...]) -> None:
        rows, values = (np.concatenate(parts) for parts in zip(*elements, strict=True))
        self._shape, self._table, total = shape, None, math.prod(shape)
        self._set_values(values, total)
        if total * self._span >= 1 << 62:
            self._table, numbers = np.unique(rows, axis=0, return_inverse=True)
            numbers = numbers.reshape(-1)
        else:
            numbers = flat_places(rows, shape)
        words = numbers * self._span + self._codes
        ends = np.cumsum([len(part.values) for part in elements])[:-1]
        self.sets = [_distinct(part) for part in np.split(words, ends)]

    def _set_values(self, values: np.ndarray, total: int) -> None:
        """Numbers the values by their order: by their distance from the least if words are large enough."""
        if values.dtype != object and values.size:
            least = int(values.min())
            self._span = int(values.max()) - least + 1
            if total * self._span < 1 << 62:
                self._codes = values.astype(np.int64) - least
                self._value_of = lambda codes: (codes + least).astype(values.dtype)
                return
        kinds, numbers = distinct(values)
        order = np.argsort(kinds, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        self._codes, self._span = rank.take(numbers), max(len(kinds), 1)
        self._value_of = kinds.take(order).take

    def rows(self, words: np.ndarray) -> np.ndarray:
        """Returns the number of each word's row."""
        return words // self._span

    def indices(self, rows: np.ndarray) -> np.ndarray:
        """Returns the index of each row, by its number."""
        if self._table is not None:
            return self._table.take(rows, 0)
        return _unraveled(rows, self._shape)

    def values(self, words: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the values."""
        return self._value_of(words - rows * self._span)


def _distinct(words):
    """Return the distinct words, sorted."""
    words = np.sort(words)
    return words[np.flatnonzero(np.concatenate([[True], words[1:] != words[:-1]])[: len(words)])]


def _without(a, b, is_common=False):
    """Return the words of a that are not in b, or those that are."""
    if not b.size:
        return a[:0] if is_common else a
    at = np.minimum(np.searchsorted(b, a), b.size - 1)
    return a[(b.take(at) == a) == is_common]


def check_set(op, indices, values, shape):
    """Raises an error unless indices and values are those of a sparse tensor of this shape.

    Raises:
      InvalidArgumentError: shapes do not fit, or with `validate_indices` an index is not in place.
      InternalError: without, an index lies outside.
    """
    if shape.ndim != 1:
        raise op.invalid("Shape must be a 1D tensor.")
    if len(indices) != len(values):
        raise op.invalid(
            "indices and values rows (indexing dimension) must match. "
            f"(indices = {len(indices)}, values = {len(values)})"
        )
    if shape.size < 2:
        raise op.invalid(f"Invalid rank {shape.size}.")
    check_sparse(op, indices, values, shape)
    if op.validate_indices:
        check_indices(op, indices, shape)
    if outside(indices, shape) is not None:
        row, axis = np.argwhere((indices < 0) | (indices >= shape))[0]
        least = ">= 0 and " if indices[row, axis] < 0 else ""
        raise InternalError(
            f"indices[{row}, {axis}] expected {least}< {shape[axis]}, got {indices[row, axis]}."
        )


_OPERATIONS = {
    "a-b": _without,
    "b-a": lambda a, b: _without(b, a),
    "intersection": lambda a, b: _without(a, b, is_common=True),
    "union": lambda a, b: _distinct(np.concatenate([a, b])),
}


def _combined(op, first, second, shape):
    operation = _OPERATIONS.get(op.set_operation.lower())
    if operation is None:
        raise op.invalid(f"Invalid set_operation {op.set_operation}.")
    words = _Words([first, second], shape)
    elements = operation(*words.sets)
    rows = words.rows(elements)
    _, begins, _ = grouped(rows)
    counts = np.diff(begins, append=len(rows))
    indices = np.empty((len(rows), len(shape) + 1), np.int64)
    indices[:, :-1] = words.indices(rows)
    indices[:, -1] = np.arange(len(rows)) - np.repeat(begins, counts)
    sizes = np.array([*shape, counts.max(initial=0)], np.int64)
    return indices, words.values(elements, rows), sizes


class DenseToDenseSetOperation(Op):
    """A set operation on the rows of two dense tensors."""

    signature = """set1: T, set2: T -> result_indices: int64[?, rank(set1)], result_values: T[?],
        result_shape: int64[rank(set1)]"""
    ranks = {"set1": at_least(2), "set2": at_least(2)}
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    set_operation: str
    validate_indices: bool = True
    differentiable = False

    def eager(self, set1, set2):
        for values in (set1, set2):
            if values.ndim < 2:
                raise self.invalid(f"Shape {show(values.shape)} has rank {values.ndim} < 2")
        if set1.shape[:-1] != set2.shape[:-1]:
            raise self.invalid(f"Mismatched group shapes {show(set1.shape)} and {show(set2.shape)}")
        return _combined(self, _of_dense(set1), _of_dense(set2), set1.shape[:-1])


class DenseToSparseSetOperation(Op):
    """A set operation on the rows of a dense and a sparse tensor."""

    signature = """set1: T, set2_indices: int64, set2_values: T, set2_shape: int64
        -> result_indices: int64[?, rank(set1)], result_values: T[?],
        result_shape: int64[rank(set1)]"""
    ranks = {"set1": at_least(2)}
    extents = {"set2_indices": "n, rank", "set2_values": "n", "set2_shape": "rank"}
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    set_operation: str
    validate_indices: bool = True
    differentiable = False

    def eager(self, set1, set2_indices, set2_values, set2_shape):
        if set1.shape[:-1] != tuple(set2_shape[:-1]):
            raise self.invalid(f"Mismatched group shapes {show(set1.shape)} and {show(set2_shape)}")
        check_set(self, set2_indices, set2_values, set2_shape)
        second = _of_sparse(set2_indices, set2_values)
        return _combined(self, _of_dense(set1), second, set1.shape[:-1])


class SparseToSparseSetOperation(Op):
    """A set operation on the rows of two sparse tensors."""

    signature = """set1_indices: int64[?, ?], set1_values: T, set1_shape: int64,
        set2_indices: int64, set2_values: T, set2_shape: int64
        -> result_indices: int64[?, set1_indices[1]], result_values: T[?],
        result_shape: int64[set1_indices[1]]"""
    extents = {
        "set1_indices": "n, rank",
        "set1_values": "n",
        "set1_shape": "rank",
        "set2_indices": "m, rank2",
        "set2_values": "m",
        "set2_shape": "rank2",
    }
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    set_operation: str
    validate_indices: bool = True
    differentiable = False

    def eager(self, set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape):
        if tuple(set1_shape[:-1]) != tuple(set2_shape[:-1]):
            raise self.invalid(f"Mismatched group shapes {show(set1_shape)} and {show(set2_shape)}")
        check_set(self, set1_indices, set1_values, set1_shape)
        check_set(self, set2_indices, set2_values, set2_shape)
        first = _of_sparse(set1_indices, set1_values)
        second = _of_sparse(set2_indices, set2_values)
        shape = tuple(int(n) for n in set1_shape[:-1])
        return _combined(self, first, second, shape)


class SetSize(Op):
    """The number of distinct elements in each row of a sparse tensor."""

    signature = "set_indices: int64, set_values: T, set_shape: int64 -> size: int32"
    T = SIGNED | {dtypes.string, dtypes.uint16, dtypes.uint8}
    validate_indices: bool = True
    differentiable = False

    def shape(self, set_indices, set_values, set_shape):
        return None  # TensorFlow's rule says nothing either

    def eager(self, set_indices, set_values, set_shape):
        check_set(self, set_indices, set_values, set_shape)
        shape = tuple(set_shape[:-1].tolist())
        out = np.zeros(shape, np.int32)
        words = _Words([_of_sparse(set_indices, set_values)], shape)
        _, begins, numbers = grouped(words.rows(words.sets[0]))
        index = tuple(words.indices(numbers).T)
        out[index] = np.diff(begins, append=len(words.sets[0]))
        return out
