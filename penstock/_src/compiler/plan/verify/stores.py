"""Stores: a node's kernels store every element once.

every store       its offset is one to one over its own loops
together          the offsets of all stores of a node, by all kernels, cover its elements
a block           is stored completely, within the array that it is part of
loops             no loop around a store, except its own, may be empty: the store would be skipped
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
    """Verifies that a store's loops are loops of its nest, and that no other loop around it may be empty."""
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
        # Tasks share their loops among all stores: they are around each.
        around = {*order[: own[-1] if own else 0], *shared} - store.vars
        empty = [v for v in around if isinstance(v.extent, Dim) or extent(v.extent) == 0]
        if empty and all(extent(v.extent) for v in store.vars):
            fail(kernel, f"the store of {name} at {store.offset} stands in loops {empty}")


def verify_node(node: Node, written: list[Written]) -> None:
    """Verifies that the stores of a node cover each element exactly once."""
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
    offsets, points = [], 0
    for store in written:
        store_offsets, domain = _offsets(node, store)
        offsets.append(store_offsets)
        points += domain.size
    expected = size if node.kind != "dynamic_update_slice" else extent(node.args[1].size)
    if points != expected:
        fail(kernel, f"{points} of {expected} elements of {node!r} are stored")
    every = np.sort(np.concatenate(offsets))
    repeated = every[:-1][np.diff(every) == 0]
    if len(repeated):
        twice = repeated[0]
        fail(kernel, f"element {twice} of {node!r} is stored twice, at {written[0].store.offset}")


def _offsets(node: Node, written: Written) -> tuple[np.ndarray, Domain]:
    """The offsets of a store at each of its points, which must be within the node."""
    store, size = written.store, written.extent(node.size)
    dynamic = [a for a in atoms_of(store.offset) if isinstance(a, Dynamic)]
    offsets = None
    for start in (0, 1):  # the least and the largest start of a block, which is known at run time
        variables: list[Var] = sorted(store.vars, key=lambda v: v.number)
        domain = Domain(variables, written.extent)
        for atom in dynamic:
            last = written.extent(atom.extent) - 1 if atom.extent is not None else 0
            domain.at[atom] = np.full(domain.count, start * max(last, 0))
        offsets = domain.index(store.offset)
        outside = np.flatnonzero((offsets < 0) | (offsets >= size))
        if len(outside):
            at = outside[0]
            fail(
                written.kernel,
                f"{node!r} is stored at {store.offset} = {offsets[at]} of {size} elements"
                f" ({domain.describe(at)})",
            )
        if not dynamic:
            break
    return offsets, domain  # type: ignore[return-value]
