"""The pieces of words, each word cut once: shared by all tokenizers of words."""

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from penstock._src.util.process import forks

# Number of words in a memory, before it is cleared.
MOST_WORDS = 1 << 20


class Piece(NamedTuple):
    """A part of a word: its text, its number, and the bytes of the word at which it begins and ends."""

    text: bytes
    number: int
    begin: int
    end: int


class _Growing:
    """An array to which values are added."""

    def __init__(self, dtype) -> None:
        self.values = np.empty(1024, dtype)
        self.size = 0

    def add(self, new: Sequence) -> None:
        size = self.size + len(new)
        if size > len(self.values):
            grown = np.empty(max(size, 2 * len(self.values)), self.values.dtype)
            grown[: self.size] = self.values[: self.size]
            self.values = grown
        self.values[self.size : size] = new
        self.size = size


class Memory(dict):
    """Words by number, and the pieces of each.

    Args:
      cut: gives the pieces of a word.
    """

    def __init__(self, cut: Callable[[bytes], list[Piece]]) -> None:
        super().__init__()
        self._cut = cut
        self._lock = forks.freed_in_child(threading.Lock())
        self._forget()

    def _forget(self) -> None:
        self.clear()
        self._new: list[list[Piece]] = []
        self._firsts, self._texts = _Growing(np.int64), _Growing(object)
        self._numbers, self._begins, self._ends = (_Growing(np.int64) for _ in range(3))
        self._firsts.add([0])

    def __missing__(self, word: bytes) -> int:
        self._new.append(self._cut(word))
        number = self[word] = len(self)
        return number

    def _take_in(self) -> None:
        new, self._new = self._new, []
        counts = np.cumsum([len(pieces) for pieces in new], dtype=np.int64)
        self._firsts.add(self._firsts.values[self._firsts.size - 1] + counts)
        flat = list(itertools.chain.from_iterable(new))
        texts = np.empty(len(flat), object)
        texts[:] = [piece.text for piece in flat]
        self._texts.add(texts)
        self._numbers.add([piece.number for piece in flat])
        self._begins.add([piece.begin for piece in flat])
        self._ends.add([piece.end for piece in flat])

    def pieces(self, words: Sequence[bytes]) -> tuple[np.ndarray, ...]:
        """The pieces of words, one word's after the other's.

        Args:
          words: any number of them.

        Returns:
          How many pieces each word has, and of each piece its text, its number, and where it begins and ends in its word.
        """
        with self._lock:
            if len(self) > MOST_WORDS:
                self._forget()
            numbers = np.fromiter(map(self.__getitem__, words), np.int64, len(words))
            if self._new:
                self._take_in()
            firsts = self._firsts.values[numbers]
            counts = self._firsts.values[numbers + 1] - firsts
            ends = np.cumsum(counts)
            places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(
                firsts - ends + counts, counts
            )
            columns = (self._texts, self._numbers, self._begins, self._ends)
            return (counts, *(array.values[places] for array in columns))
