"""Scatters of many index vectors on a GPU: vectors are sorted by slice, then updates of the same slice are combined in order.

A run is a sequence in this order with the same slice. Threads take pieces of PIECE entries, one column each. A run within a piece is
combined with its slice at once; for a longer run, each piece stores a partial result. These parts, at most two per piece, are the entries of the next
launch, until one piece has all. So every slice is written by one thread, sums are divided by sizes alone, and long runs are processed in parallel
(a reduction by key; Sengupta, Harris, Zhang and Owens, "Scan Primitives for GPU Computing", 2007).
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory, reductions
from penstock._src.compiler.codegen.scalars.registers import joined, parts, rounded, zero
from penstock._src.compiler.codegen.specials.scatter import COMBINE, row_of_vector
from penstock._src.compiler.codegen.specials.special import (
    Bounds,
    Scratch,
    SpecialLaunch,
    SpecialStage,
)
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.typesets import NARROW
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.devices.gpu.kernels.specials.sort import (
    PAIR_BYTES,
    THREADS,
    TILE,
    SortKernels,
    long_stages,
)
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

PIECE = 32  # entries that a thread goes through
NONE = -1  # the key of an entry that is not there
PARTS = 2  # entries that a piece may leave: for the run that crosses its start, and for the one that crosses its end


@dataclass(frozen=True)
class ScatterForm:
    """The form of a scatter's kernels: the operation, types of elements and indices, and elements of an index vector."""

    op: str
    dtype: DType
    index_dtype: DType
    depth: int

    @property
    def wide(self) -> DType:
        """The type of parts of a run."""
        return dtypes.float32 if self.dtype in NARROW else self.dtype


