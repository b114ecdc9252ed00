"""Depthwise convolution: every channel by its own filter; channels in lanes, several pixels of a row at a time.

Nothing is copied: a window row outside the image is left out by a branch, and a column outside is known when emitting,
so its taps are left out.  Its input gradient (an image with dilated pixels) is worked on phase by phase, like conv.py's;
its filter gradient sums ranges of rows, like filter_gradient.py's.
"""

from penstock._src.compiler.codegen.contraction.extents import is_static, number, value
from penstock._src.compiler.codegen.contraction.tile import store_as, times
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    PLAIN,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
    round_up,
    threads_of_sums,
)  # fmt: skip
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, SIZE, vec

from .convolution import Depthwise, DepthwiseFilterGradient, phases
from .filter_gradient import MOST_RANGES, FilterGradientKernel
from .window import TYPICAL_BATCH, ImageWindow, divisors, span

MOST_PIXELS = 8


def emit_depthwise(
    d: Depthwise, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    module = Module(target)
    parts: list[_DepthwisePart] = []
    for i, (phase, at) in enumerate(phases(d)):
        before = sum(part.unit for part in parts)
        parts.append(
            _DepthwisePart(f"depthwise{i}", module, phase, at, d, target, epilogue, before)
        )

    def write() -> Code:
        for part in parts:
            part.emit()
        return Code.of(module)

    return KernelCode(
        code=NamedCode(target, write),
        sizes=d.sizes,
        stages=lambda sizes: [KernelStage(part.name, part.tasks) for part in parts],
        scratch=lambda sizes: 0,
        threads=threads,
        partials=lambda sizes: (sum(p.tasks(sizes) for p in parts), epilogue.partial_bytes),
        in_place=True,
        label="depthwise",
        facts={"rows": [p.rows for p in parts]},
    )


class _DepthwisePart:
    def __init__(self, name, module, conv, phase, whole, target, epilogue, before):
        self.name, self.module, self.c, self.epilogue, self.before = (
            name,
            module,
            conv,
            epilogue,
            before,
        )
        self.types, self.lanes = conv.types, target.lanes(conv.types.total)
        self.operands = FIRST_SIZE + conv.sizes
        self.h, self.w, y = conv.h, conv.w, conv.y
        self.y_first = phase[0] * y.row + phase[1] * y.column + y.base
        self.y_row, self.y_column = whole.h.base * y.row, whole.w.base * y.column
        self.most = self.most_pixels(target)
        room = lambda rows: self.h.stride * rows * conv.w.size * conv.groups * SIZE[conv.x.element]
        most = processor_of(target).depthwise_rows
        self.rows = max([r for r in divisors(self.h.out) if room(r) <= most] + [1])
        self.unit = max(1, self.h.out // self.rows)

    def most_pixels(self, target: Target) -> int:
        """How many pixels are summed at a time."""
        w = self.w
        if not target.loads_first:
            return min(MOST_PIXELS, max(1, target.registers - 4 - max(1, w.taps)))
        needed = lambda n: n + min(n * w.taps, w.reach(n)) + w.taps + (not target.adds_products)
        return max([n for n in range(1, MOST_PIXELS + 1) if needed(n) <= target.registers] + [1])

    def tasks(self, sizes: Sizes) -> int:
        if not self.h.out * self.w.out * self.c.groups:
            return 0
        return number(self.c.batch, sizes) * self.unit

    def tiles(self) -> list[tuple[int, int, int]]:
        """(first column, columns, how many such tiles): those inside the image are one loop."""
        w, most = self.w, self.most
        reach = lambda j: (
            j * w.stride - w.low,
            (j + most - 1) * w.stride - w.low + (w.taps - 1) * w.dilation,
        )
        inside = lambda j: reach(j)[0] >= 0 and reach(j)[1] < w.size and j + most <= w.out
        found, j = [], 0
        while j < w.out:
            n = 1
            if inside(j):
                while inside(j + n * most):
                    n += 1
            columns = min(most, w.out - j)
            found.append((j, columns, n))
            j += columns * n
        return found

    def emit(self):
        c, h = self.c, self.h
        with self.module.task(self.name) as f:
            x, w, y, partial = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, OUTPUT, PARTIALS))
            n, first = f.task // self.unit, f.i64(times(f, f.task % self.unit, self.rows))
            if self.epilogue.partial_bytes:
                number_ = f.i64(times(f, value(f, c.batch), self.before)) + f.task
                partial = f.at(partial, number_ * self.epilogue.partial_bytes)
                self.epilogue.clear(f, partial)

            def row(r):
                oh = first + r
                image = times(f, f.i64(n), c.x.image) + c.x.base
                rows = []
                for tap in range(h.taps):
                    ih = oh * h.stride + (tap * h.dilation - h.low)
                    inside = (ih >= 0) & (ih < h.size)
                    rows.append((inside, f.i64(image + f.select(inside, ih, f.i64(0)) * c.x.row)))
                out = f.i64(times(f, f.i64(n), c.y.image) + oh * self.y_row + self.y_first)
                for j, columns, count in self.tiles():
                    single = count == 1

                    def tile(i, j=j, columns=columns, single=single):
                        column = times(f, i, self.most) + j
                        self.channels(
                            f, x, w, y, partial, rows, out, column, columns, j if single else None
                        )

                    f.loop(0, count, 1, tile)

            f.loop(f.i64(0), self.rows, 1, row)

    def channels(
        self, f: Fn, x, w, y, partial, rows, out, column, columns: int, static: int | None
    ):
        c, lanes, types = self.c, self.lanes, self.types
        vector = vec(types.total, lanes)

        # distances from pixel to pixel are known: they go into the instructions
        starts = [
            (inside, f.i64(start + times(f, column, self.w.stride * c.x.column)))
            for inside, start in rows
        ]
        out_here = f.i64(out + times(f, column, self.y_column))

        def some(e, mask=None):
            acc: list[Val] = [f.zero(vector)] * columns
            for tap, (inside, start) in enumerate(starts):

                def taken(acc=acc, tap=tap, start=start):
                    here = f.at(x, start + e, c.x.element)
                    return self.one_row(f, here, w, columns, static, e, mask, tap, list(acc))

                border = self.h.has_border
                acc = list(f.when(inside, taken, lambda acc=acc: acc)) if border else taken()
            at = lambda t: out_here + (e + t * self.y_column)
            to = f.at(y, out_here + e, types.output)
            tile = RegisterTile(
                f, [(t, 0) for t in range(columns)], lambda t, _j: at(t), lambda _j: f.i64(e), lambda _j: mask,
                c.groups, self.operands,
            )  # fmt: skip
            values = self.epilogue.apply(f, tile, acc)
            if self.epilogue.partial_bytes:
                self.epilogue.accumulate(f, tile, values, partial)
            for t, v in enumerate(values):
                store_as(f, v, to, t * self.y_column, types.output, mask)

        span(f, c.groups, lanes, some, unroll=1)

    def one_row(self, f: Fn, here, w, columns, static, e, mask, tap, acc):
        """Adds the taps of one window row to the sums of `columns` pixels."""
        c, lanes, total, wx = self.c, self.lanes, self.types.total, self.w
        weight = c.filter
        weights = f.at(w, e, weight.element)
        kind = vec(weight.element, lanes)
        first = tap * weight.row + weight.base
        taps = [
            f.convert(f.load(weights, first + q * weight.column, kind, mask), total)
            for q in range(wx.taps)
        ]
        seen: dict[int, Val] = {}
        for t in range(columns):
            for q in range(wx.taps):
                place = t * wx.stride + q * wx.dilation - wx.low  # relative to column * stride
                if static is not None and not 0 <= static * wx.stride + place < wx.size:
                    continue
                if place not in seen:
                    v = f.load(here, place * c.x.column, vec(c.x.element, lanes), mask)
                    v = f.convert(v, total)
                    seen[place] = v - c.zero if c.zero else v
                acc[t] = f.fma(seen[place], taps[q], acc[t])
        return acc


