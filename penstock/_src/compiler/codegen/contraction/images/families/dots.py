"""Convolutions of int8 by dot products of neighbors (../dots.py).

In NHWC the pixels under a row of taps are contiguous; a step of a sum takes the next few numbers of that run. Of the last
step may go beyond the run: their weights are zeros. So runs of any length are possible, one channel times three
taps as well, and a run may begin at any byte.

A panel of weights has, after its last step, the initial value of each output's sum (dots.py).
"""

from functools import partial

from penstock._src.compiler.codegen.contraction.dots import Dots, dots_of
from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.images.choice import PartProblem
from penstock._src.compiler.codegen.contraction.images.conv import ConvolutionPart
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.images.schedule import PartSchedule
from penstock._src.compiler.codegen.contraction.images.window import ImageWindow
from penstock._src.compiler.codegen.contraction.images.window_choice import choose_window
from penstock._src.compiler.codegen.contraction.products.pairs import interleaved
from penstock._src.compiler.codegen.contraction.tile import Reads, accumulate, times, word
from penstock._src.compiler.codegen.kernel_code import Epilogue
from penstock._src.native import Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I8, I32, vec
from penstock._src.util.dataclass import dataclass

TASK_WORK = 1.25e5  # least work of a block of rows, as flops of floats
EPILOGUE_STEPS = 8  # steps of a sum that take as long as storing it as a rescaled int8


def suits(conv: Convolution, target: Target) -> bool:
    """True if the target has dot products for a convolution."""
    types = conv.types
    is_narrow = (types.left, types.right, types.total) == (I8, I8, I32)
    return is_narrow and dots_of(target) is not None


@dataclass(frozen=True)
class Runs:
    """The contiguous elements under a row of taps.

    columns   runs under a row of taps
    length    numbers of a run
    steps     of a run
    """

    columns: int
    length: int
    steps: int


def dots_for(target: Target) -> Dots:
    """The dot products of a target that has some."""
    dots = dots_of(target)
    assert dots is not None
    return dots


