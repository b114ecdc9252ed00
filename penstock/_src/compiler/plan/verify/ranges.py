"""Bounds of divided indices: they hold at every point of the loops, even where a guard does not hold.

Generated code uses an unsigned division if the lower bound is at least 0, and omits a division if the bounds determine its result. The
other rules evaluate indices exactly, rounding down, and would not detect errors of such code.
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
    """Verifies that every divided index within values and stores is within its bounds."""
    indices = [a for v in values for a in v.attrs if isinstance(a, Index)]
    divisions = [d for i in [*indices, *[s.offset for s in stores]] for d in _divisions(i)]
    for division in dict.fromkeys(divisions):
        _verify_range(kernel, division.index, extent)


def _divisions(index: Index) -> Iterable[Division]:
    for atom, _ in index.terms:
        if isinstance(atom, Division):
            yield atom
            yield from _divisions(atom.index)


def _verify_range(kernel: Any, index: Index, extent: Extents) -> None:
    low, high = index.range()
    needed = atoms_of(index)
    if (low is None and high is None) or any(isinstance(a, Dynamic) for a in needed):
        return  # dynamic numbers are clamped to their bounds
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
