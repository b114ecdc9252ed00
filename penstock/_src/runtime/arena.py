"""Arenas: memory for the temporaries of running programs. Programs that do not run at once share it."""

import threading
import weakref
from collections.abc import Callable

import numpy as np

from penstock._src.core.values import memory_limit
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.util.process import forks

LARGE_BLOCK = 1 << 26  # bytes


class ArenaBlock:
    """Memory for one running program. Whoever uses it holds the lock."""

    def __init__(self, array: np.ndarray):
        self.array, self.address = array, array.ctypes.data
        self.lock = forks.freed_in_child(threading.Lock())
        self.lock.acquire()


memory_limit.register_holder(ArenaBlock, "array", "temporaries of programs")


class ArenaPool:
    """The blocks of one kind of memory; `allocate(bytes)` makes more of it. Bound tables keep blocks alive."""

    def __init__(self, allocate: Callable[[int], np.ndarray]):
        self.allocate = allocate
        self.blocks: weakref.WeakSet[ArenaBlock] = weakref.WeakSet()
        self._lock = forks.freed_in_child(threading.Lock())

    def block(self, size: int) -> ArenaBlock:
        """A block that is not in use and large enough, the smallest there is; else a new one. The caller holds its lock."""
        with self._lock:
            fitting = [b for b in self.blocks if b.array.size >= size]
            for block in sorted(fitting, key=lambda b: b.array.size):
                if block.lock.acquire(False):
                    return block
            block = ArenaBlock(self.allocate(_rounded_up(size)))
            self.blocks.add(block)
            return block

    def own_block(self, size: int) -> ArenaBlock:
        """A block of exactly this size that no other program will use. The caller holds its lock."""
        return ArenaBlock(self.allocate(size))


def _rounded_up(size: int) -> int:
    """How large a block is made for so many bytes: programs for growing lengths shall find one that holds them all.

    What nobody writes to takes no memory; of large ones an eighth is enough to grow by.
    """
    size = max(size, 1 << 12)
    step = 1 << (size - 1).bit_length() - (1 if size <= LARGE_BLOCK else 4)
    return -(-size // step) * step


HOST_ARENAS = ArenaPool(lambda size: empty_aligned((size,), np.dtype(np.uint8)))
