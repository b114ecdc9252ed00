"""In-place outputs: results that overlap an input of their kernel.

nest          an element is read in the iteration that stores it, or, for a reduction of a row, in the iteration of the outer
              loops that stores it
contraction   an epilogue reads an element at its own cell; the operands of the product do not overlap the result
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.nests.choice import choose_loops, reduction_variables
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.index import Dynamic, Index, Var
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.kernels.loop_nest import Store
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.verify.domain import Domain, Extents, atoms_of, extents_of, fail
from penstock._src.native import Target


def places_of(buffer: Buffer) -> tuple[Buffer, int]:
    """(the buffer with memory of its own that contains a buffer, the byte at which that begins in it)."""
    buffer, start = memory_of(buffer)
    return buffer, start + (buffer.offset if buffer.place == "arena" else 0)


def verify_nest(
    kernel: NestKernel, reads: Sequence[Buffer], writes: Sequence[Buffer], out: Buffer,
    source: Buffer, target: Target,
) -> None:  # fmt: skip
    """Verifies a nest that stores in `out`, which overlaps `source`."""
    nest = kernel.nest
    slots = {i for i, b in enumerate(reads[: len(nest.leaves)]) if b is source}
    loads = [v for v in nest.values() if v.kind == "load" and v.attrs[0] in slots]
    stores = [s for s in nest.stores if writes[s.slot - len(nest.leaves)] is out]
    reduced = {x.number for v in nest.values() if reduction_variables(v) for x in closure(v.args)}
    vector = choose_loops(nest, target).vector
    for store in stores:
        for load in loads:
            if load.dtype.size != store.dtype.size or places_of(out)[1] != places_of(source)[1]:
                fail(kernel, f"{out.name} is written over {source.name}, element over another")
            if load.number in reduced:
                _verify_row(kernel, store, load, vector, out)
            else:
                _verify_element(kernel, store, load.attrs[1], out)


def _domain(store: Store, index: Index, extent: Extents) -> Domain:
    """Points of all variables of a store and of a load, with 0 for dynamic numbers."""
    atoms = [*store.vars, *atoms_of(store.offset), *atoms_of(index)]
    domain = Domain([a for a in atoms if isinstance(a, Var)], extent)
    for atom in atoms:
        if isinstance(atom, Dynamic):
            domain.at[atom] = np.zeros(domain.count, np.int64)
    return domain


def _verify_element(kernel: NestKernel, store: Store, index: Index, out: Buffer) -> None:
    domain = _domain(store, index, extents_of(kernel, 1))
    wrong = np.flatnonzero(domain.index(index) != domain.index(store.offset))
    if len(wrong):
        fail(
            kernel,
            f"{out.name} is stored at {store.offset} over what is read at {index}"
            f" ({domain.describe(wrong[0])})",
        )


def _verify_row(
    kernel: NestKernel, store: Store, load: Value, vector: Var | None, out: Buffer
) -> None:
    """Verifies that a reduction reads an element only in the round of the outer loops that stores it. Not verified above MOST points."""
    extent = extents_of(kernel, 1)
    stored = Domain(sorted(store.vars, key=lambda v: v.number), extent)
    if not stored.whole:
        return
    outer = [v for v in stored.variables if v is not vector]
    offsets = stored.index(store.offset)
    # For each element the round of the outer loops that stores it; -1: it is not stored.
    # Rows are computed one after the other: a row may overwrite what only it reads.
    rounds = np.full(int(offsets.max(initial=0)) + 1, -1, np.int64)
    rounds[offsets] = _number(stored, outer, extent)
    domain = _domain(store, load.attrs[1], extent)
    read = domain.index(load.attrs[1])
    inside = (read >= 0) & (read < len(rounds))
    here = np.where(inside, rounds[np.where(inside, read, 0)], -1)
    wrong = np.flatnonzero((here >= 0) & (here != _number(domain, outer, extent)))
    if len(wrong) or load.vars and vector is None:
        at = domain.describe(wrong[0]) if len(wrong) else "no innermost loop"
        fail(kernel, f"{out.name} is stored over what another row's {load!r} reads ({at})")


def _number(domain: Domain, variables: Sequence[Any], extent: Extents) -> np.ndarray:
    total = np.zeros(domain.count, np.int64)
    for v in variables:
        total = total * extent(v.extent) + domain.at[v]
    return total


def verify_tiles(
    kernel: ContractKernel, reads: Sequence[Buffer], out: Buffer, source: Buffer
) -> None:
    """Verifies a contraction that stores in `out`, which overlaps `source`; `reads` are its two operands, then its epilogue's."""
    epilogue = kernel.epilogue
    if epilogue is None or any(b is source for b in reads[:2]):
        fail(kernel, f"{out.name} is written over {source.name}, which is multiplied")
    slots = {k for k, b in enumerate(reads[2:], 1) if b is source}
    domain = Domain([epilogue.row, epilogue.column], int)
    cells = domain.index(epilogue.place)
    for v in closure([epilogue.value, *epilogue.sums]):
        if v.kind != "load" or v.attrs[0] not in slots:
            continue
        # Elements of another size lie at other bytes for the same offset.
        same = v.dtype.size == kernel.outputs[0].dtype.size
        if not same or (domain.index(v.attrs[1]) != cells).any():
            fail(kernel, f"{out.name} is written over {source.name}, which is read at {v.attrs[1]}")
