"""Writes the kernel of a convolution of images of any size.

A dilated input, as of an input gradient with strides, is worked on phase by phase (images/conv.py says why): which taps meet elements
at a phase may depend on the border, and so on the size, so the first of them and their number are values.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.images.panels import PanelWriter
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import (
    LEFT,
    PARTIALS,
    PLAIN,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    threads_of_cut,
)
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR
from penstock._src.util.dataclass import dataclass

from .choice import AnySizeSchedule, choose
from .description import AnySizeAxis, AnySizeConvolution
from .window import Place

# More than any border. Divisions are unsigned: a multiple of the divisor is added before, and its quotient taken away after.
_LARGE = 1 << 40


def emit_any_size(
    conv: AnySizeConvolution, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    schedule = choose(conv, target, threads, threads_of_cut(threads, epilogue, target))

    def write() -> Code:
        module = Module(target)
        AnySizeWriter(schedule, module, epilogue).write()
        return Code.of(module)

    return KernelCode(
        code=NamedCode(target, write),
        sizes=conv.sizes,
        stages=schedule.stages,
        scratch=lambda _: schedule.scratch_bytes,
        threads=threads,
        partials=lambda sizes: (schedule.tasks(sizes), epilogue.partial_bytes),
        in_place=True,
        label=f"any size {schedule.mr}x{schedule.nr}",
        prepacked_bytes=schedule.weights_bytes if conv.is_prepacked else 0,
        facts=schedule.facts,
    )


@dataclass(frozen=True)
class _Span:
    """The part of an axis that a task works on.

    first, count  of the outputs of its phase
    phase         of the outputs
    tap, taps     the first tap that meets elements, and their number
    start, reach  the first input index, and the number of them
    """

    first: Val
    count: Val
    phase: Any
    tap: Any
    taps: Any
    start: Val
    reach: Val


def span_of(f: Fn, axis: AnySizeAxis, block: Val, positions: int, phase: Any) -> _Span:
    """The span of a block of a number of positions."""
    tap, taps, shift = _taps_of(f, axis, phase)
    outputs = (f.i64(value(f, axis.out)) + (axis.base - 1) - phase) // axis.base
    first = f.i64(times(f, block, positions))
    count = f.min(f.max(outputs - first, 0), positions)
    start = f.i64(times(f, first, axis.stride)) + shift
    reach = (count - 1) * axis.stride + f.i64(times(f, taps - 1, axis.spread)) + 1
    # Without outputs or taps nothing is copied: the formula would give a negative reach.
    is_empty = count.eq(0) | f.i64(taps).eq(0)
    return _Span(first, count, phase, tap, taps, start, f.select(is_empty, f.i64(0), reach))


def _taps_of(f: Fn, axis: AnySizeAxis, phase: Any) -> tuple[Any, Any, Any]:
    """(first tap, number of taps, input index of position 0 under the first tap) of a phase."""
    low = value(f, axis.low)
    if axis.base == 1:
        return 0, axis.taps, -low
    # Elements of a dilated input are `base` apart, so taps that meet one at a position are `step` apart. One of the first
    # `step` is the first, or none: then all of the phase's outputs are zero.
    step, large = axis.tap_step, axis.base * _LARGE
    tap, taps = f.i64(0), f.i64(0)
    # Backwards, so that the first tap that meets elements is the last one selected.
    for t in reversed(range(min(step, axis.taps))):
        meets = (f.i64(phase) + (axis.dilation * t + large) - low) % axis.base
        is_first = meets.eq(0)
        tap = f.select(is_first, f.i64(t), tap)
        taps = f.select(is_first, f.i64(-(-(axis.taps - t) // step)), taps)
    shift = (f.i64(phase) + times(f, tap, axis.dilation) + large - low) // axis.base - _LARGE
    return tap, taps, shift


def tiles_of_row(
    f: Fn, count: Val, widths: Sequence[int], tile: Callable[[Val, int], None]
) -> None:
    """Emits tile(first pixel, pixels) for `count` pixels: as many tiles of each width as there is room for, widest first."""
    done = f.i64(0)
    for width in widths:
        many = (count - done) // width
        first = done
        f.loop(f.i64(0), many, 1, lambda i, w=width, first=first: tile(first + times(f, i, w), w))
        done = done + times(f, many, width)


class AnySizeWriter(PanelWriter):
    """Writes the packing of weights, and the task of a block."""

    schedule: AnySizeSchedule
    conv: AnySizeConvolution

    def __init__(self, schedule: AnySizeSchedule, module: Module, epilogue: Epilogue) -> None:
        super().__init__(schedule, module, epilogue)
        self.is_phased = schedule.phases > 1

    counts = ("taps", "column_taps")

    def write(self) -> None:
        if not self.schedule.direct_weights:
            self.write_packing()
        self.write_task()

    @property
    def step(self) -> int:
        """Elements of the weights that tiles read, from a channel to the next."""
        s = self.schedule
        return self.conv.filter.channel if s.direct_weights else s.nr

    def write_task(self) -> None:
        """A task: a block of the outputs of an image, of one phase, by all panels or a part of them."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        with self.module.task(f"{s.name}_task") as f:
            x, w, partials, scratch = (
                f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, PARTIALS, SCRATCH)
            )
            rows, columns = s.blocks(f.i64(value(f, c.h.out)), f.i64(value(f, c.w.out)))
            split, rest = f.task % s.split, f.i64(f.task // s.split)
            group, rest = rest % c.groups, rest // c.groups
            phase, rest = rest % s.phases, rest // s.phases
            column, rest = rest % columns, rest // columns
            row, n = rest % rows, rest // rows
            h = span_of(f, c.h, row, win.rows, phase // c.w.base if s.phases > 1 else 0)
            w_span = span_of(f, c.w, column, win.columns, phase % c.w.base if s.phases > 1 else 0)
            if self.epilogue.partial_bytes:
                partials = f.at(partials, f.task * self.epilogue.partial_bytes)
                self.epilogue.clear(f, partials)
            buffer = f.at(scratch, f.tid * s.window_bytes + s.own_at)
            start = times(f, n, value(f, c.x.image)) + times(f, group, c.x.group) + c.x.base
            image = f.at(x, f.i64(start), c.x.element)
            win.fill(f, image, Place(h.start, w_span.start, h.reach, w_span.reach), buffer)
            out = self.first_output(f, n, group, h, w_span)
            packed = w if c.is_prepacked else scratch
            weights = times(f, group, c.filter.group) + c.filter.base
            taps = times(f, h.tap, c.w.taps * c.channels) + times(f, w_span.tap, c.channels)

            def panel(p: Any, nv: int, masked: bool) -> None:
                if s.direct_weights:
                    b = f.at(w, f.i64(times(f, p, s.nr) + weights), c.filter.element)
                else:
                    which = times(f, group, s.panels) + p
                    b = f.at(packed, f.i64(times(f, which, s.panel_room)), self.types.total)
                b = f.at(b, f.i64(times(f, taps, self.step)), self.types.total)
                self.tiles_of_panel(f, buffer, b, partials, group, p, nv, masked, h, w_span, out)

            self.sweep_panels(f, split, panel)

    def first_output(self, f: Fn, n: Val, group: Any, h: _Span, w: _Span) -> Val:
        """The offset of a block's first output."""
        c = self.conv
        row = times(f, h.first, c.h.base) + h.phase
        column = times(f, w.first, c.w.base) + w.phase
        return f.i64(
            times(f, n, value(f, c.y.image))
            + times(f, row, value(f, c.y.row))
            + times(f, column, c.y.column)
            + times(f, group, c.y.group)
            + c.y.base
        )

    def tiles_of_panel(
        self, f: Fn, window: Val, b: Val, partials: Val, group: Any, p: Any, nv: int, masked: bool,
        h: _Span, w: _Span, out: Val,
    ) -> None:  # fmt: skip
        """The tiles of a block by one panel of weights."""
        s, c, win = self.schedule, self.conv, self.schedule.window
        along, along_y = c.w.stride * win.column, c.w.base * c.y.column
        row_y = times(f, value(f, c.y.row), c.h.base)
        first_column = word(f, times(f, p, s.nr))
        output_column = first_column + times(f, group, c.outputs)

        def row(r: Val) -> None:
            a = f.at(window, times(f, r, c.h.stride * win.pitch), s.left_type)
            y = out + times(f, r, row_y) + first_column

            def tile(at: Val, pixels: int) -> None:
                name = self.kernel(self.pattern(pixels), nv, masked, self.step)
                f.call(
                    name, f.at(a, times(f, at, along), s.left_type), b, f.ctx, partials,
                    y + times(f, at, along_y), output_column, f.i64(0).eq(0), f.i64(0).eq(0),
                    f.i64(h.taps), f.i64(w.taps),
                )  # fmt: skip

            tiles_of_row(f, w.count, s.pieces, tile)

        f.loop(f.i64(0), h.count, 1, row)

    def pattern(self, pixels: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The offsets of a tile's pixels, in the window and in the output."""
        c, column = self.conv, self.schedule.window.column
        return (
            tuple(i * c.w.stride * column for i in range(pixels)),
            tuple(i * c.w.base * c.y.column for i in range(pixels)),
        )

    def loops_of_tile(self, f: Fn, step: int) -> list[tuple]:
        c, win = self.conv, self.schedule.window
        row = c.w.taps * c.channels * step
        if self.is_phased:
            return [
                (f.taps, c.h.spread * win.pitch, c.h.tap_step * row),
                (f.column_taps, c.w.spread * win.column, c.w.tap_step * c.channels * step),
                (c.channels, 1, step),
            ]
        rows = (c.h.taps, c.h.spread * win.pitch, row)
        if c.w.taps == 1 or c.w.spread == 1:
            # Neighboring taps' pixels follow each other in the window: one run for both loops.
            return [rows, (c.w.taps * c.channels, 1, step)]
        return [rows, (c.w.taps, c.w.spread * win.column, c.channels * step), (c.channels, 1, step)]
