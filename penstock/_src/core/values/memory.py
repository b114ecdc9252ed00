"""Memory of large arrays, used again: fresh pages cost more than most kernels that fill them.

Linux hands a new mapping out page by page, each with a fault and zeros: some 0.3 ms a megabyte. A block whose array has died
waits here for the next array of its size class. No more than MOST bytes wait; beyond, the oldest go back to the system.
"""

from __future__ import annotations

import threading

import numpy as np

from penstock._src.core.errors import ResourceExhaustedError

LARGE = 1 << 20  # bytes from which on memory is kept
MOST = 256 << 20  # bytes that wait at most
CLASSES = 8  # size classes for each power of two: an eighth is wasted at most


class Block(np.ndarray):
    """Memory under an aligned array. A type of its own, so that views of the array count as references to it."""


class RecycledBlock(Block):
    """A block that comes back when the last array on it has died."""

    def __del__(self) -> None:
        if type(self.base) is Block:  # not a view of another block
            waiting.give(self.base)


class Waiting:
    """Blocks that nobody uses, by size; the sizes in the order in which one was last given."""

    def __init__(self, most: int):
        self.most, self.bytes = most, 0
        self._lock = (
            threading.RLock()
        )  # giving may happen inside taking: the collector runs anywhere
        self._by_size: dict[int, list[Block]] = {}

    def take(self, size: int) -> Block | None:
        """A block of that very size, or None."""
        with self._lock:
            blocks = self._by_size.get(size)
            if not blocks:
                return None
            self.bytes -= size
            return blocks.pop()

    def give(self, block: Block) -> None:
        """Keeps a block; lets go of those of the size that was longest not given, if there are too many."""
        size = block.nbytes
        with self._lock:
            blocks = self._by_size.pop(size, [])
            blocks.append(block)
            self._by_size[size] = blocks
            self.bytes += size
            while self.bytes > self.most:
                oldest = next(iter(self._by_size))
                if self._by_size[oldest]:
                    self._by_size[oldest].pop()
                    self.bytes -= oldest
                else:
                    del self._by_size[oldest]

    def clear(self) -> None:
        """Lets go of all blocks."""
        with self._lock:
            self._by_size.clear()
            self.bytes = 0


waiting = Waiting(MOST)


def make_room(size: int) -> None:
    """Lets go of what waits before an array of more bytes than may wait is made: it can use none of it."""
    if size > waiting.most:
        waiting.clear()


def size_class(size: int) -> int:
    """The least size class that holds so many bytes."""
    step = max(1, 1 << (size.bit_length() - 1) >> CLASSES.bit_length() - 1)
    return -(-size // step) * step


def recycled_block(size: int) -> Block:
    """Uninitialized memory of at least that many bytes, used before if possible."""
    size = size_class(size)
    root = waiting.take(size)
    if root is None:
        make_room(size)
        try:
            # were it a plain array, arrays would refer to it past the view
            root = Block((size,), np.uint8)
        except (MemoryError, ValueError) as error:  # NumPy refuses 2**63 bytes by a ValueError
            raise ResourceExhaustedError(f"OOM when allocating {size} bytes") from error
    return root.view(RecycledBlock)
