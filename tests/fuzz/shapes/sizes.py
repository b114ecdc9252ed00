"""Sizes of the arrays of a call: axes of one extent change together, one to four of them, to other extents in changing order."""

from __future__ import annotations

import math

import numpy as np

PRIMES = (2, 3, 5, 7, 11, 13)
LARGE = 2**16 + 1  # what one extent becomes once, where arrays are small otherwise
MOST_ELEMENTS = 1 << 19  # of the arrays of a call then


def sizes_of(arrays: list[np.ndarray], seed: int, count: int = 5) -> list[dict[int, int]]:
    """What extents become in each of so many runs: {extent as recorded: extent}.

    Extents become 0, 1, primes, one more and one less, equal to another one, products of others, and a large one once.
    """
    random = np.random.default_rng([seed, 5])
    extents = sorted({n for a in arrays for n in a.shape})
    found: list[dict[int, int]] = [{}]
    while extents and len(found) < count:
        changes = {}
        for n in random.permutation(extents)[: int(random.integers(1, 5))].tolist():
            other = int(random.choice(extents))
            choices = [0, 1, 1, n + 1, n + 1, max(n - 1, 0), 2 * n, other, min(other * n, 24)]
            changes[n] = int(random.choice([*choices, int(random.choice(PRIMES))]))
        found.append(changes)
    if count > 5 and extents:
        large = {int(random.choice(extents)): LARGE}
        if sum(elements(a, large) for a in arrays) <= MOST_ELEMENTS:
            found[-1] = large
    return [found[i] for i in random.permutation(len(found))]


def elements(array: np.ndarray, changes: dict[int, int]) -> int:
    """How many elements the array has with changed extents."""
    return math.prod(changes.get(n, n) for n in array.shape)


def resized(array: np.ndarray, changes: dict[int, int], axes: set[int] | None = None) -> np.ndarray:
    """The array with changed extents: cut, or continued by itself from its start."""
    grown = False
    for axis, n in enumerate(array.shape):
        wanted = changes.get(n, n)
        if wanted != n and (axes is None or axis in axes):
            if not n:
                array = np.ones(
                    (*array.shape[:axis], wanted, *array.shape[axis + 1 :]), array.dtype
                )
            else:
                array = np.take(array, np.arange(wanted) % n, axis)
                grown |= wanted > n
    if (
        grown
        and array.size
        and array.ndim >= 2
        and array.shape[-1] == array.shape[-2]
        and array.dtype.kind in "fc"
    ):
        # Rows that come again make matrices singular, of which rounding decides all that is computed.
        largest = np.abs(array).max(initial=1, where=np.isfinite(array))
        array = array + (largest * array.shape[-1] * np.eye(array.shape[-1])).astype(array.dtype)
    return array
