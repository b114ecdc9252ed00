"""The k largest elements of a line, in the order of the array of a binary heap that is filled in one pass.

This is TensorFlow's order for `top_k(sorted=False)`, on which programs depend that draw one of the largest elements by its index. The first k + 1
elements are made a heap with the smallest at the root, which is dropped; each further element that is larger than the root replaces it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def kept_by_heap(lines: np.ndarray, k: int) -> np.ndarray:
    """The indices of the k largest elements of each line of a matrix with more than k columns, in the order of the heap."""
    kept = [_Heap(line.tolist(), k).places for line in lines]
    return np.array(kept, np.int64).reshape(len(kept), k)


class _Heap:
    """A heap of indices into a line of numbers. Larger numbers come first; of equal ones, the lower index."""

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
        """Replaces the root by the last index, which was popped."""
        if self.places:
            self._sift(0, len(self.places), last)

    def _sift(self, hole: int, size: int, place: int) -> None:
        """Moves the hole down to a leaf, always to the child that comes last, and inserts the index from there upwards."""
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
