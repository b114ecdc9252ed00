"""Convolutions of int8 by dot products of neighbors (../dots.py).

In NHWC what lies under a row of taps is one run of numbers; a step of a sum takes the next few of the run. Of the last
step some may lie behind the run: their weights are zeros. So runs of any length are taken, one channel times three
taps as well, and a run may begin at any byte.

A panel of weights has in front of each output what its sums begin with (dots.py) behind its last step.
"""

from functools import partial

from penstock._src.compiler.codegen.contraction.dots import Dots, dots_of
from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.products.pairs import interleaved
from penstock._src.compiler.codegen.contraction.tile import accumulate, times, word
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I8, I32, vec

from .conv import ConvolutionPart
from .convolution import Convolution
from .window import ImageWindow

TASK_WORK = 1.25e5  # of the smallest block of rows, as flops of floats
EPILOGUE_STEPS = 8  # that storing a sum of int32 as a rescaled int8 takes as long as


def suits(conv: Convolution, target: Target) -> bool:
    """Whether the target has dot products for a convolution."""
    types = conv.types
    is_narrow = (types.left, types.right, types.total) == (I8, I8, I32)
    return is_narrow and dots_of(target) is not None


class DotConvolution(ConvolutionPart):
    """One dense convolution of a kernel."""

    label = "conv of int8"

    def choose(self):
        super().choose()
        self.k_blocks, self.skips, self.win.blank_rows = 1, False, True

    @property
    def dots(self) -> Dots:
        found = dots_of(self.target)
        assert found is not None
        return found

    @property
    def columns(self) -> int:
        """Runs under a row of taps."""
        return 1 if self.w.dilation == 1 else self.w.taps

    @property
    def run(self) -> int:
        """Numbers of a run."""
        return self.w.taps // max(1, self.columns) * self.c.channels

    @property
    def steps(self) -> int:
        """Steps of a run."""
        return -(-self.run // self.dots.count)

    def summands(self) -> int:
        return self.h.taps * self.columns * self.steps

    def least_blocks(self) -> int:
        c = self.c
        if self.cut_for == 1 or not is_static(c.batch):
            return super().least_blocks()
        images = max(1, c.batch * c.groups)
        steps = self.depth + EPILOGUE_STEPS
        work = 2.0 * images * self.h.out * self.w.out * steps * c.outputs
        return -(-min(4 * self.cut_for, int(work / TASK_WORK)) // images)

    def window(self, split: int) -> ImageWindow:
        c, dots = self.c, self.dots
        return ImageWindow(
            c.x, self.h, self.w, c.channels, c.batch, dots.element, self.target.lanes(dots.element), True,
            self.depth * c.outputs * self.size, self.cut_for, split,
            limit=self.processor.window, most=self.processor.wide_window, least_blocks=self.least_blocks(),
            shift=_as_signed(dots.bias), blank=_as_signed(c.zero + dots.bias),
        )  # fmt: skip

    # -- in the kernel
    def first_sums(self, f: Fn, rows: int, nv: int) -> list[Val]:
        if not self.depth:
            return super().first_sums(f, rows, nv)
        vector = vec(I32, self.lanes)
        return [
            f.load(f.b, self.depth * self.nr + self.lanes * j, vector) for j in range(nv)
        ] * rows

    def loops(self, step: int, taps) -> list[tuple]:
        win = self.win
        nest = [
            (taps, self.h.dilation * win.pitch, self.columns * self.steps * step),
            (self.columns, self.w.dilation * win.column, self.steps * step),
            (self.steps, self.dots.count, step),
        ]
        return [level for level in nest if level[0] != 1] or nest[-1:]

    def sums(self, f: Fn, rows, nv: int, loops: list[tuple], acc: list[Val]) -> list[Val]:
        few = vec(self.win.total, self.dots.count)
        return accumulate(
            f, self.types, rows, nv, loops, f.a, f.b, acc, None, self.win.total, I32,
            multiply=self.dots.multiply, read=lambda f, p, at: f.bits(f.load(p, at, few), I32),
        )  # fmt: skip

    # -- packing
    def pack_taps(self, f: Fn, source: Val, start: Val, count: Val, dst: Val) -> None:
        w, count_of_step, nr = self.c.filter, self.dots.count, self.nr
        first = f.at(dst, self.depth * nr, I32)
        f.loop(f.i64(0), nr, 1, lambda i: f.store(f.const(0, I32), first, i))
        pack = partial(self.pack_step, f, source, start, count, first)

        def run(i, j):
            at = start + times(f, i, w.row) + times(f, j, w.column)

            def one(q):
                step = times(f, times(f, i, self.columns) + j, self.steps) + q
                places = []
                for e in range(count_of_step):
                    k = times(f, q, count_of_step) + e
                    tap, channel = k // self.c.channels, k % self.c.channels
                    place = at + times(f, tap, w.column) + times(f, channel, w.channel)
                    places.append((word(f, place), k < self.run))
                pack(places, f.at(dst, times(f, step, nr), I32))

            f.loop(f.i64(0), self.steps, 1, one)

        f.loop(
            f.i64(0), self.h.taps, 1,
            lambda i: f.loop(f.i64(0), self.columns, 1, lambda j: run(i, j)),
        )  # fmt: skip

    def pack_step(
        self, f: Fn, source: Val, start: Val, count: Val, first: Val, places: list[tuple[Val, Val]], dst: Val
    ) -> None:  # fmt: skip
        """The weights of a step, which lie at `places` for the first output if they exist."""
        surplus = self.c.zero + self.dots.bias
        if self.c.filter.output != 1:
            self.pack_one_by_one(f, source, start, count, first, places, dst)
            return
        for v in range(0, self.nr, self.lanes):
            left, total, parts = count - v, f.zero(vec(I32, self.lanes)), []
            for place, exists in places:
                mask = f.mask(self.lanes, f.select(exists, left, f.i64(0)))
                part = f.load(source, place + v, vec(I8, self.lanes), mask)
                total = total + f.convert(part, I32)
                parts.append(f.convert(part, self.dots.element))
            f.store(f.bits(interleaved(f, parts, self.lanes), vec(I32, self.lanes)), dst, v)
            known = f.load(first, v, vec(I32, self.lanes))
            f.store(known - total * surplus, first, v)

    def pack_one_by_one(
        self, f: Fn, source: Val, start: Val, count: Val, first: Val, places: list[tuple[Val, Val]], dst: Val
    ) -> None:  # fmt: skip
        """The same where outputs do not lie side by side."""
        surplus, element = self.c.zero + self.dots.bias, self.dots.element

        def output(o):
            total = f.const(0, I32)
            for e, (place, exists) in enumerate(places):
                is_there = exists & (o < count)
                at = f.select(is_there, place + times(f, o, self.c.filter.output), start)
                weight = f.select(is_there, f.load(source, at, I8), f.const(0, I8))
                f.store(f.convert(weight, element), dst, times(f, o, len(places)) + e)
                total = total + f.convert(weight, I32)
            f.store(f.load(first, o, I32) - total * surplus, first, o)

        f.loop(f.i64(0), self.nr, 1, output)


def _as_signed(x: int) -> int:
    """A byte without a sign as one that has the same bits; others stay."""
    return x - 256 if x > 127 else x
