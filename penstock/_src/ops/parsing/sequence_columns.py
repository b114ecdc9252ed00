"""A batch of serialized sequence examples as columns, read by native code."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.values.groups import splits_of
from penstock._src.native.readers.examples import EMPTY, ENTRY, MISSING
from penstock._src.native.readers.sequences import LIST, sequences
from penstock._src.ops.parsing.columns import ExampleColumns, IrregularError, names_of

_COUNT_WORD = 3


class SequenceColumns(ExampleColumns):
    """The features and feature lists of a batch of sequence examples, as `Sequences` gives them.

    Args:
      serialized: the sequence examples.
      keys: the features of the context that are asked for.
      list_keys: the feature lists that are asked for.

    Raises:
      IrregularError: from here and from all methods, where `Sequences` has to say what the examples mean, or what is wrong.
    """

    def __init__(
        self, serialized: Sequence[bytes], keys: tuple[str, ...], list_keys: tuple[str, ...]
    ) -> None:
        self.native, self.rows = sequences(), len(serialized)
        self.data = serialized[0] if self.rows == 1 else b"".join(serialized)
        names, ends, self.number = names_of(keys)
        list_names, list_ends, self.list_number = names_of(list_keys)
        bounds = np.array([0, *itertools.accumulate(map(len, serialized))], np.int64)
        self.table = np.zeros((self.rows, len(keys), ENTRY), np.int64)
        self.lists = np.zeros((self.rows, len(list_keys), LIST), np.int64)
        context = names, ends, len(keys), self.table
        lists = list_names, list_ends, len(list_keys), self.lists
        if self.native.scan(self.data, bounds, self.rows, *context, *lists) != self.rows:
            raise IrregularError

    def dense(self, key: str, dtype: Any, shape: Any, default: np.ndarray) -> np.ndarray:
        """The array [examples, *shape] of a feature; one without a kind is not missing, so that no default replaces it."""
        if (self.table[:, self.number[key], 0] == EMPTY).any():
            raise IrregularError
        return super().dense(key, dtype, shape, default)

    def dense_steps(
        self, key: str, dtype: Any, shape: Any, may_miss: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """The array [examples, steps, *shape] of a feature list, padded, and the sequence lengths."""
        steps, lengths = self._dense_entries(key, shape, may_miss)
        dims = shape.as_list()
        size = math.prod(dims)
        longest = int(lengths.max(initial=0))
        if len(steps) == self.rows * longest:  # nothing is padded
            out, numbers = np.empty((self.rows, longest, *dims), dtype.np), np.arange(len(steps))
        else:
            filler = b"" if dtype is dtypes.string else 0
            out = np.full((self.rows, longest, *dims), filler, dtype.np)
            row, step = places(lengths)
            numbers = row * longest + step
        self._fill_from(steps, dtype, out, numbers * size)
        return out, lengths.copy()

    def dense_rows(
        self, key: str, dtype: Any, shape: Any, may_miss: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """The array [steps of all examples, *shape] of a feature list, and the sequence lengths."""
        steps, lengths = self._dense_entries(key, shape, may_miss)
        return self._all_values(steps, dtype).reshape(len(steps), *shape.as_list()), lengths

    def _dense_entries(self, key: str, shape: Any, may_miss: bool) -> tuple[np.ndarray, np.ndarray]:
        """The entries of the steps of all rows, which all have as many values, and how many each row has."""
        steps, lengths = self._steps(key)
        size, is_there = math.prod(shape.as_list()), self.lists[:, self.list_number[key], 0]
        if (steps[:, 0, _COUNT_WORD] != size).any() or not (may_miss or is_there.all()):
            raise IrregularError
        return steps, lengths

    def sparse_steps(self, key: str, dtype: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices [example, step, position], values and dense shape of a feature list."""
        steps, lengths = self._steps(key)
        counts = steps[:, 0, _COUNT_WORD]
        of_value, position = places(counts)
        index = np.empty((len(of_value), 3), np.int64)
        row, step = places(lengths)
        index[:, 0], index[:, 1], index[:, 2] = row[of_value], step[of_value], position
        widest = [self.rows, lengths.max(initial=0), counts.max(initial=0)]
        return index, self._all_values(steps, dtype), np.array(widest, np.int64)

    def ragged_steps(
        self, key: str, dtype: Any, splits: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, and the splits of examples and of steps, of a feature list."""
        steps, lengths = self._steps(key)
        outer, inner = splits_of(lengths), splits_of(steps[:, 0, _COUNT_WORD])
        values = self._all_values(steps, dtype)
        return values, outer.astype(splits.np, copy=False), inner.astype(splits.np, copy=False)

    def _steps(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """The entries of the steps of all rows, and how many each row has."""
        number, keys = self.list_number[key], self.lists.shape[1]
        lengths = self.lists[:, number, _COUNT_WORD]
        steps = np.zeros((int(lengths.sum()), 1, ENTRY), np.int64)
        read = self.native.steps(self.data, self.lists, keys, number, self.rows, steps)
        if read != len(steps):
            raise IrregularError
        return steps, lengths

    def _all_values(self, steps: np.ndarray, dtype: Any) -> np.ndarray:
        ends = splits_of(steps[:, 0, _COUNT_WORD])
        out = np.empty(int(ends[-1]), dtype.np)
        self._fill_from(steps, dtype, out, ends[:-1])
        return out

    def _fill_from(
        self, steps: np.ndarray, dtype: Any, out: np.ndarray, places: np.ndarray
    ) -> None:
        fill = self._filler(dtype)
        places = np.ascontiguousarray(places, np.int64)
        if fill(self.data, steps, 1, 0, len(steps), -1, out, places) & ~MISSING:
            raise IrregularError


def places(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each value and its position in the row, for rows with these counts."""
    rows = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return rows, np.arange(len(rows)) - starts[rows]
