"""What a node's kernels store: every element once.

for every store   its place, over its own loops, is one to one
together          the places of all stores of a node, by whichever kernels, are its elements, none left out
a block           is stored whole, within the array of which it replaces a part
loops             a store stands in no loop that may be empty but its own: else it is left out where that loop is
"""

from typing import Any

import numpy as np

from penstock._src.compiler.codegen.nests.choice import choose_loops
from penstock._src.compiler.kernels.index import Dynamic, Var, same_extent
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.kernels.loop_nest import Store
from penstock._src.compiler.plan.verify.domain import Domain, Extents, atoms_of, fail, row_major
from penstock._src.ir.extents.dims import Dim
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass
class Written:
    """One store of a node."""

    kernel: NestKernel
    store: Store
    extent: Extents


def verify_loops(kernel: NestKernel, extent: Extents, target: Any) -> None:
    """A store's loops are those of its nest, and it stands in no others that may be empty."""
    nest = kernel.nest
    loops = choose_loops(nest, target)
    order = [*[v for v, _ in loops.parallel], *loops.serial]
    if loops.vector is not None and loops.vector not in order:
        order.append(loops.vector)
    shared = {v for v, _ in loops.parallel}
    for store in nest.stores:
        name = f"output {store.slot - len(nest.leaves)}"
        strange = store.vars.difference(nest.space)
        if strange:
            fail(
                kernel, f"the store of {name} at {store.offset} needs {strange}, which no loop has"
            )
        own = [i for i, v in enumerate(order) if v in store.vars]
        around = {*order[: own[-1] if own else 0], *shared} - store.vars
        empty = [v for v in around if isinstance(v.extent, Dim) or extent(v.extent) == 0]
        if empty and all(extent(v.extent) for v in store.vars):
            fail(kernel, f"the store of {name} at {store.offset} stands in loops {empty}")


def verify_node(node: Node, written: list[Written]) -> None:
    """The stores of a node cover it exactly once."""
    kernel, extent = written[0].kernel, written[0].extent
    size = extent(node.size)
    if size == 0:
        return
    if len(written) == 1 and node.kind != "dynamic_update_slice":
        (only,) = written
        covered = row_major(only.store.offset, only.store.vars)
        if covered is not None and same_extent(only.store.offset.const, 0):
            if extent(covered) != size:
                fail(kernel, f"{covered} of {size} elements of {node!r} are stored")
            return
    places, points, whole = [], 0, True
    for one in written:
        found, domain = _places(node, one)
        places.append(found)
        points += domain.size
        whole = whole and domain.whole
    wanted = size if node.kind != "dynamic_update_slice" else extent(node.args[1].size)
    if points != wanted:
        fail(kernel, f"{points} of {wanted} elements of {node!r} are stored")
    every = np.concatenate(places)
    distinct = np.unique(every)
    if len(distinct) != len(every):
        twice = np.sort(every)[:-1][np.diff(np.sort(every)) == 0][0]
        fail(kernel, f"element {twice} of {node!r} is stored twice, at {written[0].store.offset}")


def _places(node: Node, one: Written) -> tuple[np.ndarray, Domain]:
    """Where a store writes, at each of its points."""
    store, size = one.store, one.extent(node.size)
    moving = [a for a in atoms_of(store.offset) if isinstance(a, Dynamic)]
    places = None
    for start in (0, 1):  # as early and as late as a start that is known at run time can be
        variables: list[Var] = sorted(store.vars, key=lambda v: v.number)
        domain = Domain(variables, one.extent)
        for atom in moving:
            last = one.extent(atom.extent) - 1 if atom.extent is not None else 0
            domain.at[atom] = np.full(domain.count, start * max(last, 0))
        places = domain.index(store.offset)
        outside = np.flatnonzero((places < 0) | (places >= size))
        if len(outside):
            at = outside[0]
            fail(
                one.kernel,
                f"{node!r} is stored at {store.offset} = {places[at]} of {size} elements"
                f" ({domain.describe(at)})",
            )
        if not moving:
            break
    return places, domain  # type: ignore[return-value]