# -- the filter's gradient


def emit_depthwise_filter_gradient(
    d: DepthwiseFilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    """Writes the kernel: ranges of rows summed in order, then added up in order."""
    return _FilterGradientKernel(d, target, threads, epilogue).emit()


class _FilterGradientKernel(FilterGradientKernel):
    name = "depthwise filter gradient"

    def choose(self):
        g = self.g
        self.rows = g.h.taps * g.w.taps
        self.length = round_up(self.rows * g.outputs, 64 // self.size)
        self.own, self.straight, self.blocked = True, False, False
        self.mr, self.nr = g.w.taps, self.lanes
        processor = processor_of(self.target)
        self.win = ImageWindow(
            g.x,
            g.h,
            g.w,
            1,
            g.batch,
            self.types.total,
            self.lanes,
            False,
            0,
            threads_of_sums(),
            limit=processor.window,
            most=processor.wide_window,
        )
        self.window_elements = 0
        batch = g.batch if is_static(g.batch) else TYPICAL_BATCH
        self.ranges = max(1, min(4 * threads_of_sums(), batch * g.h.out, MOST_RANGES))

    def emit_ranges(self):
        g = self.g
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            rows = f.i64(times(f, value(f, g.batch), g.h.out))
            mine = f.at(scratch, f.task * self.length, self.types.total)
            f.memset(mine, 0, self.length * self.size)

            def row(i):
                n, oh = f.i64(i // g.h.out), f.i64(i % g.h.out)
                here = f.at(dy, times(f, n, g.y.image) + oh * g.y.row + g.y.base, g.y.element)

                def tap_row(t):
                    ih = f.i64(oh * g.h.stride + times(f, t, g.h.dilation) - g.h.low)
                    inside = (ih >= 0) & (ih < g.h.size)
                    start = times(f, n, g.x.image) + ih * g.x.row + g.x.base
                    sums = f.at(mine, times(f, t, g.w.taps * g.outputs), self.types.total)
                    f.when(inside, lambda: self.line(f, f.at(x, start, g.x.element), here, sums))

                f.loop(f.i64(0), g.h.taps, 1, tap_row)

            f.loop(f.task * rows // self.ranges, (f.task + 1) * rows // self.ranges, 1, row)

    def line(self, f: Fn, x: Val, dy: Val, sums: Val) -> None:
        """Adds the products of one row of x and one of dy to the sums of a row of taps."""
        g, w, lanes, total = self.g, self.g.w, self.lanes, self.types.total
        columns = [
            [q for q in range(w.taps) if 0 <= p * w.stride + q * w.dilation - w.low < w.size]
            for p in range(w.out)
        ]
        whole = [p for p, taps in enumerate(columns) if len(taps) == w.taps]
        low, high = (whole[0], whole[-1] + 1) if whole else (0, 0)

        def some(e, mask=None):
            kind = vec(total, lanes)
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
