"""Writes the kernel of a filter's gradient over images of any size: ranges of blocks of pixels, added up in order.

The number of ranges is a constant of the code, so sums of images of one size have the same bits in every run.
"""

from typing import Any, ClassVar

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.images.filter_gradients import kernel
from penstock._src.compiler.codegen.contraction.images.filter_gradients.schedule import (
    ALL_RANGES_BYTES,
    MOST_RANGES,
)
from penstock._src.compiler.codegen.contraction.images.filter_gradients.tiles import (
    GradientTiles,
    Panel,
    TiledSchedule,
    blocked_tile,
)
from penstock._src.compiler.codegen.contraction.tile import pick, times
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
from penstock._src.native.language.types import PTR, SIZE
from penstock._src.util.dataclass import dataclass

from .choice import MOST_PIXELS, axis_blocks, block_of
from .description import AnySizeFilterGradient
from .forward import span_of
from .window import AnySizeWindow, Place

COLUMNS = 4  # by which the columns of a block grow


@dataclass(frozen=True)
class AnySizeGradientSchedule(TiledSchedule):
    """The division of a sum over pixels: the window under a block of them, and how it is stored."""

    label: ClassVar = "filter gradient of any size"

    gradient: AnySizeFilterGradient
    window: AnySizeWindow
    blocked: bool

    @property
    def facts(self) -> dict[str, Any]:
        """The choices, for reports."""
        window = self.window
        return {"rows": window.rows, "columns": window.columns, "ranges": self.ranges}


@dataclass(frozen=True)
class _Panel(Panel):
    """A panel over a block: its rows and columns, and the distance of rows of the outputs' gradient."""

    rows: Val
    columns: Val
    distance: Val


