"""A product's kernel: its tasks, and the addresses from which their tiles read operands. tiles.py has the tiles, packing.py the panels."""

from functools import partial
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    ceil_divide,
    is_static,
    product,
    unravel,
    value,
)
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import PARTIALS, Epilogue
from penstock._src.native import Code, Module, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR
from penstock._src.native.process.interrupts import unless_dropped

from .frame import DepthBlock, Frame, base_of, batch_offset, depth_block, load_frame
from .matrix_registers import begin_matrices, end_matrices
from .packing import OperandPacking, write_packing, write_prepacking
from .schedule import GemmSchedule, Place
from .tiles import TileNames, write_tiles


def write(schedule: GemmSchedule, epilogue: Epilogue) -> Code:
    """Writes the code for a schedule."""
    module = Module(schedule.target)
    tiles = write_tiles(module, schedule, epilogue)
    if schedule.packs_beforehand:
        write_packing(module, schedule)
    if schedule.right.place is Place.PREPACKED:
        write_prepacking(module, schedule)
    with module.task("task") as f:
        _write_task(f, schedule, epilogue, tiles)
    return Code.of(module)


def _write_task(f: Fn, s: GemmSchedule, epilogue: Epilogue, tiles: TileNames) -> None:
    """Writes the task: a block of rows and columns of one batch, for all depth blocks of a group."""
    if s.by_matrices:
        begin_matrices(f)
    frame = load_frame(f, s)
    task = _Task(f, s, frame, epilogue, tiles)

    def unless_interrupted(number: Any) -> None:
        unless_dropped(f, lambda: task.write_depth_block(number))

    # An interrupted run ends between depth blocks; a single block is short enough to finish.
    is_short = is_static(frame.count) and frame.count == 1
    f.loop(0, frame.count, 1, task.write_depth_block if is_short else unless_interrupted)
    if s.by_matrices:
        end_matrices(f)


