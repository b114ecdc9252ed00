"""A pool of memory for large arrays: fresh pages cost more than most kernels that fill them.

Linux maps new memory page by page, with a page fault and zeroing for each: some 0.3 ms per megabyte. When an array is freed,
its block is kept for the next array of its size class. At most MOST bytes are kept; beyond that the oldest blocks are freed.
"""

import sys
import threading
from collections.abc import Callable

import numpy as np

from penstock._src.core.values import memory_limit
from penstock._src.util.process import forks
from penstock._src.util.process.layouts import FREE_THREADED

LARGE = 1 << 17  # bytes from which memory is pooled: of this size glibc asks the system
MOST = 256 << 20  # maximum bytes of free blocks
OTHER_THREADS = 8  # each of this number of other threads keeps its part of MOST
CLASSES = 8  # size classes per power of two: at most an eighth is wasted


class Block(np.ndarray):
    """Memory of an aligned array; an ndarray subclass, so that views of the array keep a reference to it."""


class KeptBlock(Block):
    """The memory of recycled blocks, which knows where it is."""

    address: int


class RecycledBlock(Block):
    """A block that returns to the pool when its last array is freed."""

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # A default argument: at the interpreter's end, names of modules are None.
        if is_finalizing():
            return
        if type(self.base) is KeptBlock:  # not a view of another block
            waiting.give(self.base)


# The types of the memory that belongs to one array.
OWN_BLOCKS = (Block, RecycledBlock)


def has_own_memory(array: np.ndarray) -> bool:
    """True if an array's memory is not that of another one, such as the tensor of which it is a slice, nor of another library."""
    return array.base is None or type(array.base) in OWN_BLOCKS


class Waiting(threading.local if FREE_THREADED else object):  # type: ignore[misc]
    """The free blocks by size; the sizes in least recently returned order.

    Without the GIL each thread has blocks of its own: otherwise all would wait for one lock at each large array. Threads but the main one keep
    less.
    """

    def __init__(self, most: int):
        if FREE_THREADED and threading.current_thread() is not threading.main_thread():
            most //= OTHER_THREADS
        self.most, self.bytes = most, 0
        # Reentrant: garbage collection inside `take` may call `give`.
        self._lock = forks.freed_in_child(threading.RLock())
        self._by_size: dict[int, list[KeptBlock]] = {}

    def take(self, size: int) -> KeptBlock | None:
        """Removes and returns a block of exactly this size, or returns None."""
        with self._lock:
            blocks = self._by_size.get(size)
            if not blocks:
                return None
            self.bytes -= size
            return blocks.pop()

    def give(self, block: KeptBlock) -> None:
        """Adds a block; frees blocks of the least recently returned size if there are too many.

        A block above the limit is freed at once: it would only drive out all others.
        """
        size, most = block.nbytes, min(self.most, memory_limit.limit() // 8)
        if size > most:
            return
        with self._lock:
            blocks = self._by_size.pop(size, [])
            blocks.append(block)
            self._by_size[size] = blocks
            self.bytes += size
            while self.bytes > most:
                oldest = next(iter(self._by_size))
                if self._by_size[oldest]:
                    self._by_size[oldest].pop()
                    self.bytes -= oldest
                else:
                    del self._by_size[oldest]

    def clear(self) -> None:
        """Frees all blocks."""
        with self._lock:
            self._by_size.clear()
            self.bytes = 0


waiting = Waiting(MOST)


def make_room(size: int) -> None:
    """Frees the pool before allocating an array larger than the pool's limit: it could not reuse any block."""
    if size > waiting.most:
        waiting.clear()


def size_class(size: int) -> int:
    """The smallest size class that holds `size` bytes."""
    step = max(1, 1 << (size.bit_length() - 1) >> CLASSES.bit_length() - 1)
    return -(-size // step) * step


def recycled_block(size: int) -> tuple[RecycledBlock, int]:
    """Uninitialized memory of at least `size` bytes, from the pool if possible, and its address."""
    size = size_class(size)
    root = waiting.take(size)
    if root is None:
        make_room(size)
        try:
            root = _new_block(size)
        except MemoryError:
            waiting.clear()
            root = _new_block(size)
    return root.view(RecycledBlock), root.address


def _new_block(size: int) -> KeptBlock:
    if size > memory_limit.limit():
        raise MemoryError
    # a plain ndarray would become the base of views itself, bypassing this block
    block = KeptBlock((size,), np.uint8)
    # cached: reading ctypes.data takes longer than finding the block.
    block.address = block.ctypes.data
    return block