def emit_any_size_gradient(
    gradient: AnySizeFilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    schedule = choose(gradient, target, threads, target.sum_threads)
    return kernel.emit(schedule, epilogue, AnySizeGradientWriter)


def choose(
    g: AnySizeFilterGradient, target: Target, threads: int, cut_for: int
) -> AnySizeGradientSchedule:
    """The schedule for a pool of `threads`, divided into ranges for `cut_for` threads."""
    size, lanes = SIZE[g.types.total], g.types.lanes(target)
    line = LINE // size
    rows = g.h.taps * g.w.taps * g.channels
    vectors = -(-g.outputs // lanes)
    # Blocks need whole vectors of channels that lie side by side.
    is_blocked = g.channels % lanes == 0 and g.x.channel == 1
    mr, nv = (
        blocked_tile(vectors, target, lanes)
        if is_blocked
        else pick(g.w.taps * g.channels, rows, vectors, target)
    )
    most = processor_of(target).gradient_window
    block = block_of(g.h, g.w, g.channels * size, most, COLUMNS, MOST_PIXELS)
    window = AnySizeWindow(g.x, g.h, g.w, g.channels, g.types.total, lanes, *block, is_blocked)
    length = round_up(rows * g.outputs, line)
    # Each range has a filter of its own to be added up: large filters allow few.
    ranges = min(4 * cut_for, ALL_RANGES_BYTES // max(1, length * size * g.groups), MOST_RANGES)
    return AnySizeGradientSchedule(
        gradient=g,
        target=target,
        threads=threads,
        mr=mr,
        nv=nv,
        rows=rows,
        ranges=max(1, ranges),
        window_elements=round_up(window.elements, line),
        window=window,
        blocked=is_blocked,
    )


@dataclass(frozen=True)
class Block:
    """A block of the outputs.

    image, outputs  offsets of the image, and of the gradient of the block's first output
    place           of the window under it
    rows, columns   of outputs
    """

    image: Val
    outputs: Val
    place: Place
    rows: Val
    columns: Val


class Blocks:
    """The blocks of all images of a gradient."""

    def __init__(self, f: Fn, g: AnySizeFilterGradient, window: AnySizeWindow) -> None:
        self.gradient, self.window = g, window
        self.along = axis_blocks(g.h, f.i64(value(f, g.h.out)), window.rows)
        self.across = axis_blocks(g.w, f.i64(value(f, g.w.out)), window.columns)
        self.count = f.i64(times(f, f.i64(self.along * self.across), value(f, g.batch)))
        self.distance = f.i64(value(f, g.y.row))

    def range(self, f: Fn, part: Val, parts: int) -> tuple[Val, Val]:
        """The first block of a part of them all, and the first of the next."""
        return f.i64(part * self.count) // parts, f.i64((part + 1) * self.count) // parts

    def at(self, f: Fn, i: Val) -> Block:
        """Block i."""
        g, win = self.gradient, self.window
        column, rest = i % self.across, i // self.across
        row, n = rest % self.along, rest // self.along
        h, w = span_of(f, g.h, row, win.rows, 0), span_of(f, g.w, column, win.columns, 0)
        outputs = (
            times(f, n, value(f, g.y.image))
            + h.first * self.distance
            + times(f, w.first, g.y.column)
            + g.y.base
        )
        image = f.i64(times(f, n, value(f, g.x.image)) + g.x.base)
        place = Place(h.start, w.start, h.reach, w.reach)
        return Block(image, f.i64(outputs), place, h.count, w.count)


class AnySizeGradientWriter(GradientTiles):
    """Writes the functions of the sum over ranges of blocks."""

    counts = ("rows", "columns", "distance")
    schedule: AnySizeGradientSchedule
    gradient: AnySizeFilterGradient

    def write_sums(self) -> None:
        """Each task sums a range of blocks into its own partial filter."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            group, part = f.i64(f.task % g.groups), f.i64(f.task // g.groups)
            blocks = Blocks(f, g, win)
            mine = f.at(scratch, f.task * s.length, s.types.total)
            own = f.tid * s.window_elements + s.ranges * g.groups * s.length
            buffer = f.at(scratch, own, s.types.total)
            low, high = blocks.range(f, part, s.ranges)

            def block(i: Val) -> None:
                here = blocks.at(f, i)
                image = f.i64(here.image + times(f, group, g.x.group))
                win.fill(f, f.at(x, image, g.x.element), here.place, buffer)
                outputs = f.at(dy, f.i64(here.outputs + times(f, group, g.y.group)), g.y.element)

                def panel(p: Any, nv: int, masked: bool) -> None:
                    columns = f.at(outputs, times(f, p, s.nr), g.y.element)
                    sums = f.at(mine, times(f, p, s.nr), s.types.total)
                    work = _Panel(
                        window=buffer,
                        dy=columns,
                        sums=sums,
                        nv=nv,
                        masked=masked,
                        add=i > low,
                        rows=here.rows,
                        columns=here.columns,
                        distance=blocks.distance,
                    )
                    self.write_tiles(f, work)

                self.sweep_panels(f, panel)

            # A range without blocks is added up with the others.
            f.when(low.eq(high), lambda: f.memset(mine, 0, s.length * s.size))
            f.loop(low, high, 1, block)

    @property
    def reads_outputs(self) -> bool:
        return True

    @property
    def right_type(self) -> str:
        return self.gradient.y.element

    def loops_of_tile(self, f: Fn) -> list[tuple]:
        g, win = self.gradient, self.schedule.window
        return [
            (f.rows, g.h.stride * win.pitch, f.distance),
            (f.columns, g.w.stride * win.column, g.y.column),
        ]

    def call(
        self, f: Fn, panel: Any, name: str, a: Any, y: Any, tap: Any = None, row: Any = 0
    ) -> None:
        total = self.schedule.types.total
        image, sums = f.at(panel.window, a, total), f.at(panel.sums, y, total)
        f.call(
            name, image, panel.dy, sums, panel.add, panel.rows, panel.columns, panel.distance
        )  # fmt: skip
