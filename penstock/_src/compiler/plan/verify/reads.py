"""Loads of a nest are within their buffers, at every point of the loops at which their guards hold.

Dynamic numbers (indices of gathers, starts of slices) are assumed to be within their clamps or guards.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.index import Dynamic, Index, Var
from penstock._src.compiler.kernels.values import Value
from penstock._src.compiler.plan.verify.domain import Domain, Extents, atoms_of, fail
from penstock._src.ir.node import Node

BOUND = 64  # values that are tried for a dynamic number


def verify_loads(
    kernel: Any, values: Iterable[Value], leaves: list[Node], extent: Extents, skipped: int = -1
) -> None:
    """Verifies that all loads are within their leaves, except those of slot `skipped`."""
    values = list(values)
    limits = {v.attrs[1][0]: v.attrs[2] for v in values if v.kind == "reduce" and len(v.attrs) > 2}
    for v in values:
        if v.kind == "load" and v.attrs[0] != skipped:
            _verify_load(kernel, v, leaves[v.attrs[0]], extent, limits)


def _verify_load(
    kernel: Any, load: Value, leaf: Node, extent: Extents, limits: dict[Var, Index]
) -> None:
    index = load.attrs[1]
    # Proved by expressions, for every size: no point has to be evaluated.
    if load.dtype.size == leaf.dtype.size and index.within(0, leaf.size):
        return
    # A bitcast reads the same bytes as elements of another size.
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
    """Points of the variables, with values for the dynamic numbers."""
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
        # Both ends are among them, where clamps go wrong first.
        some = np.unique(np.linspace(0, top, BOUND).astype(np.int64))
        domain.at[atom] = np.resize(some, count)
    return domain


def _conditions(guards: Iterable[Value]) -> Iterable[Value]:
    """The tests of index ranges in a conjunction of guards; other guards are ignored, which admits more points."""
    for guard in guards:
        if guard.kind == "inside":
            yield guard
        elif guard.kind == "and":
            yield from _conditions(guard.args)
