"""Sizes of the arrays of a call: axes of one extent change together, to other extents in changing order."""

from __future__ import annotations

import numpy as np

PRIMES = (2, 3, 5, 7, 11, 13)


def sizes_of(arrays: list[np.ndarray], seed: int, count: int = 5) -> list[dict[int, int]]:
    """What extents become in each of so many runs: {extent as recorded: extent}.

    Extents become 0, 1, primes, one more and one less, equal to another one, and products of others.
    """
    random = np.random.default_rng([seed, 5])
    extents = sorted({n for a in arrays for n in a.shape})
    found: list[dict[int, int]] = [{}]
    while extents and len(found) < count:
        changes = {}
        for n in random.permutation(extents)[: int(random.integers(1, 3))].tolist():
            other = int(random.choice(extents))
            choices = [0, 1, 1, n + 1, n + 1, max(n - 1, 0), 2 * n, other, min(other * n, 24)]
            changes[n] = int(random.choice([*choices, int(random.choice(PRIMES))]))
        found.append(changes)
    return [found[i] for i in random.permutation(len(found))]


def resized(array: np.ndarray, changes: dict[int, int], axes: set[int] | None = None) -> np.ndarray:
    """The array with changed extents: cut, or continued by itself from its start."""
    for axis, n in enumerate(array.shape):
        wanted = changes.get(n, n)
        if wanted != n and (axes is None or axis in axes):
            if not n:
                array = np.ones(
                    (*array.shape[:axis], wanted, *array.shape[axis + 1 :]), array.dtype
                )
            else:
                array = np.take(array, np.arange(wanted) % n, axis)
    return array
