"""Depthwise convolutions of images of any size: channels in lanes, some pixels of a row at a time.

A task copies the window under a block for some of the channels, with zeros around it, so that no tap needs a test.
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import number, value
from penstock._src.compiler.codegen.contraction.images.window import span
from penstock._src.compiler.codegen.contraction.images.window_choice import divisors
from penstock._src.compiler.codegen.contraction.tile import Types, store_as, times
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
    final_values,
    round_up,
)
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, SIZE, vec
from penstock._src.util.dataclass import dataclass

from .choice import MOST_PIXELS, axis_blocks, block_of, pieces
from .description import AnySizeConvolution, AnySizeDepthwise, AnySizeImage
from .forward import span_of, tiles_of_row
from .window import AnySizeWindow, Place

MOST_SUMS = 6  # pixels of a tile
MOST_VECTORS = 8  # of channels that a task goes through


@dataclass(frozen=True)
class AnySizeDepthwiseSchedule:
    """The division of a depthwise convolution: `pixels` of a tile, and `chunks` of channels, each a task's."""

    conv: AnySizeDepthwise
    target: Target
    threads: int
    pixels: int
    chunks: int
    window: AnySizeWindow

    @property
    def types(self) -> Types:
        return self.conv.types

    @property
    def phases(self) -> int:
        return self.conv.h.base * self.conv.w.base

    @property
    def window_bytes(self) -> int:
        return round_up(self.window.elements * SIZE[self.types.total], 64)

    def tasks(self, sizes: Sizes) -> Any:
        c, win = self.conv, self.window
        rows = axis_blocks(c.h, number(c.h.out, sizes), win.rows)
        columns = axis_blocks(c.w, number(c.w.out, sizes), win.columns)
        return number(c.batch, sizes) * rows * columns * (self.phases * self.chunks)


