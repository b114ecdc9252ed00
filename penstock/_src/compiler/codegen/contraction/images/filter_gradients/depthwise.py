"""The gradient of a depthwise convolution's filter: channels in lanes, and k runs over the pixels of a row."""

from typing import ClassVar

from penstock._src.compiler.codegen.contraction.extents import is_static, value
from penstock._src.compiler.codegen.contraction.images.convolution import DepthwiseFilterGradient
from penstock._src.compiler.codegen.contraction.images.window import span
from penstock._src.compiler.codegen.contraction.images.window_choice import TYPICAL_BATCH
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.compiler.codegen.kernel_code import LEFT, RIGHT, SCRATCH
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, vec
from penstock._src.util.dataclass import dataclass

from .kernel import FilterGradientWriter
from .schedule import MOST_RANGES, GradientSchedule


@dataclass(frozen=True)
class DepthwiseSchedule(GradientSchedule):
    """The cut of a sum of rows of pixels."""

    label: ClassVar = "depthwise filter gradient"

    gradient: DepthwiseFilterGradient


def choose(
    gradient: DepthwiseFilterGradient, target: Target, threads: int, cut_for: int
) -> DepthwiseSchedule:
    g = gradient
    batch = g.batch if is_static(g.batch) else TYPICAL_BATCH
    return DepthwiseSchedule(
        gradient=g,
        target=target,
        threads=threads,
        mr=g.w.taps,
        nv=1,
        rows=g.h.taps * g.w.taps,
        ranges=max(1, min(4 * cut_for, batch * g.h.out, MOST_RANGES)),
        window_elements=0,
    )


class DepthwiseWriter(FilterGradientWriter):
    """Writes the functions of a sum of rows of pixels."""

    schedule: DepthwiseSchedule
    gradient: DepthwiseFilterGradient

    def write_sums(self) -> None:
        """A task sums a range of rows, into a filter of its own."""
        s, g = self.schedule, self.gradient
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            rows = f.i64(times(f, value(f, g.batch), g.h.out))
            mine = f.at(scratch, f.task * s.length, s.types.total)
            f.memset(mine, 0, s.length * s.size)

            def row(i):
                n, oh = f.i64(i // g.h.out), f.i64(i % g.h.out)
                here = f.at(dy, times(f, n, g.y.image) + oh * g.y.row + g.y.base, g.y.element)

                def tap_row(t):
                    ih = f.i64(oh * g.h.stride + times(f, t, g.h.dilation) - g.h.low)
                    inside = (ih >= 0) & (ih < g.h.size)
                    start = times(f, n, g.x.image) + ih * g.x.row + g.x.base
                    sums = f.at(mine, times(f, t, g.w.taps * g.outputs), s.types.total)
                    f.when(inside, lambda: self.line(f, f.at(x, start, g.x.element), here, sums))

                f.loop(f.i64(0), g.h.taps, 1, tap_row)

            f.loop(f.task * rows // s.ranges, (f.task + 1) * rows // s.ranges, 1, row)

    def line(self, f: Fn, x: Val, dy: Val, sums: Val) -> None:
        """Adds the products of one row of x and one of dy to the sums of a row of taps."""
        s, g, w = self.schedule, self.gradient, self.gradient.w
        lanes, total = s.lanes, s.types.total
        columns = [
            [q for q in range(w.taps) if 0 <= p * w.stride + q * w.dilation - w.low < w.size]
            for p in range(w.out)
        ]
        # Pixels with all taps inside are one loop; the few at the edges are written out.
        whole = [p for p, taps in enumerate(columns) if len(taps) == w.taps]
        low, high = (whole[0], whole[-1] + 1) if whole else (0, 0)

        def some(e, mask=None):
            kind = vec(total, lanes)
            # The sums of a row of taps stay in registers for the whole row of pixels.
            places = [q * g.outputs + e for q in range(w.taps)]
            acc = [f.load(sums, place, kind, mask) for place in places]
            x_e, dy_e = f.at(x, e, g.x.element), f.at(dy, e, g.y.element)

            def read(p: Val, offset, element: str) -> Val:
                return f.convert(f.load(p, offset, vec(element, lanes), mask), total)

            def pixel(p, acc, taps):
                d = read(dy_e, times(f, p, g.y.column), g.y.element)
                here = f.at(x_e, times(f, p, w.stride * g.x.column), g.x.element)
                acc = list(acc)
                for q in taps:
                    v = read(here, (q * w.dilation - w.low) * g.x.column, g.x.element)
                    acc[q] = f.fma(v, d, acc[q])
                return acc

            for p in [*range(low), *range(high, w.out)]:
                acc = pixel(p, acc, columns[p])
            acc = f.loop(low, high, 1, lambda p, *acc: pixel(p, acc, range(w.taps)), *acc)
            for place, v in zip(places, acc, strict=True):
                f.store(v, sums, place, mask)

        span(f, g.outputs, lanes, some, unroll=1)
