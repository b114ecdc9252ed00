"""Packing: copies operands of a product to panels, shared ones by all threads, or a task's own."""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    ceil_divide,
    product,
    unravel,
    value,
)
from penstock._src.compiler.codegen.contraction.pack import (
    pack_across,
    pack_rows,
    pack_single,
)
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.native import Module, Val
from penstock._src.native.language.function import Fn

from .blocks import pack_blocks
from .description import Matrix, PackedMatrix
from .frame import DepthBlock, Frame, base_of, depth_block, load_frame
from .gathered import Gathered
from .gathered_packing import pack_gathered
from .matrix_packing import pack_matrix_rows
from .matrix_registers import SIDE
from .pairs import begin_sums, reader, surplus
from .schedule import GemmSchedule, Panels, Place


class OperandPacking:
    """Writes the packing of one operand into a function; `side` is 0 for A and 1 for B."""

    def __init__(self, f: Fn, schedule: GemmSchedule, frame: Frame, side: int) -> None:
        self.f, self.schedule, self.frame = f, schedule, frame
        self.matrix: Matrix | Gathered = (schedule.gemm.left, schedule.gemm.right)[side]
        self.source: Val = (frame.a, frame.b)[side]
        self.panels: Panels = (schedule.left, schedule.right)[side]
        self.begins = side == 1 and schedule.begins
        self.is_left = side == 0
        whole = schedule.static_k and product(schedule.gemm.k) % SIDE == 0
        self.pads = schedule.by_matrices and side == 1 and not whole

    def all_panels(self, block: DepthBlock, base, first, count, dst: Val) -> None:
        """Packs `count` rows or columns, starting at `first`, over a depth block."""
        f, panels = self.f, self.panels
        # Rows along which B is contiguous are read from end to end, through all panels.
        if panels.by_rows:
            self.slab(block, base, first, count, 0, block.depth, dst)
            return

        def panel(p):
            to = f.at(dst, times(f, p, panels.room), self.schedule.types.total)
            at = times(f, p, panels.width)
            self.panel(block, base, at + first, word(f, count) - at, to)

        f.loop(f.i64(0), ceil_divide(count, panels.width), 1, panel)

    def slab(self, block: DepthBlock, base, first, count, low, high, dst: Val) -> None:
        """Packs the rows low <= k < high of all those panels."""
        f, total = self.f, self.schedule.types.total
        matrix: Any = self.matrix
        width, room = self.panels.width, self.panels.room
        along = self.along_depth(matrix, block)
        start = word(f, word(f, first) + base)
        pack_rows(
            f,
            self.source,
            base=start,
            along=along,
            step=value(f, matrix.depth[-1]),
            width=width,
            count=count,
            low=low,
            high=high,
            dst=dst,
            panel_room=room,
            element=matrix.element,
            total=total,
            lane_count=self.schedule.lanes,
            read=reader(self.schedule.gemm, matrix),
        )
        panels = ceil_divide(word(f, count), width)
        # A slab does not know of the others: the one with the last row of k adds the padding.
        if self.pads:
            pad = lambda p: self.pad(block, f.at(dst, p * room, total))
            is_last = word(f, high).eq(block.depth)
            f.when(is_last, lambda: f.loop(f.i64(0), panels, 1, pad))
        if self.begins:
            f.loop(f.i64(0), panels, 1, lambda p: self.begin(block, f.at(dst, p * room, total)))

    def panel(self, block: DepthBlock, base, first, count, dst: Val) -> None:
        """Packs one panel, starting with row or column `first`, over a depth block."""
        self.elements(block, base, first, count, dst)
        if self.pads:
            self.pad(block, dst)
        if self.begins:
            self.begin(block, dst)

    def pad(self, block: DepthBlock, panel: Val) -> None:
        """Appends rows of zeros to a packed panel of B, up to the rows of a whole matrix register."""
        f, s, depth = self.f, self.schedule, word(self.f, block.depth)

        def row(k: Val) -> None:
            for v in range(s.nv):
                f.store(f.zero(s.target.vector(s.types.total)), panel, k * s.nr + s.lanes * v)

        f.loop(depth, ceil_divide(depth, SIDE) * SIDE, 1, row)

    def begin(self, block: DepthBlock, panel: Val) -> None:
        """Appends the initial values of the columns' sums to a packed panel of B."""
        s = self.schedule
        # A is multiplied with a surplus in each element (unsigned dot products); the sums begin at minus what it adds.
        at, over = s.start_of_sums, s.gemm.zero if s.by_matrices else surplus(s.gemm, s.target)
        begin_sums(self.f, panel, block.depth, s.nr, s.lanes, over, at, s.gemm.group)

    def elements(self, block: DepthBlock, base, first, count, dst: Val) -> None:
        """Packs one panel without initial values of sums."""
        f, matrix, width, schedule = self.f, self.matrix, self.panels.width, self.schedule
        if isinstance(matrix, Gathered):
            where = first, block.start, width, count, block.depth, dst
            total = schedule.types.total
            pack_gathered(f, self.source, matrix, base, *where, total, self.panels.run)
        elif isinstance(matrix, PackedMatrix):
            where = self.source, first, width, count, block.start, block.depth, dst
            pack_blocks(f, *where, matrix, schedule.lanes, schedule.gemm.group)
        elif self.is_left and schedule.by_matrices:
            where = first, count, block.start, block.depth, dst
            pack_matrix_rows(f, self.source, matrix, base, *where, schedule)
        else:
            self.strided(matrix, block, base, first, count, dst)

    def strided(
        self, matrix: Matrix, block: DepthBlock, base: Any, first: Any, count: Any, dst: Val
    ) -> None:
        """Packs one panel of a matrix with strides."""
        f, width, schedule, gemm = self.f, self.panels.width, self.schedule, self.schedule.gemm
        element, total = matrix.element, schedule.types.total
        cross = value(f, matrix.cross)
        start = word(f, times(f, first, cross) + base)
        # Contiguous in k: vectors of k are transposed in registers. Otherwise elements are copied one by one.
        if len(gemm.k) == 1 and matrix.depth[0] == 1:
            start = word(f, start + block.start)
            pack_across(
                f, self.source, base=start, cross_stride=cross, width=width, count=count, nk=block.depth, dst=dst,
                dst_stride=width, element=element, total=total, lane_count=schedule.lanes, read=reader(gemm, matrix),
            )  # fmt: skip
            return
        along = self.along_depth(matrix, block)
        place = lambda c, k: word(f, times(f, c, cross)) + start + along(k)
        pack_single(
            f, self.source, place, width=width, count=count, nk=block.depth, dst=dst, dst_stride=width,
            element=element, total=total,
        )  # fmt: skip

    def along_depth(self, matrix: Matrix, block: DepthBlock):
        """A function from k within a depth block to the offset in memory."""
        f = self.f
        strides = [value(f, s) for s in matrix.depth]

        def offset(k):
            k = f.i64(k) + block.start
            if len(strides) == 1:
                return times(f, k, strides[0])
            steps = zip(unravel(f, k, self.frame.ks), strides, strict=True)
            return sum((times(f, i, s) for i, s in steps), start=0)

        return offset


