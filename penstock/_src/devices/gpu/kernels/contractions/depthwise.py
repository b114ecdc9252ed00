"""Depthwise convolutions on a GPU, and the gradients of their filters.

A thread sums neighboring channels of neighboring pixels, so adjacent threads read adjacent elements. For a filter's gradient a thread sums
a row of taps over a range of the images' rows; then the ranges are added up in order. The gradient of an image is a convolution of an image
with dilated pixels; taps between them are skipped.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    HOST,
    ceil_divide,
    is_static,
    number,
    value,
)
from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeAxis,
    AnySizeDepthwise,
    AnySizeDepthwiseGradient,
)
from penstock._src.compiler.codegen.contraction.images.convolution import (
    Depthwise,
    DepthwiseFilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.window import Axis
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    PLAIN,
    RIGHT,
    SCRATCH,
    STEP,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
)
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.devices.gpu.target import THREADS
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR, SIZE, lanes, vec
from penstock._src.native.language.value import Val

PIXELS = 4  # pixels of a row that a thread sums at once
LANES = 4  # neighboring channels of a thread
MOST_RANGES = 256
WANTED = 1 << 16  # number of threads that keep a GPU busy
Found = tuple[Val, Val]
Convolution = Depthwise | AnySizeDepthwise
Gradient = DepthwiseFilterGradient | AnySizeDepthwiseGradient


def input_index(f: CudaFn, axis: Axis | AnySizeAxis, position: Any, tap: Any) -> Found:
    """(the index under a tap, True if the element exists)."""
    at = f.i64(
        times(f, f.i64(position), axis.stride) + times(f, f.i64(tap), axis.dilation)
    ) - value(f, axis.low)
    size = value(f, axis.size)
    if axis.base != 1:
        # sdiv rounds to zero: the remainder tells elements from gaps for negative indices, too.
        whole = f.binary("sdiv", at, axis.base)
        there = (whole * axis.base).eq(at)
        at = whole
        return at, there & (at >= 0) & (at < size)
    return at, (at >= 0) & (at < size)


def lanes_of(channels: int, c: Convolution | Gradient) -> int:
    """The number of channels in a vector: LANES if channels and all strides are multiples of it, so that vectors are aligned; else 1."""
    w, x, y = c.filter, c.x, c.y
    steps = [
        channels, x.image, x.row, x.column, x.base, y.image, y.row, y.column, y.base, w.row, w.column, w.base,
    ]  # fmt: skip
    # 16 bytes are the widest access of a thread: four floats, but no four doubles.
    most = LANES if SIZE[c.types.total] == 4 else 1
    return most if all(is_static(s) and s % most == 0 for s in steps) else 1


def emit_depthwise(c: Convolution, target: Target, epilogue: Epilogue = PLAIN) -> KernelCode:
    """The code of a depthwise convolution, or of its image's gradient."""
    m = CudaModule(target, THREADS)
    kernel = _Convolution(c, epilogue)
    with m.kernel() as f:
        kernel.write(f)
    return KernelCode(
        code=m.finished(), sizes=c.sizes,
        stages=lambda _: (KernelStage("task", lambda sizes: ceil_divide(kernel.threads(sizes), THREADS)),),
        scratch=lambda _: 0, threads=1, partials=lambda sizes: (kernel.groups(sizes), epilogue.partial_bytes),
        in_place=True, label="depthwise", extents=epilogue.extents, facts={"lanes": kernel.lanes},
    )  # fmt: skip


