"""Depthwise convolution: every channel by its own filter; channels in lanes, several pixels of a row at a time.

Images are not copied: a branch skips window rows outside the image, and the taps of columns outside are not emitted.
The input gradient (an image with dilated pixels) is computed phase by phase, like conv.py's.
"""

from penstock._src.compiler.codegen.contraction.extents import number, value
from penstock._src.compiler.codegen.contraction.tile import Types, store_as, times
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    PLAIN,
    RIGHT,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
    final_values,
)  # fmt: skip
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, SIZE, vec
from penstock._src.util.dataclass import dataclass

from .convolution import Convolution, Depthwise, phases
from .window import Axis, span
from .window_choice import divisors

MOST_PIXELS = 8
LEAST_PIXELS = 4  # for which weights are read again, where there are more taps than registers


@dataclass(frozen=True)
class DepthwiseSchedule:
    """One dense convolution of a kernel: all of it, or one phase of an input gradient.

    before                    tasks per image of the previous parts
    y_first, y_row, y_column  offset of its first output, and the strides of rows and columns
    pixels                    number of pixels summed at a time
    rows                      output rows per task
    """

    name: str
    conv: Convolution
    target: Target
    before: int
    y_first: int
    y_row: int
    y_column: int
    pixels: int
    rows: int

    @property
    def types(self) -> Types:
        return self.conv.types

    @property
    def lanes(self) -> int:
        return self.types.lanes(self.target)

    @property
    def unit(self) -> int:
        """Tasks of an image."""
        return max(1, self.conv.h.out // self.rows)

    def tasks(self, sizes: Sizes) -> int:
        c = self.conv
        if not c.h.out * c.w.out * c.groups:
            return 0
        return number(c.batch, sizes) * self.unit

    def tiles(self) -> list[tuple[int, int, int]]:
        """(first column, columns, number of such tiles): tiles inside the image form one loop."""
        w, most = self.conv.w, self.pixels
        reach = lambda j: (
            j * w.stride - w.low,
            (j + most - 1) * w.stride - w.low + (w.taps - 1) * w.dilation,
        )
        inside = lambda j: reach(j)[0] >= 0 and reach(j)[1] < w.size and j + most <= w.out
        tiles, j = [], 0
        while j < w.out:
            n = 1
            if inside(j):
                while inside(j + n * most):
                    n += 1
            columns = min(most, w.out - j)
            tiles.append((j, columns, n))
            j += columns * n
        return tiles


def choose(conv: Depthwise, target: Target) -> list[DepthwiseSchedule]:
    """The schedules of the parts of a kernel."""
    parts: list[DepthwiseSchedule] = []
    for i, (phase, (row, column)) in enumerate(phases(conv)):
        y = conv.y
        parts.append(
            DepthwiseSchedule(
                name=f"depthwise{i}",
                conv=phase,
                target=target,
                before=sum(part.unit for part in parts),
                y_first=row * y.row + column * y.column + y.base,
                y_row=conv.h.base * y.row,
                y_column=conv.w.base * y.column,
                pixels=_pixels(phase.w, target),
                rows=_rows(phase, target),
            )
        )
    return parts


def _pixels(w: Axis, target: Target) -> int:
    """The number of pixels that are summed at a time: as many as there are registers for."""
    if not target.loads_first:
        return min(MOST_PIXELS, max(LEAST_PIXELS, target.registers - 4 - max(1, w.taps)))
    # Sums, pixels (shared by neighboring outputs), weights, and a product without FMA.
    needed = lambda n: n + min(n * w.taps, w.reach(n)) + w.taps + (not target.adds_products)
    return max([n for n in range(1, MOST_PIXELS + 1) if needed(n) <= target.registers] + [1])


def _rows(conv: Convolution, target: Target) -> int:
    """Rows per task, such that their input stays in the cache."""
    row = conv.h.stride * conv.w.size * conv.groups * SIZE[conv.x.element]
    most = processor_of(target).depthwise_rows
    return max([r for r in divisors(conv.h.out) if r * row <= most] + [1])


def emit_depthwise(
    conv: Depthwise, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    parts = choose(conv, target)

    def write() -> Code:
        module = Module(target)
        for part in parts:
            _DepthwisePart(part, module, epilogue).write()
        return Code.of(module)

    return KernelCode(
        code=NamedCode(target, write),
        sizes=conv.sizes,
        stages=lambda sizes: [KernelStage(part.name, part.tasks) for part in parts],
        scratch=lambda sizes: 0,
        threads=threads,
        partials=lambda sizes: (sum(p.tasks(sizes) for p in parts), epilogue.partial_bytes),
        in_place=True,
        label="depthwise",
        facts={"rows": [p.rows for p in parts]},
    )


class _DepthwisePart:
    """Writes one dense convolution of a kernel."""

    def __init__(self, schedule: DepthwiseSchedule, module: Module, epilogue: Epilogue) -> None:
        self.schedule, self.module, self.epilogue = schedule, module, epilogue
        self.conv = schedule.conv

    def write(self) -> None:
        """A task: some rows of an image."""
        s, c, h = self.schedule, self.conv, self.conv.h
        with self.module.task(s.name) as f:
            x, w, y, partial = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, OUTPUT, PARTIALS))
            n, first = f.task // s.unit, f.i64(times(f, f.task % s.unit, s.rows))
            if self.epilogue.partial_bytes:
                number_ = f.i64(times(f, value(f, c.batch), s.before)) + f.task
                partial = f.at(partial, number_ * self.epilogue.partial_bytes)
                self.epilogue.clear(f, partial)

            def row(r):
                oh = first + r
                image = times(f, f.i64(n), c.x.image) + c.x.base
                rows = []
                for tap in range(h.taps):
                    ih = oh * h.stride + (tap * h.dilation - h.low)
                    inside = (ih >= 0) & (ih < h.size)
                    # The address stays inside of the image where the row is left out, too.
                    rows.append((inside, f.i64(image + f.select(inside, ih, f.i64(0)) * c.x.row)))
                out = f.i64(times(f, f.i64(n), c.y.image) + oh * s.y_row + s.y_first)
                for j, columns, count in s.tiles():
                    single = count == 1

                    def tile(i, j=j, columns=columns, single=single):
                        column = times(f, i, s.pixels) + j
                        self.channels(
                            f, x, w, y, partial, rows, out, column, columns, j if single else None
                        )

                    f.loop(0, count, 1, tile)

            f.loop(f.i64(0), s.rows, 1, row)

    def channels(
        self, f: Fn, x, w, y, partial, rows, out, column, columns: int, static: int | None
    ):
        s, c = self.schedule, self.conv
        lanes, types = s.lanes, s.types
        vector = vec(types.total, lanes)

        # distances from pixel to pixel are known: they go into the instructions
        starts = [
            (inside, f.i64(start + times(f, column, c.w.stride * c.x.column)))
            for inside, start in rows
        ]
        out_here = f.i64(out + times(f, column, s.y_column))

        def some(e, mask=None):
            acc: list[Val] = [f.zero(vector)] * columns
            for tap, (inside, start) in enumerate(starts):

                def taken(acc=acc, tap=tap, start=start):
                    here = f.at(x, start + e, c.x.element)
                    return self.one_row(f, here, w, columns, static, e, mask, tap, list(acc))

                # Without a border all rows are inside, and the code needs no jump.
                border = c.h.has_border
                acc = list(f.when(inside, taken, lambda acc=acc: acc)) if border else taken()
            at = lambda t: out_here + (e + t * s.y_column)
            to = f.at(y, out_here + e, types.output)
            tile = RegisterTile(
                f, [(t, 0) for t in range(columns)], lambda t, _j: at(t), lambda _j: f.i64(e), lambda _j: mask,
                c.groups, FIRST_SIZE + c.sizes,
            )  # fmt: skip
            for t, v in enumerate(final_values(f, self.epilogue, tile, acc, partial)):
                store_as(f, v, to, t * s.y_column, types.output, mask)

        span(f, c.groups, lanes, some, unroll=1)

    def one_row(self, f: Fn, here, w, columns, static, e, mask, tap, acc):
        """Adds the taps of one window row to the sums of `columns` pixels."""
        c, wx = self.conv, self.conv.w
        lanes, total = self.schedule.lanes, self.schedule.types.total
        weight = c.filter
        weights = f.at(w, e, weight.element)
        kind = vec(weight.element, lanes)
        first = tap * weight.row + weight.base
        taps = [
            f.convert(f.load(weights, first + q * weight.column, kind, mask), total)
            for q in range(wx.taps)
        ]
        # Neighboring outputs read the same pixels: each is loaded once.
        seen: dict[int, Val] = {}
        for t in range(columns):
            for q in range(wx.taps):
                place = t * wx.stride + q * wx.dilation - wx.low  # relative to column * stride
                if static is not None and not 0 <= static * wx.stride + place < wx.size:
                    continue
                if place not in seen:
                    v = f.load(here, place * c.x.column, vec(c.x.element, lanes), mask)
                    v = f.convert(v, total)
                    # Taps in the padding are left out, so that only pixels have the zero point.
                    seen[place] = v - c.zero if c.zero else v
                acc[t] = f.fma(seen[place], taps[q], acc[t])
        return acc
