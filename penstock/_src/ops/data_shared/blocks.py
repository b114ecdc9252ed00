"""Elements that come in blocks: a source reads many at once, as columns, and batches are cut from these without handling elements."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.ops.data.pipeline import Element, Failure

# Columns of equal length: one for each component.
Block = Sequence[np.ndarray]
# Rows of numbers that share memory when they are single elements, so that one that is kept does not keep its block.
_TOGETHER = 64


def string_scalar(value: bytes) -> np.ndarray:
    """A host string scalar."""
    made = np.empty((), object)
    made[()] = value
    return made


def string_column(values: Sequence[bytes]) -> np.ndarray:
    """A host vector of strings."""
    made = np.empty(len(values), object)
    made[:] = values
    return made


def elements(blocks: Iterator[Block | Failure]) -> Iterator[Element | Failure]:
    """The rows of blocks, and the failures between them."""
    for block in blocks:
        if isinstance(block, Failure):
            yield block
        else:
            yield from zip(*map(_scalars, block))


def _scalars(column: np.ndarray) -> Iterator[np.ndarray]:
    if column.dtype == object:
        return map(string_scalar, column.tolist())
    return _numbers(column)


def _numbers(column: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(column), _TOGETHER):
        part = column[begin : begin + _TOGETHER].copy()
        for at in range(len(part)):
            yield part[at, ...]


def stacks(blocks: Iterator[Block | Failure], size: int) -> Iterator[Element | Failure]:
    """The rows of blocks in stacks of `size`, the last one maybe smaller; a failure takes the place of the stack that it interrupts."""
    held: list[Block] = []
    missing = size
    for block in blocks:
        if isinstance(block, Failure):
            held, missing = [], size
            yield block
            continue
        begin, count = 0, len(block[0])
        while count - begin >= missing:
            held.append([column[begin : begin + missing] for column in block])
            begin += missing
            yield _joined(held)
            held, missing = [], size
        if begin < count:
            held.append([column[begin:] for column in block])
            missing -= count - begin
    if held:
        yield _joined(held)


def _joined(parts: list[Block]) -> Element:
    """The rows of parts of blocks, in memory of their own."""
    if len(parts) == 1:
        return tuple([column.copy() for column in parts[0]])
    return tuple([np.concatenate(columns) for columns in zip(*parts)])


def sliced(block: Block, failures: dict[int, Any]) -> Iterator[Block | Failure]:
    """A block with errors in the place of some rows."""
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


def chunks(values: Iterator[bytes], size: int) -> Iterator[Block]:
    """Single strings as blocks."""
    while held := list(itertools.islice(values, size)):
        yield (string_column(held),)