class _Convolution:
    def __init__(self, c: Convolution, epilogue: Epilogue):
        self.c, self.epilogue = c, epilogue
        self.lanes = lanes_of(c.groups, c)
        self.vectors = c.groups // self.lanes

    def groups(self, sizes: Sizes) -> int:
        """Groups of pixels of a row."""
        c = self.c
        wide = ceil_divide(number(c.w.out, sizes), PIXELS)
        return number(c.batch, sizes) * number(c.h.out, sizes) * wide

    def threads(self, sizes: Sizes) -> int:
        """Threads that have work."""
        return self.groups(sizes) * self.vectors

    def write(self, f: CudaFn) -> None:
        c, me = self.c, f.number * THREADS + f.thread
        wide = ceil_divide(value(f, c.w.out), PIXELS)
        lines = times(f, value(f, c.batch), value(f, c.h.out))
        total = f.i64(times(f, times(f, lines, wide), self.vectors))
        f.when(me < total, lambda: self._one(f, me, wide))

    def _one(self, f: CudaFn, me: Val, wide: Any) -> None:
        """Some channels of some pixels; a row has `wide` groups of them."""
        c, n = self.c, self.lanes
        group, channel = me // self.vectors, word(f, me % self.vectors) * n
        line, first = group // wide, word(f, group % wide) * PIXELS
        height, width = value(f, c.h.out), value(f, c.w.out)
        image, oh = line // height, word(f, line % height)
        sums = self._sums(f, f.i64(image), f.i64(oh), f.i64(first), f.i64(channel))
        y = c.y
        row = times(f, f.i64(image), value(f, y.image)) + oh * value(f, y.row) + (y.base + channel)
        exists = [first + t < width for t in range(PIXELS)]
        # Pixels past the row's end repeat the first one's addresses, and are not stored.
        own = [f.select(exists[t], first + t, first) for t in range(PIXELS)]
        places = [row + at * y.column for at in own]
        tile = RegisterTile(
            f, [(t, 0) for t in range(PIXELS)], lambda t, _: places[t], lambda _: channel, lambda _: None,
            c.groups, FIRST_SIZE + c.sizes, lambda t: exists[t],
        )  # fmt: skip
        values = self.epilogue.apply(f, tile, sums)
        if self.epilogue.partial_bytes:
            partial = f.at(f.load(f.ctx, PARTIALS, PTR), group * self.epilogue.partial_bytes)
            self.epilogue.accumulate(f, tile, values, partial)
        for x, place, there in zip(values, places, exists, strict=True):
            f.when(there, lambda x=x, place=place: store(f, x, c.types.output, place))

    def _sums(self, f: CudaFn, image: Val, oh: Val, first: Val, channel: Val) -> list[Val]:
        """The sum over all taps for each pixel; rows of taps outside the image are skipped."""
        c, n = self.c, self.lanes
        ty = c.types.total if n == 1 else vec(c.types.total, n)
        x, weights = f.load(f.ctx, LEFT, PTR), f.load(f.ctx, RIGHT, PTR)

        def row_of_taps(tap: Any, *sums: Val) -> tuple[Val, ...]:
            ih, inside = input_index(f, c.h, oh, tap)

            def taken() -> tuple[Val, ...]:
                totals, seen = list(sums), {}
                here = f.i64(
                    times(f, image, value(f, c.x.image))
                    + ih * value(f, c.x.row)
                    + (c.x.base + channel)
                )
                w_row = f.i64(times(f, f.i64(tap), c.filter.row)) + (c.filter.base + channel)
                for q in range(c.w.taps):
                    w = load(
                        f, weights, w_row + q * c.filter.column, c.filter.element, c.types.total, n
                    )
                    for t in range(PIXELS):
                        place = t * c.w.stride + q * c.w.dilation
                        # Taps of neighboring pixels meet the same elements: each is loaded once.
                        if place not in seen:
                            seen[place] = self._pixel(f, x, here, first, t, q)
                        totals[t] = f.fma(seen[place], w, totals[t])
                return tuple(totals)

            return f.when(inside, taken, lambda: sums)

        return list(f.loop(0, c.h.taps, 1, row_of_taps, *[f.zero(ty)] * PIXELS))

    def _pixel(self, f: CudaFn, x: Val, here: Val, first: Val, t: int, q: int) -> Val:
        """The channels of the pixel under a tap of a row; zeros outside."""
        c, n = self.c, self.lanes
        at, there = input_index(f, c.w, first + t, q)
        pixel = load(
            f, x, here + f.select(there, at, 0) * c.x.column, c.x.element, c.types.total, n
        )
        pixel = pixel - c.zero if isinstance(c, Depthwise) and c.zero else pixel
        # After the zero point: the border is zero, not minus the zero point.
        return f.select(there, pixel, f.zero(pixel.ty))


def load(f: CudaFn, p: Val, at: Val, element: str, total: str, n: int) -> Val:
    """Neighboring elements, which lie at a multiple of their number, in the sum's type."""
    f.aligned(n > 1)
    loaded = f.load(p, at, element if n == 1 else vec(element, n))
    f.aligned(False)
    return f.convert(loaded, total)


def store(f: CudaFn, x: Val, element: str, at: Val, where: int = OUTPUT) -> None:
    """Stores neighboring elements."""
    x = f.convert(x, element)
    f.aligned(lanes(x.ty) > 1)
    f.store(x, f.load(f.ctx, where, PTR), at)
    f.aligned(False)


def emit_depthwise_filter_gradient(
    g: Gradient, target: Target, epilogue: Epilogue = PLAIN
) -> KernelCode:
    """The code of the gradient of a depthwise filter: sums of ranges, then of these."""
    kernel = _FilterGradient(g, epilogue)
    m = CudaModule(target, THREADS)
    with m.kernel("sum_ranges") as f:
        kernel.write_ranges(f)
    with m.kernel("add_up") as f:
        kernel.write_total(f)

    def stages(sizes: Sizes) -> tuple[KernelStage, ...]:
        ranges = kernel.ranges(sizes)
        first = ceil_divide(ranges * g.h.taps * kernel.vectors, THREADS)
        second = ceil_divide(kernel.taps * kernel.vectors, THREADS)
        return (
            KernelStage("sum_ranges", lambda _: first, ranges),
            KernelStage("add_up", lambda _: second, ranges),
        )

    return KernelCode(
        code=m.finished(), sizes=g.sizes, stages=stages,
        scratch=lambda sizes: kernel.ranges(sizes) * kernel.taps * g.outputs * SIZE[g.types.total], threads=1,
        partials=lambda _: (kernel.taps, epilogue.partial_bytes), in_place=True, label="depthwise filter gradient",
        extents=epilogue.extents, facts={"lanes": kernel.lanes},
    )  # fmt: skip