class _Task:
    """The values that all depth blocks of a task use: its block [i0, i1) x [j0, j1) of the output and its own memory."""

    def __init__(
        self, f: Fn, schedule: GemmSchedule, frame: Frame, epilogue: Epilogue, tiles: TileNames
    ) -> None:
        self.f, self.schedule, self.frame, self.tiles = f, schedule, frame, tiles
        s, g = schedule, schedule.gemm
        # The task's number counts columns first, then rows, then batches.
        mc = s.cut.rows(f, frame.m, frame.batches, frame.n)
        row_blocks, column_blocks = ceil_divide(frame.m, mc), ceil_divide(frame.n, s.cut.columns)
        area = row_blocks * column_blocks
        self.batch, t = f.task // area, f.task % area
        self.i0 = word(f, t // column_blocks) * mc
        self.j0 = word(f, t % column_blocks) * s.cut.columns
        self.i1 = f.min(self.i0 + mc, frame.m)
        self.j1 = f.min(word(f, self.j0) + s.cut.columns, frame.n)
        coordinates = unravel(f, self.batch, frame.batch)
        self.bases = tuple(base_of(f, x, coordinates) for x in (g.left, g.right))
        self.out0 = batch_offset(f, coordinates, g.batch_out)
        own = frame.own_at + f.tid * (s.block_b + s.block_a)
        self.packed_b = f.at(frame.scratch, own, s.types.total)
        self.packed_a = f.at(self.packed_b, s.block_b, s.types.total)
        self.sums = _column_sums(f, s, frame, epilogue)
        # An empty depth still has one block, whose tiles store the epilogue of zeros.
        self.last = s.steps - 1 if s.steps else f.max(0, ceil_divide(product(frame.ks), s.kc) - 1)
        self.row = value(f, g.row)

    def write_depth_block(self, number: Any) -> None:
        """Writes the tiles of one depth block, `number` in the group, and the packing before them."""
        f, s, frame = self.f, self.schedule, self.frame
        step = word(f, number) + frame.first_step
        block = depth_block(f, s, frame, step)
        reads = _Reads(f, s, frame, number, step, block, self.batch, self.bases)
        if s.right.place is Place.OF_A_TASK:
            packing = OperandPacking(f, s, frame, 1)
            columns = f.i64(self.j1) - self.j0
            packing.all_panels(block, self.bases[1], self.j0, columns, self.packed_b)

        def sweep(i: Any, end: Any) -> None:
            tile = partial(self._call_tile, reads, i)
            _sweep(f, s, self.tiles, i, end, self.j0, self.j1, tile)

        def packed_rows_from(i: Any) -> None:
            end = f.min(f.i64(self.i1), i + s.rows_at_once)
            packing = OperandPacking(f, s, frame, 0)
            packing.all_panels(block, self.bases[0], i, end - i, self.packed_a)
            sweep(i, end)

        if s.left.place is Place.OF_A_TASK:
            f.loop(self.i0, self.i1, s.rows_at_once, packed_rows_from)
        else:
            sweep(self.i0, self.i1)

    def _call_tile(
        self, reads: "_Reads", first_row: Any, i: Any, j: Any, name: str, rows: Any, columns: Any
    ) -> None:
        """Writes the call of a tile's function at row i and column j; `rows` and `columns` are left from there."""
        f, frame, step = self.f, self.frame, reads.step
        a = reads.rows_of_a(i, first_row, self.packed_a)
        b = reads.columns_of_b(j, self.j0, self.packed_b)
        out = word(f, times(f, word(f, i), self.row)) + self.out0 + j
        apart: Any = f.i64(0)
        if self.schedule.sums_apart:
            apart = (word(f, self.batch) * frame.m + i) * frame.n + j
        # The first depth block starts sums, later ones load them from the output; the last one applies the epilogue.
        f.call(
            name, a, b, f.ctx, self.sums, word(f, out), word(f, j), word(f, reads.block.depth),
            step.eq(0), step.eq(self.last), word(f, rows), word(f, columns), word(f, apart),
        )  # fmt: skip


def _column_sums(f: Fn, s: GemmSchedule, frame: Frame, epilogue: Epilogue) -> Val:
    """The address of the epilogue's column sums: each task has its own, which start with zeros."""
    sums = f.load(f.ctx, PARTIALS, PTR)
    if epilogue.partial_bytes:
        sums = f.at(sums, f.task * epilogue.partial_bytes)
        # Later groups of depth blocks run the same tasks, which add to the sums of the first group.
        first = True if s.steps == 1 else frame.first_step.eq(0)
        f.when(first, lambda: epilogue.clear(f, sums))
    return sums


class _Reads:
    """The addresses from which tiles of one depth block read: block `number` of the group, `step` of the whole product."""

    def __init__(
        self, f: Fn, schedule: GemmSchedule, frame: Frame, number: Any, step: Val, block: DepthBlock,
        batch: Val, bases: tuple[Any, ...],
    ) -> None:  # fmt: skip
        self.f, self.schedule, self.frame = f, schedule, frame
        self.number, self.step, self.block = number, step, block
        self.batch, self.bases = batch, bases

    def rows_of_a(self, i, first, packed: Val) -> Val:
        """The address of A for a tile that starts with row i; `first` is the first row that the task has packed."""
        f, s, frame = self.f, self.schedule, self.frame
        a: Any = s.gemm.left
        if s.left.place is Place.IN_PLACE:
            at = times(f, i, value(f, a.cross)) + self.bases[0]
            at = times(f, self.block.start, value(f, a.depth[0])) + word(f, at)
            return f.at(frame.a, at, a.element)
        if s.left.place is Place.OF_A_TASK:
            panel = (word(f, i) - first) // s.mr
            return f.at(packed, panel * s.left.room, s.types.total)
        panel = word(f, self.batch) * frame.row_panels + word(f, i) // s.mr
        panel = times(f, self.number, frame.a_panels) + panel
        return f.at(frame.scratch, frame.a_at + panel * s.left.room, s.types.total)

    def columns_of_b(self, j, first, packed: Val) -> Val:
        """The address of B for a tile that starts with column j; `first` is the first column that the task has packed."""
        f, s, frame, total = self.f, self.schedule, self.frame, self.schedule.types.total
        b: Any = s.gemm.right
        if s.right.place is Place.IN_PLACE:
            at = times(f, self.block.start, value(f, b.depth[0])) + (word(f, j) + self.bases[1])
            return f.at(frame.b, at, b.element)
        if s.right.place is Place.PREPACKED:
            panel = self.step * ceil_divide(frame.n, s.nr) + word(f, j) // s.nr
            return f.at(frame.b, panel * s.right.room, total)
        if s.right.place is Place.SHARED:
            panel = times(f, self.number, frame.b_panels) + word(f, j) // s.nr
            return f.at(frame.scratch, frame.b_at + panel * s.right.room, total)
        return f.at(packed, (word(f, j) - first) // s.nr * s.right.room, total)


def _sweep(f: Fn, s: GemmSchedule, tiles: TileNames, i0, i1, j0, j1, tile) -> None:
    """Writes loops that call tile(i, j, name, rows left, columns left) for every tile of a task's block.

    Rows are the outer loop: a panel of A stays in the L1 while the panels of B pass. Incomplete tiles at the edges have code of their own.
    """
    g, mr, nr = s.gemm, s.mr, s.nr
    column_edge = not is_static(g.n) or g.n % nr

    def row_of_tiles(i, r: int, left):
        jw = word(f, j0) + (j1 - j0) // nr * nr if column_edge else j1
        f.loop(j0, jw, nr, lambda j: tile(i, j, tiles[r, False], left, nr))
        if column_edge:
            f.when(jw < j1, lambda: tile(i, jw, tiles[r, True], left, j1 - jw))

    if not is_static(g.m):
        f.loop(i0, i1, mr, lambda i: row_of_tiles(i, mr, i1 - i))
        return
    rest = s.rest_rows
    if s.has_even_rest:  # a task has all rows
        iw = word(f, i1) - 2 * rest
        f.loop(i0, iw, mr, lambda i: row_of_tiles(i, mr, mr))
        f.loop(iw, i1, rest, lambda i: row_of_tiles(i, rest, rest))
        return
    iw = word(f, i0) + (i1 - i0) // mr * mr
    f.loop(i0, iw, mr, lambda i: row_of_tiles(i, mr, mr))
    if rest:
        f.when(iw < i1, lambda: row_of_tiles(iw, rest, rest))
