"""The largest elements of a line in the order in which a heap that is filled in one pass holds them.

It is the order of `top_k(sorted=False)`: programs that draw one of the largest elements by its place depend on it. The first k + 1 elements
are made a heap, whose root comes last of them and leaves; each further element that comes before the root takes its place.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def kept_by_heap(lines: np.ndarray, k: int) -> np.ndarray:
    """The places of the k largest elements of each line of a matrix with more than k columns, as a heap holds them."""
    kept = [_Heap(line.tolist(), k).places for line in lines]
    return np.array(kept, np.int64).reshape(len(kept), k)


class _Heap:
    """Places of a line of numbers; of two that are equal, the lower place comes first."""

    def __init__(self, line: Sequence[Any], k: int) -> None:
        self.line = line
        self.places = list(range(k + 1))
        for at in range((k - 1) // 2, -1, -1):
            self._sift(at, k + 1, self.places[at])
        self._drop_root(self.places.pop())
        for place in range(k + 1, len(line)):
            if self._comes_before(place, self.places[0]):
                self._drop_root(self.places.pop())
                self.places.append(place)
                self._raise(k - 1, 0, place)

    def _comes_before(self, a: int, b: int) -> bool:
        x, y = self.line[a], self.line[b]
        return x > y or (not x < y and a < b)

    def _drop_root(self, last: int) -> None:
        """Puts the last place, which was taken off, where the root was."""
        if self.places:
            self._sift(0, len(self.places), last)

    def _sift(self, hole: int, size: int, place: int) -> None:
        """Moves what comes last up into the hole until it is at the bottom, and raises the place from there."""
        places, top = self.places, hole
        while 2 * hole + 2 < size:
            child = 2 * hole + 2
            if self._comes_before(places[child], places[child - 1]):
                child -= 1
            places[hole], hole = places[child], child
        if 2 * hole + 2 == size:
            places[hole], hole = places[size - 1], size - 1
        self._raise(hole, top, place)

    def _raise(self, hole: int, top: int, place: int) -> None:
        while hole > top and self._comes_before(self.places[(hole - 1) // 2], place):
            above = (hole - 1) // 2
            self.places[hole], hole = self.places[above], above
        self.places[hole] = place
