"""What of a product is copied before it is worked on: panels that all threads pack, and those of a task's own."""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, product, unravel, value
from penstock._src.compiler.codegen.contraction.pack import (
    pack_across,
    pack_rows,
    pack_single,
)
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    RIGHT,
    SCRATCH,
    STEP,
    Epilogue,
    threads_of_cut,
)
from penstock._src.native import Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR

from .description import Gemm, Matrix
from .gathered import Gathered
from .pairs import begin_sums, reader, surplus
from .schedule import STEP_BITS, GemmSchedule


class GemmPacking(GemmSchedule):
    """Writes the packing stage, and the packing of tasks."""

    def __init__(self, gemm: Gemm, target: Target, threads: int, epilogue: Epilogue):
        super().__init__(gemm, target, threads, threads_of_cut(threads, epilogue))
        self.epilogue = epilogue
        self.module = Module(target)
        self.operands = FIRST_SIZE + gemm.sizes

    # -- where things are
    def start(self, f: Fn):
        """Loads what every function needs."""
        g = self.g
        self.a, self.b, self.c, self.scr = (
            f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, OUTPUT, SCRATCH)
        )
        self.m, self.n = value(f, g.m), value(f, g.n)
        self.ks = [value(f, k) for k in g.k]
        self.batch = [value(f, b) for b in g.batch]
        self.batches_here = product(self.batch)
        step = f.load(f.ctx, STEP, I64)
        self.first_step, self.count = step & ((1 << STEP_BITS) - 1), step >> STEP_BITS
        if self.steps == 1:
            self.first_step, self.count = 0, 1
        # panels of A of one depth block in all batches, and of B
        self.row_panels = ceil_divide(self.m, self.mr)
        self.a_panels = word(f, self.row_panels * self.batches_here) if self.shared_a else 0
        self.b_panels = ceil_divide(self.n, self.nr) if self.shared_b else 0
        # where in the scratch (in elements): sums, then panels of A, then B's, then the threads' own
        apart = word(f, self.batches_here * self.m) * self.n if self.sums_apart else 0
        n = self.lanes
        self.a_at = (word(f, apart) + (n - 1)) // n * n if self.sums_apart else f.i64(0)
        self.b_at = self.a_at + word(f, times(f, self.a_panels, self.count)) * self.pa
        self.own_at = self.b_at + word(f, times(f, self.b_panels, self.count)) * self.pb

    def at_step(self, f: Fn, step):
        """Sets what of the depth block `step`, counted from the whole depth's start, is worked on."""
        total = product(self.ks)
        if self.steps == 1:
            self.k0, self.depth = 0, total
            return
        self.k0 = times(f, step, self.kc)
        whole = self.steps is not None and total % self.kc == 0
        self.depth = self.kc if whole else f.max(0, f.min(total - self.k0, self.kc))

    def batch_offset(self, f: Fn, coordinates, strides):
        """How far a batch lies from the first."""
        total = 0
        for i, s in zip(coordinates, strides, strict=True):
            if s != 0:
                total = times(f, i, value(f, s)) + total
        return total

    def base(self, f: Fn, matrix: Matrix | Gathered, coordinates):
        """Where an operand begins for a batch; of a gathered one, the batch's coordinates."""
        if isinstance(matrix, Gathered):
            return coordinates
        return value(f, matrix.base) + word(f, self.batch_offset(f, coordinates, matrix.batch))

    # -- panels
    def pack_panels(self, f: Fn, side: int, base, first, count, dst: Val):
        """All panels of `count` rows or columns from `first` on, over this step's depth."""
        if self.by_rows[side]:
            self.pack_slab(f, side, base, first, count, 0, self.depth, dst)
            return
        width, room = ((self.mr, self.pa), (self.nr, self.pb))[side]

        def panel(p):
            to = f.at(dst, times(f, p, room), self.types.total)
            at = times(f, p, width)
            self.pack(f, side, base, at + first, width, word(f, count) - at, to)

        f.loop(f.i64(0), ceil_divide(count, width), 1, panel)

    def pack_slab(self, f: Fn, side: int, base, first, count, low, high, dst: Val):
        """Of all those panels the rows low <= k < high."""
        matrix: Any = (self.g.left, self.g.right)[side]
        pointer = (self.a, self.b)[side]
        width, room = ((self.mr, self.pa), (self.nr, self.pb))[side]
        along = self.along_depth(f, matrix)
        start = word(f, word(f, first) + base)
        pack_rows(
            f, pointer, start, along, value(f, matrix.depth[-1]), width, count, low, high, dst, room,
            matrix.element, self.types.total, self.lanes, read=reader(self.g, matrix),
        )  # fmt: skip
        if side == 1 and self.begins:
            panels = ceil_divide(word(f, count), width)
            f.loop(
                f.i64(0), panels, 1, lambda p: self.begin(f, f.at(dst, p * room, self.types.total))
            )

    def begin(self, f: Fn, panel: Val) -> None:
        """Completes a packed panel of B by what the sums of its columns begin with."""
        at, over = self.kc * self.nr, surplus(self.g, self.target)
        begin_sums(f, panel, self.depth, self.nr, self.lanes, over, at, self.g.group)

    def along_depth(self, f: Fn, matrix: Matrix):
        """k of this step -> offset."""
        strides = [value(f, s) for s in matrix.depth]

        def offset(k):
            k = f.i64(k) + self.k0
            if len(strides) == 1:
                return times(f, k, strides[0])
            steps = zip(unravel(f, k, self.ks), strides, strict=True)
            return sum((times(f, i, s) for i, s in steps), start=0)

        return offset

    def pack(self, f: Fn, side: int, base, first, width: int, count, dst: Val):
        """One panel: `width` rows or columns of an operand from `first` on, over this step's depth."""
        self.pack_elements(f, side, base, first, width, count, dst)
        if side == 1 and self.begins:
            self.begin(f, dst)

    def pack_elements(self, f: Fn, side: int, base, first, width: int, count, dst: Val):
        """The same without what sums begin with."""
        matrix = (self.g.left, self.g.right)[side]
        pointer = (self.a, self.b)[side]
        common = matrix.element, self.types.total
        if isinstance(matrix, Gathered):
            place = lambda c, k: matrix.place(f, base, word(f, c) + first, word(f, k) + self.k0)
            where = pointer, place, width, count, self.depth, dst, width, *common
            pack_single(f, *where, run=self.runs[side])
            return
        cross = value(f, matrix.cross)
        start = word(f, times(f, first, cross) + base)
        if len(self.g.k) == 1 and matrix.depth[0] == 1:
            start = word(f, start + self.k0)
            pack_across(
                f, pointer, start, cross, width, count, self.depth, dst, width,
                *common, self.lanes, read=reader(self.g, matrix),
            )  # fmt: skip
            return
        along = self.along_depth(f, matrix)
        place = lambda c, k: (word(f, times(f, c, cross)) + start + along(k), None)
        pack_single(f, pointer, place, width, count, self.depth, dst, width, *common)

    # -- the stages
    def emit_prepack(self):
        """A task prepacks a unit of one depth block of B."""
        with self.module.task("keep") as f:
            self.start(f)
            block, unit = f.task // self.prepack_units, f.task % self.prepack_units
            self.at_step(f, block)
            base = self.base(f, self.g.right, [f.i64(0)] * len(self.batch))
            panel = block * ceil_divide(self.n, self.nr)
            if not self.by_rows[1]:
                panel, first = panel + unit, unit * self.nr
                dst = f.at(self.c, panel * self.pb, self.types.total)
                self.pack(f, 1, base, first, self.nr, self.n - first, dst)
                return
            dst, low = f.at(self.c, panel * self.pb, self.types.total), unit * self.slab
            high = f.min(low + self.slab, self.depth)
            slab = lambda: self.pack_slab(f, 1, base, 0, self.n, low, high, dst)
            f.when(low < high, slab)

    def emit_pack(self):
        """A task packs a unit of one depth block of the group: a panel of A or B, or a slab of all of them."""
        g = self.g
        with self.module.task("pack") as f:
            self.start(f)
            slabs = ceil_divide(self.kc, self.slab)
            units_a = units_b = f.i64(0)
            if self.shared_a:
                units_a = word(f, self.batches_here) * slabs if self.by_rows[0] else self.a_panels
            if self.shared_b:
                units_b = f.i64(slabs if self.by_rows[1] else self.b_panels)
            each = units_a + units_b
            block, unit = f.task // each, f.task % each
            self.at_step(f, block + self.first_step)

            def slab(side, base, count, s, at):
                low = s * self.slab
                high = f.min(low + self.slab, self.depth)
                dst = f.at(self.scr, at, self.types.total)
                f.when(low < high, lambda: self.pack_slab(f, side, base, 0, count, low, high, dst))

            def of_a():
                if self.by_rows[0]:
                    batch = unit // slabs
                    base = self.base(f, g.left, unravel(f, batch, self.batch))
                    panel = block * self.a_panels + batch * self.row_panels
                    slab(0, base, self.m, unit % slabs, self.a_at + panel * self.pa)
                    return
                first = word(f, unit % self.row_panels) * self.mr
                base = self.base(f, g.left, unravel(f, unit // self.row_panels, self.batch))
                at = self.a_at + (block * self.a_panels + unit) * self.pa
                dst = f.at(self.scr, at, self.types.total)
                self.pack(f, 0, base, first, self.mr, self.m - first, dst)

            def of_b():
                q = unit - units_a
                base = self.base(f, g.right, [f.i64(0)] * len(self.batch))
                at = self.b_at + block * self.b_panels * self.pb
                if self.by_rows[1]:
                    slab(1, base, self.n, q, at)
                    return
                dst = f.at(self.scr, at + q * self.pb, self.types.total)
                self.pack(f, 1, base, q * self.nr, self.nr, self.n - q * self.nr, dst)

            if not self.shared_a:
                of_b()
            elif not self.shared_b:
                of_a()
            else:
                f.when(unit < units_a, of_a, of_b)