def chunks_of(channels: int, lanes: int) -> int:
    """The number of parts of the channels that tasks go through: equal ones of few vectors; one if the last vector is partial."""
    # Only the last part could have a partial vector, but all parts are one code.
    if channels % lanes:
        return 1
    vectors = max(1, channels // lanes)
    return vectors // max(d for d in divisors(vectors) if d <= MOST_VECTORS)


def choose(conv: AnySizeDepthwise, target: Target, threads: int) -> AnySizeDepthwiseSchedule:
    """The schedule for a pool of `threads`."""
    lanes, total = conv.types.lanes(target), conv.types.total
    chunks = chunks_of(conv.groups, lanes)
    channels = conv.groups // chunks
    pixel = channels * SIZE[total]
    block = block_of(
        conv.h, conv.w, pixel, processor_of(target).gradient_window, MOST_SUMS, MOST_PIXELS
    )
    image = dense(conv.x)
    window = AnySizeWindow(image, conv.h, conv.w, channels, total, lanes, *block)
    return AnySizeDepthwiseSchedule(conv, target, threads, MOST_SUMS, chunks, window)


def dense(x: AnySizeImage) -> AnySizeImage:
    """The image with its groups, of one channel each, as channels."""
    return AnySizeImage(x.element, x.image, x.row, x.column, 1, 0, x.base)


def emit_any_size_depthwise(
    conv: AnySizeDepthwise, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    schedule = choose(conv, target, threads)

    def write() -> Code:
        module = Module(target)
        _Writer(schedule, module, epilogue).write()
        return Code.of(module)

    return KernelCode(
        code=NamedCode(target, write),
        sizes=conv.sizes,
        stages=lambda _: [KernelStage("depthwise_task", schedule.tasks)],
        scratch=lambda _: threads * schedule.window_bytes,
        threads=threads,
        partials=lambda sizes: (schedule.tasks(sizes), epilogue.partial_bytes),
        in_place=True,
        label="depthwise of any size",
        facts={"rows": schedule.window.rows, "columns": schedule.window.columns},
    )


class _Writer:
    """Writes the task of a block, and the functions of tiles."""

    def __init__(
        self, schedule: AnySizeDepthwiseSchedule, module: Module, epilogue: Epilogue
    ) -> None:
        self.schedule, self.module, self.epilogue = schedule, module, epilogue
        self.conv: AnySizeConvolution = schedule.conv
        self.lanes = schedule.types.lanes(schedule.target)

    def write(self) -> None:
        """A task: a block of the outputs of an image, of one phase, and some of the channels."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        names = {piece: self.tile(piece) for piece in pieces(s.pixels)}
        step_x, step_y = c.w.stride * win.column, c.w.base * c.y.column
        with self.module.task("depthwise_task") as f:
            x, w, partial, scratch = (
                f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, PARTIALS, SCRATCH)
            )
            rows = axis_blocks(c.h, f.i64(value(f, c.h.out)), win.rows)
            columns = axis_blocks(c.w, f.i64(value(f, c.w.out)), win.columns)
            chunk, rest = f.i64(f.task % s.chunks), f.i64(f.task // s.chunks)
            phase, rest = rest % s.phases, rest // s.phases
            column, rest = rest % columns, rest // columns
            row, n = rest % rows, rest // rows
            a, b = (phase // c.w.base, phase % c.w.base) if s.phases > 1 else (0, 0)
            h, v = span_of(f, c.h, row, win.rows, a), span_of(f, c.w, column, win.columns, b)
            if self.epilogue.partial_bytes:
                partial = f.at(partial, f.task * self.epilogue.partial_bytes)
                self.epilogue.clear(f, partial)
            channel = f.i64(times(f, chunk, win.channels))
            buffer = f.at(scratch, f.tid * s.window_bytes)
            start = times(f, n, value(f, c.x.image)) + channel + c.x.base
            image = f.at(x, f.i64(start), c.x.element)
            win.fill(f, image, Place(h.start, v.start, h.reach, v.reach), buffer)
            taps = times(f, h.tap, c.filter.row) + times(f, v.tap, c.filter.column)
            weights = f.at(w, f.i64(channel + taps + c.filter.base), c.filter.element)
            first_row = times(f, h.first, c.h.base) + h.phase
            first_column = times(f, v.first, c.w.base) + v.phase
            row_y = value(f, c.y.row)
            out = self.output_offset(f, n, (first_row, first_column), row_y, channel)
            line_y = times(f, row_y, c.h.base)

            def line(r: Val) -> None:
                here = f.at(buffer, times(f, r, c.h.stride * win.pitch), s.types.total)
                to = f.i64(out) + times(f, r, line_y)

                def one(at: Val, pixels: int) -> None:
                    f.call(
                        names[pixels], f.at(here, times(f, at, step_x), s.types.total), weights, f.ctx, partial,
                        to + times(f, at, step_y), channel, f.i64(h.taps), f.i64(v.taps),
                    )  # fmt: skip

                tiles_of_row(f, v.count, list(names), one)

            f.loop(f.i64(0), h.count, 1, line)

    def output_offset(
        self, f: Fn, n: Val, pixel: tuple[Any, Any], row_step: Any, channel: Val
    ) -> Any:
        """The offset of the first channel of a task, at a pixel (row, column) of the output for image `n`."""
        y = self.conv.y
        return (
            times(f, n, value(f, y.image))
            + times(f, pixel[0], row_step)
            + times(f, pixel[1], y.column)
            + (channel + y.base)
        )

    def tile(self, pixels: int) -> str:
        """The function of a tile of a number of pixels, for the channels of a task."""
        s, c, win, lanes = self.schedule, self.conv, self.schedule.window, self.lanes
        total, step_y = s.types.total, c.w.base * c.y.column
        args = dict(a=PTR, w=PTR, ctx=PTR, partial=PTR, out=I64, col=I64)
        args |= dict(taps=I64, column_taps=I64)
        name = f"depthwise_tile{pixels}"
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            y = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, s.types.output)

            def some(e: Any, mask: Val | None = None) -> None:
                sums = self.sums(
                    f, pixels, f.at(f.a, e, total), f.at(f.w, e, c.filter.element), mask
                )
                tile = RegisterTile(
                    f, [(t, 0) for t in range(pixels)], lambda t, _: f.out + (e + t * step_y),
                    lambda _: f.col + e, lambda _: mask, c.groups, FIRST_SIZE + c.sizes,
                )  # fmt: skip
                for t, x in enumerate(final_values(f, self.epilogue, tile, sums, f.partial)):
                    store_as(f, x, y, e + t * step_y, s.types.output, mask)

            span(f, win.channels, lanes, some, unroll=1)
        return name

    def sums(self, f: Fn, pixels: int, a: Val, w: Val, mask: Val | None) -> list[Val]:
        """The sums of neighboring pixels, for a vector of channels."""
        c, win = self.conv, self.schedule.window
        first = [f.zero(vec(self.schedule.types.total, self.lanes))] * pixels
        down, across = c.h.tap_step * c.filter.row, c.w.tap_step * c.filter.column

        def row(i: Any, *sums: Val) -> list[Val]:
            here = f.at(a, times(f, i, c.h.spread * win.pitch), self.schedule.types.total)
            weights = f.at(w, times(f, i, down), c.filter.element)
            if self.schedule.phases == 1:
                return self.row_of_taps(f, here, weights, mask, list(sums))

            def tap(j: Any, *sums: Val) -> list[Val]:
                weight = self.weight(f, weights, times(f, j, across), mask)
                at = times(f, j, c.w.spread * win.column)
                return [
                    f.fma(self.pixel(f, here, at + t * c.w.stride * win.column), weight, total)
                    for t, total in enumerate(sums)
                ]

            return list(f.loop(0, f.column_taps, 1, tap, *sums))

        count = c.h.taps if self.schedule.phases == 1 else f.taps
        return list(f.loop(0, count, 1, row, *first))

    def row_of_taps(self, f: Fn, a: Val, w: Val, mask: Val | None, sums: list[Val]) -> list[Val]:
        """Adds the products by a row of taps; each pixel of the window is read once."""
        c, win = self.conv, self.schedule.window
        read: dict[int, Val] = {}
        for tap in range(c.w.taps):
            weight = self.weight(f, w, tap * c.filter.column, mask)
            for t in range(len(sums)):
                place = t * c.w.stride + tap * c.w.spread
                if place not in read:
                    read[place] = self.pixel(f, a, place * win.column)
                sums[t] = f.fma(read[place], weight, sums[t])
        return sums

    def weight(self, f: Fn, w: Val, at: Any, mask: Val | None) -> Val:
        element = self.conv.filter.element
        return f.convert(f.load(w, at, vec(element, self.lanes), mask), self.schedule.types.total)

    def pixel(self, f: Fn, a: Val, at: Any) -> Val:
        # No mask: the window has room for a vector after its last pixel.
        return f.load(a, at, vec(self.schedule.types.total, self.lanes))
