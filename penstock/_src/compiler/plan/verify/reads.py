"""Every load of a nest lies within its buffer, at every point of the loops that it depends on where its guard holds.

Numbers that are loaded (indices of gathers, starts of slices) are taken to be what their clamps or guards allow.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.index import Dynamic, Index, Var
from penstock._src.compiler.kernels.values import Value
from penstock._src.compiler.plan.verify.domain import Domain, Extents, atoms_of, fail
from penstock._src.ir.node import Node

BOUND = 64  # values of a loaded number that are tried, at most


def verify_loads(
    kernel: Any, values: Iterable[Value], leaves: list[Node], extent: Extents, skipped: int = -1
) -> None:
    """No load of some values is outside of its leaf; those of slot `skipped` are not looked at."""
    values = list(values)
    limits = {v.attrs[1][0]: v.attrs[2] for v in values if v.kind == "reduce" and len(v.attrs) > 2}
    for v in values:
        if v.kind == "load" and v.attrs[0] != skipped:
            _verify_load(kernel, v, leaves[v.attrs[0]], extent, limits)


def _verify_load(
    kernel: Any, load: Value, leaf: Node, extent: Extents, limits: dict[Var, Index]
) -> None:
    index = load.attrs[1]
    if load.dtype.size == leaf.dtype.size and index.within(0, leaf.size):
        return
    limit = extent(leaf.size) * leaf.dtype.size // load.dtype.size
    conditions = list(_conditions(load.args))
    needed = [*atoms_of(index), *[a for c in conditions for a in atoms_of(c.attrs[0])]]
    bounded: list[Var | Dynamic] = []
    for atom in needed:
        bounded.append(atom)
        if atom in limits:
            bounded += atoms_of(limits[atom])
    domain = _domain(bounded, conditions, extent)
    for var, last in limits.items():
        if var in domain.at:
            domain.keep(domain.at[var] < domain.index(last))
    for c in conditions:
        at, low, high = domain.index(c.attrs[0]), extent(c.attrs[1]), extent(c.attrs[2])
        domain.keep((at >= low) & (at < high))
    if not domain.count:
        return
    places = domain.index(index)
    outside = np.flatnonzero((places < 0) | (places >= limit))
    if len(outside):
        at = outside[0]
        fail(
            kernel,
            f"{leaf!r} is read at {index} = {places[at]} of {limit} elements"
            f" ({domain.describe(at)})",
        )


def _domain(atoms: list[Var | Dynamic], conditions: list[Value], extent: Extents) -> Domain:
    """Points of the variables, and of the numbers that are loaded."""
    domain = Domain([a for a in atoms if isinstance(a, Var)], extent)
    count, dynamic = domain.count, dict.fromkeys(a for a in atoms if isinstance(a, Dynamic))
    if dynamic and count < BOUND:  # each point with every number that is tried
        domain.at = {v: np.repeat(x, BOUND) for v, x in domain.at.items()}
        count *= BOUND
    for atom in dynamic:
        limit = atom.extent
        if limit is None:
            limit = next((c.attrs[2] for c in conditions if atoms_of(c.attrs[0]) == [atom]), 1)
        top = max(extent(limit) - 1, 0)
        some = np.unique(np.linspace(0, top, BOUND).astype(np.int64))
        domain.at[atom] = np.resize(some, count)
    return domain


def _conditions(guards: Iterable[Value]) -> Iterable[Value]:
    """The ranges of indices whose conjunction a guard is; what else it asks is not known here."""
    for guard in guards:
        if guard.kind == "inside":
            yield guard
        elif guard.kind == "and":
            yield from _conditions(guard.args)
