"""Rows of arrays as elements: which rows come in which order, and the elements made of them one by one or in stacks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.ops.data.iteration.resume import Element, Indexed, Resumable, State

Access = Callable[[int], Element]


def holds_handles(array: np.ndarray) -> bool:
    """True if an array is a vector of variants, whose rows are the handles themselves."""
    return (
        array.dtype == object
        and array.ndim == 1
        and array.size > 0
        and not isinstance(array[0], bytes)
    )


def row(array: np.ndarray, number: int) -> Any:
    """A row of an array as a host value."""
    return array[number] if holds_handles(array) else array[number, ...]


class Rows:
    """Elements that are rows of arrays, in the order of the chunks of row numbers from `order`.

    A chunk is a `range` (consecutive rows, which are sliced without copying) or an int64 array, and is not empty. `order` is
    None if the rows come in sequence, each once.
    """

    def __init__(
        self,
        arrays: Sequence[np.ndarray],
        order: Callable[[Any], Iterator[Any]] | None = None,
        draws_seeds: bool = False,
    ) -> None:
        self.arrays = tuple(arrays)
        self._order = order
        # True if seeds for a next pass are drawn within an iteration: then the order must not be read ahead.
        self.draws_seeds = draws_seeds

    @property
    def in_sequence(self) -> bool:
        """True if the rows come in sequence, each once."""
        return self._order is None

    @property
    def count(self) -> int:
        """The number of stored rows, not of visited ones."""
        return len(self.arrays[0])

    def order(self, run: Any) -> Iterator[Any]:
        """The chunks of row numbers in an iteration."""
        if self._order is None:
            return Indexed([range(self.count)].__getitem__, min(self.count, 1))
        return self._order(run)

    def reordered(self, order: Callable[[Any], Iterator[Any]], draws_seeds: bool = False) -> "Rows":
        """The same rows visited in another order."""
        return Rows(self.arrays, order, draws_seeds or self.draws_seeds)

    def elements(self, run: Any) -> Iterator[Element]:
        """Returns an iterator over the rows one by one."""
        return RowElements(self.arrays, self.order(run))

    def access(self) -> Access:
        """Returns a function from a position in sequence to the row there."""
        arrays = self.arrays
        return lambda number: tuple([row(array, number) for array in arrays])

    def gather(self, chunk: Any) -> Element:
        """The rows of a chunk, stacked."""
        if type(chunk) is range:
            where = slice(chunk.start, chunk.stop)
            return tuple([array[where] for array in self.arrays])
        return tuple([array.take(chunk, axis=0) for array in self.arrays])


class Numbers(Resumable):
    """Iterates over the numbers in chunks, one by one."""

    sources = ("chunks",)

    def __init__(self, chunks: Iterator[Any]) -> None:
        self.chunks, self._position = chunks, _Position()
        self._items = _numbers_of(chunks, self._position)

    def __next__(self) -> int:
        return next(self._items)

    def save(self) -> State:
        rest = self._position.numbers[self._position.at :]
        remaining = rest if type(rest) is range else np.array(rest, np.int64)
        return super().save() | {"rest": remaining}

    def restore(self, state: State) -> None:
        rest = state["rest"]
        self._position.numbers = rest if type(rest) is range else rest.tolist()
        super().restore(state)


class _Position:
    """The numbers of the current chunk, and how many of them were taken."""

    __slots__ = ("at", "numbers")

    def __init__(self) -> None:
        self.numbers: Any = ()
        self.at = 0


def _numbers_of(chunks: Iterator[Any], position: _Position) -> Iterator[int]:
    """Yields the numbers in chunks. A generator of the iterator's own would hold it, and the iterator the generator."""
    while True:
        numbers = position.numbers
        for position.at, number in enumerate(numbers, 1):
            yield number
        position.at, position.numbers = 0, ()
        chunk = next(chunks, None)
        if chunk is None:
            return
        position.numbers = chunk if type(chunk) is range else chunk.tolist()


class RowElements(Resumable):
    """Iterates over rows of arrays, one by one."""

    sources = ("numbers",)

    def __init__(self, arrays: Sequence[np.ndarray], chunks: Iterator[Any]) -> None:
        self.numbers = Numbers(chunks)
        self._items = _rows_of(arrays, self.numbers._items)

    def __next__(self) -> Element:
        return next(self._items)


def _rows_of(arrays: Sequence[np.ndarray], numbers: Iterator[int]) -> Iterator[Element]:
    if any(map(holds_handles, arrays)):
        for number in numbers:
            yield tuple([row(array, number) for array in arrays])
    elif len(arrays) == 1:
        (only,) = arrays
        for number in numbers:
            yield (only[number, ...],)
    else:
        for number in numbers:
            yield tuple([array[number, ...] for array in arrays])


class ChunkReader(Resumable):
    """Takes row numbers from a stream of chunks, a given number at a time; iterates over the remaining chunks."""

    plain, sources = ("chunk",), ("chunks",)

    def __init__(self, chunks: Iterator[Any]) -> None:
        self.chunks = chunks
        # The rest of the current chunk.
        self.chunk: Any = range(0)

    def take(self, count: int) -> Any:
        """The next `count` row numbers, fewer at the end."""
        chunk = self.chunk
        if len(chunk) >= count:
            self.chunk = chunk[count:]
            return chunk[:count]
        parts = [chunk] if len(chunk) else []
        missing = count - len(chunk)
        self.chunk = range(0)
        while missing:
            chunk = next(self.chunks, None)
            if chunk is None:
                break
            parts.append(chunk[:missing])
            self.chunk = chunk[missing:]
            missing -= len(parts[-1])
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return range(0)
        return np.concatenate([np.asarray(part, np.int64) for part in parts])

    def put_back(self, chunk: Any) -> None:
        """Makes row numbers that were taken the next ones again."""
        if not len(self.chunk):
            self.chunk = chunk
        else:
            self.chunk = np.concatenate([np.asarray(c, np.int64) for c in (chunk, self.chunk)])

    def __next__(self) -> Any:
        chunk, self.chunk = self.chunk, range(0)
        return chunk if len(chunk) else next(self.chunks)


class FirstChunks(Resumable):
    """Iterates over the chunks of the first `left` row numbers."""

    plain = ("left",)

    def __init__(self, source: Iterator[Any], left: int) -> None:
        self.source, self.left = source, left

    def __next__(self) -> Any:
        if not self.left:
            raise StopIteration
        chunk = next(self.source)[: self.left]
        self.left -= len(chunk)
        return chunk


class Stacks(Resumable):
    """Iterates over stacks of `size` rows, each through a function; the last may be as small as `least` rows."""

    sources = ("reader",)

    def __init__(
        self,
        rows: Rows,
        run: Any,
        size: int,
        least: int = 1,
        call: Callable[[Element], Element] | None = None,
    ) -> None:
        self.rows, self.size, self.least, self.call = rows, size, least, call
        self.reader = ChunkReader(rows.order(run))

    def __next__(self) -> Element:
        chunk = self.reader.take(self.size)
        if len(chunk) < self.least:
            raise StopIteration
        rows = self.rows.gather(chunk)
        return rows if self.call is None else self.call(rows)
