"""The gradient of a depthwise convolution's filter over images of any size: channels in lanes, and a sum for each tap in a register."""

from typing import Any, ClassVar

from penstock._src.compiler.codegen.contraction.images.filter_gradients import kernel
from penstock._src.compiler.codegen.contraction.images.filter_gradients.kernel import (
    FilterGradientWriter,
)
from penstock._src.compiler.codegen.contraction.images.filter_gradients.schedule import (
    MOST_RANGES,
    GradientSchedule,
)
from penstock._src.compiler.codegen.contraction.images.window import span
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.compiler.codegen.kernel_code import (
    LEFT,
    LINE,
    PLAIN,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    round_up,
)
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, SIZE, vec
from penstock._src.util.dataclass import dataclass

from .choice import MOST_PIXELS, block_of
from .depthwise import chunks_of
from .description import AnySizeDepthwiseGradient
from .filter_gradient import COLUMNS, Blocks
from .window import AnySizeWindow

MOST_SUMS = 12  # in registers


@dataclass(frozen=True)
class AnySizeDepthwiseGradientSchedule(GradientSchedule):
    """The division of a sum over pixels: the window under a block of them, of one of the `chunks` of channels."""

    label: ClassVar = "depthwise filter gradient of any size"

    gradient: AnySizeDepthwiseGradient
    window: AnySizeWindow
    chunks: int


def emit_any_size_depthwise_gradient(
    gradient: AnySizeDepthwiseGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    schedule = choose(gradient, target, threads, target.sum_threads)
    return kernel.emit(schedule, epilogue, AnySizeDepthwiseGradientWriter)


def choose(
    g: AnySizeDepthwiseGradient, target: Target, threads: int, cut_for: int
) -> AnySizeDepthwiseGradientSchedule:
    """The schedule for a pool of `threads`, divided into ranges for `cut_for` threads."""
    size, lanes = SIZE[g.types.total], g.types.lanes(target)
    chunks = chunks_of(g.outputs, lanes)
    channels = g.outputs // chunks
    most = processor_of(target).gradient_window
    block = block_of(g.h, g.w, channels * size, most, COLUMNS, MOST_PIXELS)
    window = AnySizeWindow(g.x, g.h, g.w, channels, g.types.total, lanes, *block)
    return AnySizeDepthwiseGradientSchedule(
        gradient=g,
        target=target,
        threads=threads,
        mr=g.w.taps,
        nv=1,
        rows=g.h.taps * g.w.taps,
        ranges=min(4 * cut_for, MOST_RANGES),
        window_elements=round_up(window.elements, LINE // size),
        window=window,
        chunks=chunks,
    )


class AnySizeDepthwiseGradientWriter(FilterGradientWriter):
    """Writes the functions of the sum over ranges of blocks."""

    schedule: AnySizeDepthwiseGradientSchedule
    gradient: AnySizeDepthwiseGradient

    def write_sums(self) -> None:
        """A task sums a range of blocks, into a filter of its own."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            mine = f.at(scratch, f.task * s.length, s.types.total)
            own = f.tid * s.window_elements + s.ranges * s.length
            buffer = f.at(scratch, own, s.types.total)
            # Every block adds to the sums; a range without blocks leaves them zero.
            f.memset(mine, 0, s.length * s.size)
            blocks = Blocks(f, g, win)

            def block(i: Val) -> None:
                here = blocks.at(f, i)

                def chunk(q: Any) -> None:
                    channel = times(f, q, win.channels)
                    image = f.at(x, f.i64(here.image + channel), g.x.element)
                    win.fill(f, image, here.place, buffer)
                    outputs = f.at(dy, f.i64(here.outputs + channel), g.y.element)
                    sums = f.at(mine, channel, s.types.total)
                    # As many rows of taps as have sums in registers share a pass of the window.
                    many = max(1, MOST_SUMS // g.w.taps)
                    for first in range(0, g.h.taps, many):
                        taps = range(first, min(first + many, g.h.taps))
                        self.sum_taps(f, taps, buffer, outputs, sums, here, blocks.distance)

                f.loop(0, s.chunks, 1, chunk)

            f.loop(*blocks.range(f, f.i64(f.task), s.ranges), 1, block)

    def sum_taps(
        self, f: Fn, rows: range, window: Val, dy: Val, sums: Val, here: Any, distance: Val
    ) -> None:
        """Adds the products of a block to the sums of some rows of taps."""
        s, g, win, lanes = self.schedule, self.gradient, self.schedule.window, self.schedule.lanes
        total = s.types.total
        vector = vec(total, lanes)
        taps = [(i, j) for i in rows for j in range(g.w.taps)]
        at = [i * g.h.spread * win.pitch + j * g.w.spread * win.column for i, j in taps]

        def some(e: Any, mask: Val | None = None) -> None:
            def row(r: Any, *acc: Val) -> list[Val]:
                a = f.at(window, times(f, r, g.h.stride * win.pitch) + e, total)
                b = f.at(dy, times(f, r, distance) + e, g.y.element)

                def pixel(c: Any, *acc: Val) -> list[Val]:
                    one = f.load(b, times(f, c, g.y.column), vec(g.y.element, lanes), mask)
                    one = f.convert(one, total)
                    column = times(f, c, g.w.stride * win.column)
                    return [
                        f.fma(f.load(a, column + place, vector), one, x)
                        for place, x in zip(at, acc, strict=True)
                    ]

                return list(f.loop(f.i64(0), here.columns, 1, pixel, *acc))

            first = [f.zero(vector)] * len(taps)
            totals = f.loop(f.i64(0), here.rows, 1, row, *first)
            for (i, j), x in zip(taps, totals, strict=True):
                to = (i * g.w.taps + j) * g.outputs + e
                f.store(f.load(sums, to, vector, mask) + x, sums, to, mask)

        span(f, win.channels, lanes, some, unroll=1)