def sorted_scatter_launch(
    node: Node, vectors: int, size: int, extents: tuple[int, ...], slices: int
) -> SpecialLaunch:
    """The launches of a scatter with more vectors than a tile of a sort, into the initial value of its result."""
    _, indices, updates = node.args
    form = ScatterForm(node.op, node.dtype, indices.dtype, len(extents))
    # All but the launch that would write sorted arrays.
    sorts = long_stages(vectors, 1, 1, 1)[:-1]
    order = Scratch(2 * PAIR_BYTES * vectors)
    levels = _levels(vectors)
    rooms = [Scratch(count * (8 + size * form.wide.size)) for count in levels[1:3]]

    def words(run: int, half: int, entries: int, *rooms: Scratch | int) -> tuple[Any, ...]:
        shared = (vectors, 1, 1, order, TILE, 0, run, half, node, indices, updates, size, slices)
        return (*shared, entries, *rooms, *extents)

    stages = [SpecialStage(name, n, words(*own, 0, *rooms)) for n, name, own in sorts]
    half = sorts[-1][2][1] ^ 1
    for level, entries in enumerate(levels):
        pair = (rooms[(level + i) % len(rooms)] for i in (1, 0))
        name = "pieces" if level == 0 else "joins"
        blocks = -(-(-(-entries // PIECE) * size) // THREADS)
        stages.append(SpecialStage(name, blocks, words(0, half, entries, *pair)))
    first, *rest = stages
    return SpecialLaunch(
        ("sorted scatter", form), lambda target: emit_sorted_scatter(form, target), first.tasks, first.words or (),
        f"scatter[{vectors}, {size}] by sort",
        Bounds(indices, extents) if node.attrs["mode"] == "error" else None, rest,
    )  # fmt: skip


def _levels(entries: int) -> list[int]:
    """The number of entries in each launch."""
    levels = [entries]
    # Each level has at most 2/32 of the entries before it.
    while levels[-1] > PIECE:
        levels.append(-(-levels[-1] // PIECE) * PARTS)
    return levels


def emit_sorted_scatter(form: ScatterForm, target: Target) -> CudaCode:
    """Context: what a sort of long lines has, without arrays (sort.py); output, indices, updates, elements of a slice, slices; entries, where
    they lie, where what is left of them goes; then the extents that vectors index.
    """
    m = CudaModule(target, THREADS)
    with m.kernel() as f:
        _SlicesInOrder(f, form).tiles(0)
    with m.kernel("merge") as f:
        _SlicesInOrder(f, form).merge()
    with m.kernel("pieces") as f:
        _Pieces(f, form, True).write()
    with m.kernel("joins") as f:
        _Pieces(f, form, False).write()
    return m.finished()


class _SlicesInOrder(SortKernels):
    """Sorts vectors by the number of their slice; those out of range come last."""

    def __init__(self, f: CudaFn, form: ScatterForm) -> None:
        super().__init__(f, (), 1, False, TILE, True)
        self.form = form

    def key_at(self, line: Val, key: int, place: Val) -> Val:
        f = self.f
        extents = [f.load(f.ctx, 16 + i, I64) for i in range(self.form.depth)]
        row, inside = row_of_vector(f, f.load(f.ctx, 9, PTR), place, extents, self.form.index_dtype)
        # Vectors out of range get the number after the last slice, and so form the last run.
        return f.select(inside, row, f.load(f.ctx, 12, I64))


class _Pieces:
    """Writes the kernel that combines entries: updates in their order, or parts of runs."""

    def __init__(self, f: CudaFn, form: ScatterForm, is_first: bool) -> None:
        self.f, self.form, self.is_first = f, form, is_first
        self.output, self.updates = f.load(f.ctx, 8, PTR), f.load(f.ctx, 10, PTR)
        self.size, self.slices, self.entries = (f.load(f.ctx, i, I64) for i in (11, 12, 13))
        self.source, self.rest = f.load(f.ctx, 14, PTR), f.load(f.ctx, 15, PTR)
        if is_first:
            self.keys, self.places = _SlicesInOrder(f, form).arrays(f.i64(0), f.load(f.ctx, 7, I64))
        else:
            self.keys = self.source
        number = f.number * THREADS + f.thread
        self.piece, self.column = number // self.size, number % self.size
        self.first = self.piece * PIECE

    def write(self) -> None:
        self.f.when(self.first < self.entries, self._combine)

    def _combine(self) -> None:
        f = self.f
        end = f.min(self.first + PIECE, self.entries)
        has_begun = self._goes_over(self.first)
        start = f.i64(NONE), ~has_begun, *parts(zero(f, self.form.wide, 1))
        last, is_own, *total = f.loop(self.first, end, 1, self._entry, *start)
        goes_on = self._goes_over(end)
        is_there = last.ne(NONE)
        # A run that lies within the piece as a whole is final; others wait for their neighbors.
        f.when(is_there & is_own & ~goes_on, lambda: self._finish(last, total))
        f.when(is_there & ~is_own, lambda: self._keep(0, total))
        f.when(is_there & is_own & goes_on, lambda: self._keep(1, total))

        def note() -> None:
            key = f.load(self.keys, self.first, I64)
            f.store(f.select(has_begun, key, NONE), self.rest, self.piece * PARTS)
            key = f.select(is_there & is_own & goes_on, last, NONE)
            f.store(key, self.rest, self.piece * PARTS + 1)

        f.when(self.column.eq(0) & (self.entries > PIECE), note)

    def _goes_over(self, place: Val) -> Val:
        """True if a run continues across an index."""
        f = self.f
        inside = (place > 0) & (place < self.entries)
        at = f.select(inside, place, 1 if self.is_first else 0)
        key = f.load(self.keys, at, I64)
        if self.is_first:
            return inside & key.eq(f.load(self.keys, at - 1, I64))
        return inside & key.ne(NONE)  # a piece's first part is of a run that has begun before it

    def _entry(self, i: Val, last: Val, is_own: Val, *total: Val) -> tuple[Val, ...]:
        """Takes an entry up into its run's total; the run before it ends if it is another's."""
        f = self.f
        key = f.load(self.keys, i, I64)
        is_there = key.ne(NONE)
        is_other = is_there & key.ne(last)
        has_ended = is_other & last.ne(NONE)
        f.when(has_ended & is_own, lambda: self._finish(last, total))
        f.when(has_ended & ~is_own, lambda: self._keep(0, total))
        own = parts(self._value(i, is_there))
        more = parts(self._combined(joined(total), joined(own)))
        after = [
            f.select(is_other, x, f.select(is_there, y, z))
            for x, y, z in zip(own, more, total, strict=True)
        ]
        return f.select(is_other, key, last), is_own | has_ended, *after

    def _value(self, i: Val, is_there: Val) -> Any:
        f = self.f
        if self.is_first:
            number = f.cast("zext", f.load(self.places, i, "i32"), I64)
            at, values, dtype = number * self.size + self.column, self.updates, self.form.dtype
        else:
            values, dtype = f.at(self.source, self.entries, I64), self.form.wide
            at = i * self.size + self.column
        return memory.load(f, memory.Elements(values, at), dtype, guard=is_there)

    def _combined(self, earlier: Any, later: Any) -> Any:
        # Later updates win, and a run keeps their order.
        if self.form.op == "set":
            return later
        return reductions.combine(self.f, COMBINE[self.form.op], self.form.dtype, earlier, later)

    def _keep(self, which: int, total: Sequence[Val]) -> None:
        """Notes a part of a run for the next launch."""
        f = self.f
        count = (self.entries + (PIECE - 1)) // PIECE * PARTS
        at = (self.piece * PARTS + which) * self.size + self.column
        place = memory.Elements(f.at(self.rest, count, I64), at)
        memory.store(f, place, self.form.wide, joined(total))

    def _finish(self, key: Val, total: Sequence[Val]) -> None:
        """Combines a whole run with its slice, unless it is out of range."""
        f, dtype = self.f, self.form.dtype

        def apply() -> None:
            place = memory.Elements(self.output, key * self.size + self.column)
            new = joined(total)
            if self.form.op != "set":
                new = self._combined(memory.load(f, place, dtype), new)
                if dtype in NARROW:
                    new = rounded(f, new, dtype)
            memory.store(f, place, dtype, new)

        f.when(key < self.slices, apply)