class _FilterGradient:
    def __init__(self, g: Gradient, epilogue: Epilogue):
        self.g, self.epilogue = g, epilogue
        self.lanes = lanes_of(g.outputs, g)
        self.vectors = g.outputs // self.lanes
        self.taps = g.h.taps * g.w.taps

    def ranges(self, sizes: Sizes) -> int:
        """The number of ranges of the rows of all images: it depends on shapes alone, so sums have the same bits each time."""
        rows = number(self.g.batch, sizes) * number(self.g.h.out, sizes)
        # Not of the device: another GPU adds up the same ranges.
        wanted = WANTED // max(1, self.vectors * self.g.h.taps)
        return HOST.max(1, HOST.min(rows, min(MOST_RANGES, wanted)))

    def write_ranges(self, f: CudaFn) -> None:
        """A thread: some channels, a row of taps, a range of rows."""
        g = self.g
        ranges = f.load(f.ctx, STEP, I64)
        me = f.number * THREADS + f.thread
        # Channels are innermost, so that neighboring threads read neighboring elements.
        part, channel = me // self.vectors, word(f, me % self.vectors) * self.lanes
        mine, tap = f.i64(part // g.h.taps), word(f, f.i64(part) % g.h.taps)

        def run() -> None:
            rows = f.i64(times(f, value(f, g.batch), value(f, g.h.out)))
            low, high = mine * rows // ranges, (mine + 1) * rows // ranges
            ty = g.types.total if self.lanes == 1 else vec(g.types.total, self.lanes)
            zeros = [f.zero(ty)] * g.w.taps
            sums = f.loop(low, high, 1, self._row(f, f.i64(tap), f.i64(channel)), *zeros)
            at = (mine * g.h.taps + tap) * (g.w.taps * g.outputs) + channel
            for q, x in enumerate(sums):
                store(f, x, g.types.total, at + q * g.outputs, SCRATCH)

        f.when(mine < ranges, run)

    def _row(self, f: CudaFn, tap: Val, channel: Val) -> Callable[..., tuple[Val, ...]]:
        """Adds the terms of one row of an image."""
        g, n, total = self.g, self.lanes, self.g.types.total
        x, dy = f.load(f.ctx, LEFT, PTR), f.load(f.ctx, RIGHT, PTR)

        def row(i: Val, *sums: Val) -> tuple[Val, ...]:
            height = value(f, g.h.out)
            image, oh = f.i64(i // height), f.i64(word(f, i % height))
            ih, inside = input_index(f, g.h, oh, tap)
            here, there = (
                f.i64(
                    times(f, image, value(f, each.image))
                    + row * value(f, each.row)
                    + (each.base + channel)
                )
                for each, row in ((g.x, ih), (g.y, oh))
            )

            def pixel(p: Any, *carried: Val) -> tuple[Val, ...]:
                p = f.i64(p)
                d = load(f, dy, there + p * g.y.column, g.y.element, total, n)
                values = []
                for q, sum_ in enumerate(carried):
                    at, exists = input_index(f, g.w, p, q)
                    at = f.select(exists, at, 0) * g.x.column
                    v = load(f, x, here + at, g.x.element, total, n)
                    values.append(f.fma(f.select(exists, v, f.zero(v.ty)), d, sum_))
                return tuple(values)

            return f.when(
                inside, lambda: f.loop(0, value(f, g.w.out), 1, pixel, *sums), lambda: sums
            )

        return row

    def write_total(self, f: CudaFn) -> None:
        """A thread: some channels of a tap, over all ranges in order."""
        g, n = self.g, self.lanes
        ranges, scratch = f.load(f.ctx, STEP, I64), f.load(f.ctx, SCRATCH, PTR)
        me = f.number * THREADS + f.thread
        tap, channel = f.i64(me // self.vectors), f.i64(word(f, me % self.vectors) * n)

        def run() -> None:
            ty = g.types.total if n == 1 else vec(g.types.total, n)

            def add(k: Val, sum_: Val) -> tuple[Val]:
                at = (k * self.taps + tap) * g.outputs + channel
                return (sum_ + load(f, scratch, at, g.types.total, g.types.total, n),)

            (sum_,) = f.loop(f.i64(0), ranges, 1, add, f.zero(ty))
            row = times(f, f.i64(tap // g.w.taps), g.filter.row)
            place = f.i64(row + times(f, f.i64(word(f, tap % g.w.taps)), g.filter.column))
            place = place + (g.filter.base + channel)
            tile = RegisterTile(
                f, [(0, 0)], lambda i, j: place, lambda j: channel, lambda j: None, g.outputs, FIRST_SIZE + g.sizes,
            )  # fmt: skip
            values = self.epilogue.apply(f, tile, [sum_])
            if self.epilogue.partial_bytes:
                partial = f.at(f.load(f.ctx, PARTIALS, PTR), tap * self.epilogue.partial_bytes)
                self.epilogue.accumulate(f, tile, values, partial)
            store(f, values[0], g.types.output, place)

        f.when(tap < self.taps, run)
