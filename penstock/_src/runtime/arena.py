"""Arenas: memory for the temporaries of running programs, shared by programs that do not run at the same time."""

import threading
import weakref
from collections.abc import Callable

import numpy as np

from penstock._src.core.values import memory_limit
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.util.process import forks

LARGE_BLOCK = 1 << 26  # bytes


class ArenaBlock:
    """Memory for one running program, whose caller holds the lock."""

    def __init__(self, array: np.ndarray):
        self.array, self.address = array, array.ctypes.data
        self.lock = forks.freed_in_child(threading.Lock())
        self.lock.acquire()  # a new block belongs to its creator


memory_limit.register_holder(ArenaBlock, "array", "temporaries of programs")


class ArenaPool:
    """The blocks of one kind of memory, allocated by `allocate(bytes)`. The tables bound to a block keep it alive."""

    def __init__(self, allocate: Callable[[int], np.ndarray]):
        self.allocate = allocate
        # Not a WeakSet, from which blocks that end in another thread vanish while it is iterated over.
        self._blocks: list[weakref.ref[ArenaBlock]] = []
        self._lock = forks.freed_in_child(threading.Lock())

    def block(self, size: int) -> ArenaBlock:
        """The smallest block that is free and large enough, else a new one; locked for the caller."""
        with self._lock:
            fitting = [b for b in self.blocks() if b.array.size >= size]
            for block in sorted(fitting, key=lambda b: b.array.size):
                if block.lock.acquire(False):
                    return block
            block = ArenaBlock(self.allocate(_rounded_up(size)))
            self._blocks = [r for r in self._blocks if r() is not None]
            self._blocks.append(weakref.ref(block))
            return block

    def blocks(self) -> list[ArenaBlock]:
        """The blocks that tables are bound to."""
        return [block for r in list(self._blocks) if (block := r()) is not None]

    def own_block(self, size: int) -> ArenaBlock:
        """A block of exactly this size that no other program will use; locked for the caller."""
        return ArenaBlock(self.allocate(size))


def _rounded_up(size: int) -> int:
    """The size of a new block: larger than needed, so that programs for growing lengths can share it.

    The next power of two; above LARGE_BLOCK, the next multiple of an eighth of the power of two below. Pages that are never written take no memory.
    """
    size = max(size, 1 << 12)
    step = 1 << (size - 1).bit_length() - (1 if size <= LARGE_BLOCK else 4)
    return -(-size // step) * step


HOST_ARENAS = ArenaPool(lambda size: empty_aligned((size,), np.dtype(np.uint8)))