def runs_of(conv: Convolution, dots: Dots) -> Runs:
    # Without dilation the pixels under a row of taps are one run, whatever their channels.
    columns = 1 if conv.w.dilation == 1 else conv.w.taps
    length = conv.w.taps // max(1, columns) * conv.channels
    return Runs(columns, length, -(-length // dots.count))


class DotProblem(PartProblem):
    """The input of the choice for a schedule of dot products."""

    label = "conv of int8"
    cuts_taps = False

    @property
    def depth(self) -> int:
        runs = runs_of(self.conv, dots_for(self.target))
        return self.conv.h.taps * runs.columns * runs.steps

    def least_blocks(self) -> int:
        c = self.conv
        if self.cut_for == 1 or not is_static(c.batch):
            return super().least_blocks()
        images = max(1, c.batch * c.groups)
        steps = self.depth + EPILOGUE_STEPS
        work = 2.0 * images * c.h.out * c.w.out * steps * c.outputs
        return -(-min(4 * self.cut_for, int(work / TASK_WORK)) // images)

    def window(self, split: int) -> ImageWindow:
        c, dots = self.conv, dots_for(self.target)
        return choose_window(
            c.x, c.h, c.w, c.channels, c.batch, dots.element, self.target.lanes(dots.element), self.limits(split),
            # The border holds the zero point, so that it is 0 once the zero point is subtracted.
            copied=True, shift=_as_signed(dots.bias), blank=_as_signed(c.zero + dots.bias),
        )  # fmt: skip


class DotConvolution(ConvolutionPart):
    """Writes one dense convolution of a kernel."""

    def __init__(self, schedule: PartSchedule, module: Module, epilogue: Epilogue) -> None:
        super().__init__(schedule, module, epilogue)
        self.dots = dots_for(schedule.target)
        self.runs = runs_of(schedule.conv, self.dots)

    def first_sums(self, f: Fn, rows: int, nv: int) -> list[Val]:
        if not self.schedule.depth:
            return super().first_sums(f, rows, nv)
        vector = vec(I32, self.lanes)
        return [
            f.load(f.b, self.schedule.depth * self.schedule.nr + self.lanes * j, vector)
            for j in range(nv)
        ] * rows

    def loops(self, step: int, taps) -> list[tuple]:
        win = self.schedule.window
        nest = [
            (taps, self.conv.h.dilation * win.pitch, self.runs.columns * self.runs.steps * step),
            (self.runs.columns, self.conv.w.dilation * win.column, self.runs.steps * step),
            (self.runs.steps, self.dots.count, step),
        ]
        return [level for level in nest if level[0] != 1] or nest[-1:]

    def sums(self, f: Fn, rows, nv: int, loops: list[tuple], acc: list[Val]) -> list[Val]:
        few = vec(self.schedule.window.total, self.dots.count)
        reads = Reads(
            self.schedule.window.total, I32, element=lambda f, p, at: f.bits(f.load(p, at, few), I32)
        )  # fmt: skip
        return accumulate(
            f, self.types, rows, nv, loops, f.a, f.b, acc, reads=reads, multiply=self.dots.multiply
        )  # fmt: skip

    # -- packing
    def pack_taps(self, f: Fn, source: Val, start: Val, count: Val, dst: Val) -> None:
        w, count_of_step, nr = self.conv.filter, self.dots.count, self.schedule.nr
        first = f.at(dst, self.schedule.depth * nr, I32)
        f.loop(f.i64(0), nr, 1, lambda i: f.store(f.const(0, I32), first, i))
        pack = partial(self.pack_step, f, source, start, count, first)

        def run(i, j):
            at = start + times(f, i, w.row) + times(f, j, w.column)

            def one(q):
                step = times(f, times(f, i, self.runs.columns) + j, self.runs.steps) + q
                places = []
                for e in range(count_of_step):
                    k = times(f, q, count_of_step) + e
                    tap, channel = k // self.conv.channels, k % self.conv.channels
                    place = at + times(f, tap, w.column) + times(f, channel, w.channel)
                    places.append((word(f, place), k < self.runs.length))
                pack(places, f.at(dst, times(f, step, nr), I32))

            f.loop(f.i64(0), self.runs.steps, 1, one)

        f.loop(
            f.i64(0), self.conv.h.taps, 1,
            lambda i: f.loop(f.i64(0), self.runs.columns, 1, lambda j: run(i, j)),
        )  # fmt: skip

    def pack_step(
        self, f: Fn, source: Val, start: Val, count: Val, first: Val, places: list[tuple[Val, Val]], dst: Val
    ) -> None:  # fmt: skip
        """The weights of a step, which are at `places` for the first output if they exist."""
        surplus = self.conv.zero + self.dots.bias
        if self.conv.filter.output != 1:
            self.pack_one_by_one(f, source, start, count, first, places, dst)
            return
        for v in range(0, self.schedule.nr, self.lanes):
            left, total, parts = count - v, f.zero(vec(I32, self.lanes)), []
            for place, exists in places:
                mask = f.mask(self.lanes, f.select(exists, left, f.i64(0)))
                part = f.load(source, place + v, vec(I8, self.lanes), mask)
                total = total + f.convert(part, I32)
                parts.append(f.convert(part, self.dots.element))
            f.store(f.bits(interleaved(f, parts, self.lanes), vec(I32, self.lanes)), dst, v)
            known = f.load(first, v, vec(I32, self.lanes))
            # Summed up over the steps of a panel: each adds its own weights' share.
            f.store(known - total * surplus, first, v)

    def pack_one_by_one(
        self, f: Fn, source: Val, start: Val, count: Val, first: Val, places: list[tuple[Val, Val]], dst: Val
    ) -> None:  # fmt: skip
        """`pack` for outputs that are not adjacent."""
        surplus, element = self.conv.zero + self.dots.bias, self.dots.element

        def output(o):
            total = f.const(0, I32)
            for e, (place, exists) in enumerate(places):
                is_there = exists & (o < count)
                # A weight that is missing is read at the first one's address, and replaced.
                at = f.select(is_there, place + times(f, o, self.conv.filter.output), start)
                weight = f.select(is_there, f.load(source, at, I8), f.const(0, I8))
                f.store(f.convert(weight, element), dst, times(f, o, len(places)) + e)
                total = total + f.convert(weight, I32)
            f.store(f.load(first, o, I32) - total * surplus, first, o)

        f.loop(f.i64(0), self.schedule.nr, 1, output)


def _as_signed(x: int) -> int:
    """A byte without a sign as one that has the same bits; others stay."""
    return x - 256 if x > 127 else x
