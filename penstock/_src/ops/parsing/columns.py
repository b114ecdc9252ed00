"""A batch of serialized examples as columns, read by native code."""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.native.readers.examples import ENTRY, MISSING, examples
from penstock._src.native.systems import runs_native_code

_COUNT_WORD = 3
_FILLERS = {dtypes.float32: "floats", dtypes.int64: "ints", dtypes.string: "texts"}
_NOWHERE = np.zeros(0, np.int64)


class IrregularError(Exception):
    """Examples have another form than writers produce, or lack requested features."""


class ExampleColumns:
    """The features of a batch of examples, as `ExampleBatch` gives them.

    Args:
      serialized: the examples.
      keys: the features that are asked for.

    Raises:
      IrregularError: from here and from all methods, where an ExampleBatch has to say what the examples mean, or what is wrong.
    """

    def __init__(self, serialized: Sequence[bytes], keys: tuple[str, ...]) -> None:
        self.native: Any = examples()
        self.rows = len(serialized)
        self.data = serialized[0] if self.rows == 1 else b"".join(serialized)
        names, ends, self.number = names_of(keys)
        bounds = np.array([0, *itertools.accumulate(map(len, serialized))], np.int64)
        self.table = np.zeros((self.rows, len(keys), ENTRY), np.int64)
        read = self.native.scan(self.data, bounds, self.rows, names, ends, len(keys), self.table)
        if read != self.rows:
            raise IrregularError

    def dense(self, key: str, dtype: Any, shape: Any, default: np.ndarray) -> np.ndarray:
        """The array [examples, *shape] of a feature; padded if the first dimension is unknown."""
        dims = shape.as_list()
        if dims and dims[0] is None:
            return self._padded(key, dtype, dims[1:], default)
        size = math.prod(dims)
        out = np.empty((self.rows, *dims), dtype.np)
        may_miss = default.size > 0 or not size
        if default.size:
            out[...] = default.reshape(dims)
        if self._fill(key, dtype, out, size=size) & ~(MISSING if may_miss else 0):
            raise IrregularError
        return out

    def _padded(self, key: str, dtype: Any, inner: list[int], default: np.ndarray) -> np.ndarray:
        counts, stride = self._counts(key), math.prod(inner)
        if stride == 0 or (counts % stride).any():
            raise IrregularError
        longest = int(counts.max(initial=0)) // stride
        out = np.empty((self.rows, longest, *inner), dtype.np)
        filler = b"" if dtype is dtypes.string else 0
        out[...] = default.reshape(-1)[0] if default.size else filler
        self._place(key, dtype, out, np.arange(self.rows) * (longest * stride))
        return out

    def sparse(self, key: str, dtype: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices, values and dense shape of a feature."""
        counts = self._counts(key)
        index = np.empty((int(counts.sum()), 2), np.int64)
        index[:, 0] = np.repeat(np.arange(self.rows), counts)
        starts = np.cumsum(counts) - counts
        index[:, 1] = np.arange(len(index)) - np.repeat(starts, counts)
        shape = np.array([self.rows, counts.max(initial=0)], np.int64)
        return index, self._values(key, dtype, starts, len(index)), shape

    def ragged(self, key: str, dtype: Any, splits: Any) -> tuple[np.ndarray, np.ndarray]:
        """Values and row splits of a feature."""
        ends = np.zeros(self.rows + 1, np.int64)
        np.cumsum(self._counts(key), out=ends[1:])
        values = self._values(key, dtype, ends[:-1], int(ends[-1]))
        return values, ends.astype(splits.np, copy=False)

    def _counts(self, key: str) -> np.ndarray:
        """Return the number of values of each example."""
        return self.table[:, self.number[key], _COUNT_WORD]

    def _values(self, key: str, dtype: Any, starts: np.ndarray, count: int) -> np.ndarray:
        """All values, one example's after the other's."""
        out = np.empty(count, dtype.np)
        self._place(key, dtype, out, starts)
        return out

    def _place(self, key: str, dtype: Any, out: np.ndarray, places: np.ndarray) -> None:
        """Writes each example's values to its offset in `out`, counted in elements."""
        if self._fill(key, dtype, out, np.ascontiguousarray(places, np.int64)) & ~MISSING:
            raise IrregularError

    def _filler(self, dtype: Any) -> Any:
        return getattr(self.native, _FILLERS[dtype])

    def _fill(
        self,
        key: str,
        dtype: Any,
        out: np.ndarray,
        places: np.ndarray = _NOWHERE,
        size: int = -1,
    ) -> int:
        """Writes a feature's values into `out`; returns error codes, as bits."""
        fill = self._filler(dtype)
        number, keys = self.number[key], self.table.shape[1]
        return fill(self.data, self.table, keys, number, self.rows, size, out, places)


@functools.lru_cache(maxsize=256)
def names_of(keys: tuple[str, ...]) -> tuple[bytes, np.ndarray, dict[str, int]]:
    """The names of features in one piece, where each ends, and their numbers."""
    encoded = [key.encode() for key in keys]
    ends = np.zeros(len(keys) + 1, np.int64)
    np.cumsum([len(name) for name in encoded], out=ends[1:])
    return b"".join(encoded), ends, {key: number for number, key in enumerate(keys)}


@functools.cache
def is_available() -> bool:
    """True if native code runs on this system."""
    return runs_native_code()
