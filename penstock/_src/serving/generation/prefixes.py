"""Keys and values of prompts' beginnings, kept for later sequences that begin alike."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# The beginning of every prompt.
ROOT = 0


class _Block(NamedTuple):
    number: int
    arrays: list[np.ndarray]
    size: int


class PrefixStore:
    """A tree of blocks: each holds the cache content of a run of tokens after the preceding runs. One thread at a time may use it.

    Tokens themselves are the keys, so that no two beginnings are ever taken for each other. A store belongs to one loaded model.
    Where the room is used up, the block that was used longest ago is dropped; a block counts as used whenever one after it is, so none is left without those before it.

    Args:
      capacity: bytes of all blocks.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity, self._last = capacity, ROOT
        # Least recently used first.
        self._blocks: OrderedDict[tuple[int, bytes], _Block] = OrderedDict()
        # Positions of blocks in the tree, by number; numbers are never reused.
        self._keys: dict[int, tuple[int, bytes]] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def find(self, before: int, tokens: np.ndarray) -> tuple[int, list[np.ndarray]] | None:
        """Returns the number of a block and its content; None if there is none.

        Args:
          before: the number of the block before it, or `ROOT`.
          tokens: of the block.
        """
        block = self._blocks.get((before, tokens.tobytes()))
        if block is None:
            return None
        self._use(block.number)
        return block.number, block.arrays

    def add(self, before: int, tokens: np.ndarray, arrays: Sequence[np.ndarray]) -> int | None:
        """Stores a block; returns its number, or None if there is no room or the block before it was dropped.

        Args:
          before: the number of the block before it, or `ROOT`.
          tokens: of the block.
          arrays: what it holds; they must not be written to afterwards.
        """
        size = sum(array.nbytes for array in arrays) + tokens.nbytes
        if size > self._capacity or before != ROOT and before not in self._keys:
            return None
        key = before, tokens.tobytes()
        if key in self._blocks:
            return self._blocks[key].number
        self._use(before)
        self._last += 1
        self._blocks[key] = _Block(self._last, list(arrays), size)
        self._keys[self._last] = key
        self.bytes += size
        self._use(self._last)
        while self.bytes > self._capacity:
            _, dropped = self._blocks.popitem(last=False)
            del self._keys[dropped.number]
            self.bytes -= dropped.size
        return self._last if self._last in self._keys else None

    def _use(self, number: int) -> None:
        """Notes that a block and those before it are used: the first one last, so that it is dropped after all others."""
        while number != ROOT:
            key = self._keys[number]
            self._blocks.move_to_end(key)
            number = key[0]