def write_prepacking(module: Module, s: GemmSchedule) -> None:
    """A task prepacks a unit of one depth block of B."""
    total = s.types.total
    with module.task("keep") as f:
        frame = load_frame(f, s)
        number, unit = f.task // s.prepack_units, f.task % s.prepack_units
        block = depth_block(f, s, frame, number)
        # Panels of B are prepacked only if no batch has its own B (Problem.can_prepack).
        base = base_of(f, s.gemm.right, [f.i64(0)] * len(frame.batch))
        panel = number * ceil_divide(frame.n, s.nr)
        packing = OperandPacking(f, s, frame, 1)
        if not s.right.by_rows:
            panel, first = panel + unit, unit * s.nr
            dst = f.at(frame.c, panel * s.right.room, total)
            packing.panel(block, base, first, frame.n - first, dst)
            return
        dst, low = f.at(frame.c, panel * s.right.room, total), unit * s.slab
        high = f.min(low + s.slab, block.depth)
        # The last depth block may be shorter than the others, and have fewer slabs.
        slab = lambda: packing.slab(block, base, 0, frame.n, low, high, dst)
        f.when(low < high, slab)


def write_packing(module: Module, s: GemmSchedule) -> None:
    """A task packs a unit of one depth block of the group: a panel of A or B, or a slab of all of them."""
    shared_a, shared_b = s.left.place is Place.SHARED, s.right.place is Place.SHARED
    with module.task("pack") as f:
        frame = load_frame(f, s)
        slabs = ceil_divide(s.kc, s.slab)
        units_a = units_b = f.i64(0)
        if shared_a:
            units_a = word(f, frame.batches) * slabs if s.left.by_rows else frame.a_panels
        if shared_b:
            units_b = f.i64(slabs if s.right.by_rows else frame.b_panels)
        each = units_a + units_b
        number, unit = f.task // each, f.task % each
        block = depth_block(f, s, frame, number + frame.first_step)
        stage = _PackingStage(f, s, frame, number, block)
        of_a = lambda: stage.of_a(unit, slabs)
        of_b = lambda: stage.of_b(unit - units_a)
        if not shared_a:
            of_b()
        elif not shared_b:
            of_a()
        else:
            f.when(unit < units_a, of_a, of_b)


