"""The bounds of a divided index hold at every point of the loops, whether a guard holds there or not.

Code divides without a sign where the lower bound is at least 0, and leaves a division out where the bounds say that its result is
known. The other rules evaluate indices as they are meant, with rounding down, so they would not see that code does otherwise.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.index import Division, Dynamic, Index
from penstock._src.compiler.kernels.loop_nest import Store
from penstock._src.compiler.kernels.values import Value
from penstock._src.compiler.plan.verify.domain import Domain, Extents, atoms_of, fail


def verify_ranges(
    kernel: Any, values: Iterable[Value], stores: Iterable[Store], extent: Extents
) -> None:
    """Every division within the indices of some values and stores is of an index within its bounds."""
    indices = [a for v in values for a in v.attrs if isinstance(a, Index)]
    looked_at: set[Division] = set()
    for index in [*indices, *[s.offset for s in stores]]:
        for atom in _divisions(index):
            if atom not in looked_at:
                looked_at.add(atom)
                _verify_range(kernel, atom.index, extent)


def _divisions(index: Index) -> Iterable[Division]:
    for atom, _ in index.terms:
        if isinstance(atom, Division):
            yield atom
            yield from _divisions(atom.index)


def _verify_range(kernel: Any, index: Index, extent: Extents) -> None:
    low, high = index.range()
    needed = atoms_of(index)
    if (low is None and high is None) or any(isinstance(a, Dynamic) for a in needed):
        return  # numbers that are loaded are clamped to their bounds
    domain = Domain(needed, extent)
    if not domain.count:
        return
    places = domain.index(index)
    outside = np.zeros(places.shape, bool)
    if low is not None:
        outside |= places < extent(low)
    if high is not None:
        outside |= places > extent(high)
    if outside.any():
        at = np.flatnonzero(outside)[0]
        fail(
            kernel,
            f"{index} is divided as lying between {low} and {high}, but is {places[at]} ({domain.describe(at)})",
        )
