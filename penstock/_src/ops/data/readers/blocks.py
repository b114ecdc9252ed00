"""Elements that come in blocks: a source reads many at once, as columns, and batches are cut from these without handling elements."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.ops.data.iteration.resume import (
    Element,
    Failure,
    Resumable,
    State,
    unless_failed,
)

# Columns of equal length: one for each component.
Block = Sequence[np.ndarray]
# Rows of numbers that share memory when they are single elements, so that one that is kept does not keep its block.
_TOGETHER = 64


def string_scalar(value: bytes) -> np.ndarray:
    """A host string scalar."""
    scalar = np.empty((), object)
    scalar[()] = value
    return scalar


def string_column(values: Sequence[bytes]) -> np.ndarray:
    """A host vector of strings."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


class BlockElements(Resumable):
    """Iterates over the rows of blocks; raises the failures between them, and continues after."""

    sources = ("blocks",)

    def __init__(self, blocks: Iterator[Block | Failure]) -> None:
        self.blocks = blocks
        self.open(())

    def open(self, block: Block) -> None:
        self.block, self.taken = block, 0
        self.items: Iterator[Element] = zip(*map(_scalars, block))

    def __next__(self) -> Element:
        while True:
            element = next(self.items, None)
            if element is not None:
                self.taken += 1
                return element
            self.open(())
            self.open(unless_failed(next(self.blocks)))

    def save(self) -> State:
        return super().save() | {"rest": [column[self.taken :] for column in self.block]}

    def restore(self, state: State) -> None:
        super().restore(state)
        self.open(state["rest"])


def _scalars(column: np.ndarray) -> Iterator[np.ndarray]:
    if column.dtype == object:
        rows = column.tolist()
        are_arrays = bool(rows) and isinstance(rows[0], np.ndarray)  # of different lengths
        return iter(rows) if are_arrays else map(string_scalar, rows)
    return _numbers(column)


def _numbers(column: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(column), _TOGETHER):
        part = column[begin : begin + _TOGETHER].copy()
        for at in range(len(part)):
            yield part[at, ...]


class BlockStacks(Resumable):
    """Iterates over the rows of blocks in stacks of `size`, the last one maybe smaller.

    A failure is raised in the place of the stack that it interrupts.
    """

    plain, sources = ("held", "missing", "rest"), ("blocks",)

    def __init__(self, blocks: Iterator[Block | Failure], size: int) -> None:
        self.blocks, self.size = blocks, size
        # Parts of the next stack, how many rows it lacks, and the rest of the current block.
        self.held: list[Block] = []
        self.missing = size
        self.rest: Block = ()

    def __next__(self) -> Element:
        while True:
            rest, missing = self.rest, self.missing
            count = len(rest[0]) if rest else 0
            if count:
                self.held.append([column[:missing] for column in rest])
                self.rest = [column[missing:] for column in rest]
                self.missing -= min(count, missing)
            if not self.missing:
                return self.stack()
            block = next(self.blocks, None)
            if block is None:
                self.rest = ()
                if not self.held:
                    raise StopIteration
                return self.stack()
            if isinstance(block, Failure):
                self.held, self.missing, self.rest = [], self.size, ()
            self.rest = unless_failed(block)

    def stack(self) -> Element:
        """The held rows."""
        rows, self.held, self.missing = self.held, [], self.size
        return _joined(rows)


def _joined(parts: list[Block]) -> Element:
    """The rows of parts of blocks, in memory of their own."""
    if len(parts) == 1:
        return tuple([column.copy() for column in parts[0]])
    return tuple([np.concatenate(columns) for columns in zip(*parts)])


class Unread:
    """Counts the bytes that were read and are not in a block yet."""

    count = 0


class Sequel:
    """Iterates over blocks of an open file; reading can resume at the end of any block.

    Args:
      read: returns the blocks, and counts what is unread: a generator that held the iterator itself would keep it.
      *arguments: of `read`, after the count.
    """

    def __init__(self, read: Callable[..., Iterator[Block]], *arguments: Any) -> None:
        self._unread = Unread()
        self.blocks = read(self._unread, *arguments)

    @property
    def unread(self) -> int:
        """The number of bytes read that are not in a block yet."""
        return self._unread.count

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        return next(self.blocks)


def sliced(block: Block, failures: dict[int, Any]) -> Iterator[Block | Failure]:
    """A block with errors instead of some rows."""
    begin = 0
    for row, error in sorted(failures.items()):
        if row > begin:
            yield [column[begin:row] for column in block]
        yield Failure(error)
        begin = row + 1
    if not failures:
        yield block
    elif begin < len(block[0]):
        yield [column[begin:] for column in block]