class _PackingStage:
    """Writes the units of the packing stage: of the depth block that has this number in the group."""

    def __init__(
        self, f: Fn, schedule: GemmSchedule, frame: Frame, number: Val, block: DepthBlock
    ) -> None:
        self.f, self.schedule, self.frame = f, schedule, frame
        self.number, self.block = number, block

    def of_a(self, unit: Val, slabs: int) -> None:
        f, s, frame = self.f, self.schedule, self.frame
        packing = OperandPacking(f, s, frame, 0)
        if s.left.by_rows:
            batch = unit // slabs
            base = base_of(f, s.gemm.left, unravel(f, batch, frame.batch))
            panel = self.number * frame.a_panels + batch * frame.row_panels
            self.slab(packing, base, frame.m, unit % slabs, frame.a_at + panel * s.left.room)
            return
        first = word(f, unit % frame.row_panels) * s.mr
        base = base_of(f, s.gemm.left, unravel(f, unit // frame.row_panels, frame.batch))
        at = frame.a_at + (self.number * frame.a_panels + unit) * s.left.room
        dst = f.at(frame.scratch, at, s.types.total)
        packing.panel(self.block, base, first, frame.m - first, dst)

    def of_b(self, unit: Val) -> None:
        f, s, frame = self.f, self.schedule, self.frame
        packing = OperandPacking(f, s, frame, 1)
        base = base_of(f, s.gemm.right, [f.i64(0)] * len(frame.batch))
        at = frame.b_at + self.number * frame.b_panels * s.right.room
        if s.right.by_rows:
            self.slab(packing, base, frame.n, unit, at)
            return
        dst = f.at(frame.scratch, at + unit * s.right.room, s.types.total)
        packing.panel(self.block, base, unit * s.nr, frame.n - unit * s.nr, dst)

    def slab(self, packing: OperandPacking, base, count, number, at) -> None:
        """Slab `number` of all panels, which begin at element `at` of the scratch."""
        f, s, block = self.f, self.schedule, self.block
        low = number * s.slab
        high = f.min(low + s.slab, block.depth)
        dst = f.at(self.frame.scratch, at, s.types.total)
        f.when(low < high, lambda: packing.slab(block, base, 0, count, low, high, dst))
