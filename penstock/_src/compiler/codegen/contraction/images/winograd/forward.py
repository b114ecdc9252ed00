"""Convolutions of 3 x 3 taps, and input gradients of such, by Winograd's algorithm.

    weights    transformed by all threads first: [panel of outputs][36][channel][nr]; cached if they are prepacked
    a task     some rows of tiles of 4 x 4 outputs, of one image or several: the inputs of its tiles are transformed
               to [36][tile][channel]; then for each panel 36 small products compute [36][tile][nr], which are transformed back

The memory of a task stays in its L2. The transforms subtract large numbers, so that an infinity would become NaN: tiles with an infinity or NaN
among their outputs are computed again by the plain sum (`direct`).
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import number, value
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.images.weights import pack_tap
from penstock._src.compiler.codegen.contraction.tile import (
    MOST_VECTORS,
    TileNumbers,
    Types,
    accumulate,
    cost,
    fits,
    store_as,
    times,
    zeros,
)
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    LINE,
    OUTPUT,
    PARTIALS,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
    final_values,
    round_up,
    threads_of_cut,
)  # fmt: skip
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, SIZE
from penstock._src.util.dataclass import dataclass

from . import direct, tiles
from .tiles import POINTS, Side, TileGrid, TileReader, store_points, tiles_along, vector_of
from .transforms import INPUTS, OUTPUTS, TAPS, both_axes, of_inputs, of_products, of_weights

MOST_TILES = 32  # per task: enough uses of each loaded weight
MOST_WEIGHTS = 1 << 16  # channels times outputs up to which transformed weights stay in the L3


def suits(conv: Convolution, target: Target) -> bool:
    """True if a convolution is faster by this algorithm (measured on 2 cores Zen5, Nov 2026)."""
    c = conv
    if not c.fast or c.groups != 1 or c.channels * c.outputs > MOST_WEIGHTS:
        return False
    if c.x.channel != 1 or c.x.column != c.channels:
        return False
    return tiles.suits((c.h, c.w), c.batch, c.channels, c.outputs, c.types, target, c.is_prepacked)


@dataclass(frozen=True)
class WinogradSchedule(TileNumbers):
    """The cut of a convolution's work.

    mr, nv   tiles and vectors of outputs of the register tile
    rows     rows of tiles of a task
    inputs   the tiles of a task, transformed
    """

    conv: Convolution
    target: Target
    threads: int
    mr: int
    nv: int
    rows: int
    inputs: TileGrid

    @property
    def types(self) -> Types:
        return self.conv.types

    @property
    def element(self) -> str:
        return self.types.total

    @property
    def vector(self) -> str:
        return vector_of(self.types, self.target)

    @property
    def panels(self) -> int:
        return -(-self.conv.outputs // self.nr)

    # -- elements of memory. As in TileGrid: points stay out of each other's sets of the caches
    @property
    def product_pitch(self) -> int:
        """From a point of the products to the next."""
        return self.inputs.capacity * self.nr + self.lanes

    @property
    def weight_pitch(self) -> int:
        """From a point of a panel of weights to the next."""
        return self.conv.channels * self.nr + self.lanes

    @property
    def own(self) -> int:
        """Elements of a thread's memory."""
        mine = self.inputs.blank + POINTS * (self.inputs.pitch + self.product_pitch)
        # No two threads write to one cache line.
        return round_up(mine, LINE // self.size)

    @property
    def plain_at(self) -> int:
        """The words before the plain weights, which follow the transformed ones: [panel][tap][channel][nr]."""
        return self.panels * POINTS * self.weight_pitch

    @property
    def tap_size(self) -> int:
        """Elements of a tap of a panel of plain weights."""
        return self.conv.channels * self.nr

    @property
    def all_weights(self) -> int:
        plain = self.panels * TAPS * TAPS * self.tap_size
        return round_up(self.plain_at + plain, LINE // self.size)

    @property
    def own_at(self) -> int:
        """The offset of the threads' own memory."""
        return 0 if self.conv.is_prepacked else self.all_weights

    # -- on the host
    def blocks(self, sizes: Sizes) -> int:
        return -(-number(self.conv.batch, sizes) * self.inputs.down // self.rows)

    def stages(self, _sizes: Sizes) -> list[KernelStage]:
        weight_tasks = self.panels * (self.conv.channels // self.lanes)
        return [
            KernelStage("weights", lambda _: weight_tasks, prepacks=self.conv.is_prepacked),
            KernelStage("tiles", self.blocks),
        ]

    def scratch(self, _sizes: Sizes) -> int:
        """Bytes."""
        return (self.own_at + self.threads * self.own) * self.size


def choose(conv: Convolution, target: Target, threads: int, cut_for: int) -> WinogradSchedule:
    """The schedule of a convolution that `suits`, its tasks cut for as many threads as `cut_for`."""
    c, lanes = conv, conv.types.lanes(target)
    down, across = tiles_along(c.h.out), tiles_along(c.w.out)
    # About four tasks for each thread, so that all end at about the same time.
    enough = max(1, tiles.typical(c.batch) * down // (4 * cut_for))
    rows, mr, nv = _register_tile(c, target, across, enough)
    sides = Side(c.h.size, c.h.low), Side(c.w.size, c.w.low)
    # The last register tile computes all its rows: there is room for them.
    capacity = round_up(rows * across, mr)
    inputs = TileGrid(c.x, sides, down, across, INPUTS, c.channels, lanes, capacity)
    return WinogradSchedule(c, target, threads, mr, nv, rows, inputs)


def _register_tile(
    conv: Convolution, target: Target, across: int, enough: int
) -> tuple[int, int, int]:
    """(rows of tiles of a task, tiles and vectors of a register tile): the fewest cycles a tile.

    `enough` rows make as few tasks as all threads need.
    """
    processor, types = processor_of(target), conv.types
    vectors = conv.outputs // types.lanes(target)
    most = max(1, processor.winograd_inputs // (POINTS * conv.channels * SIZE[types.total]))
    # A task has at least one row of tiles.
    most = max(across, min(most, MOST_TILES))
    best: tuple = (float("inf"),)
    for rows in range(1, min(max(1, most // across), enough) + 1):
        count = rows * across
        for nv in range(1, min(vectors, MOST_VECTORS) + 1):
            for mr in range(1, min(count, 16) + 1):
                if vectors % nv or not fits(mr, nv, target):
                    continue
                # A vector of weights comes from the L2 once for all tiles of the task.
                cycles = -(-count // mr) * cost(mr, nv, target) / nv + processor.stream
                best = min(best, (cycles / count, rows, mr, nv))
    return best[1:]


def emit_winograd(
    conv: Convolution, target: Target, threads: int, epilogue: Epilogue
) -> KernelCode:
    """The kernel of a convolution that `suits`."""
    schedule = choose(conv, target, threads, threads_of_cut(threads, epilogue, target))
    return KernelCode(
        code=NamedCode(target, lambda: _WinogradWriter(schedule, epilogue).write()),
        sizes=conv.sizes,
        stages=schedule.stages,
        scratch=schedule.scratch,
        threads=threads,
        partials=lambda sizes: (schedule.blocks(sizes), epilogue.partial_bytes),
        in_place=True,
        label=f"winograd {schedule.mr}x{schedule.nr}",
        prepacked_bytes=schedule.all_weights * schedule.size if conv.is_prepacked else 0,
        facts={"rows of tiles": schedule.rows, "tiles": schedule.inputs.capacity},
    )


class _WinogradWriter:
    """Writes the functions of a convolution."""

    def __init__(self, schedule: WinogradSchedule, epilogue: Epilogue) -> None:
        self.schedule, self.epilogue = schedule, epilogue
        self.conv = schedule.conv
        self.module = Module(schedule.target)
        self.reader = TileReader(
            self.module, "inputs", schedule.inputs, schedule.element, of_inputs
        )
        self.written: set[str] = set()  # functions that transform products

    def write(self) -> Code:
        """Writes the text."""
        s = self.schedule
        self.write_weights()
        self.write_product()
        direct.emit_sums(self.module, self.conv, s.vector, s.nr, s.product_pitch)
        self.write_task()
        return Code.of(self.module)

    # -- weights
    def write_weights(self) -> None:
        """A task transforms a vector's length of channels of a panel."""
        s, c, w = self.schedule, self.conv, self.conv.filter
        lanes, nr = s.lanes, s.nr
        with self.module.task("weights") as f:
            source = f.load(f.ctx, RIGHT, PTR)
            weights = f.load(f.ctx, OUTPUT if c.is_prepacked else SCRATCH, PTR)
            # Tasks of some channels: few panels alone would leave threads without work.
            parts = c.channels // lanes
            panel, first = f.task // parts, f.i64(times(f, f.task % parts, lanes))
            # The plain weights stay beside the transformed ones: `direct` reads them.
            plain = f.at(weights, self.plain_of(f, panel) + first * nr, s.element)
            column = f.i64(times(f, panel, nr))
            start = times(f, column, w.output) + times(f, first, w.channel) + w.base

            def tap(i, j):
                at = start + times(f, i, w.row) + times(f, j, w.column)
                to = f.at(plain, (times(f, i, TAPS) + j) * s.tap_size, s.element)
                # By channels of this task only: [tap][channel][nr], `first` channels further on.
                pack_tap(f, w, source, at, nr, c.outputs - column, lanes, to, s.types, lanes)

            f.loop(f.i64(0), TAPS, 1, lambda i: f.loop(f.i64(0), TAPS, 1, lambda j: tap(i, j)))
            out = panel * (POINTS * s.weight_pitch) + first * nr
            out = f.at(weights, out, s.element)

            def vector(k):
                at = times(f, k, lanes)
                read = lambda i, j: f.load(plain, (i * TAPS + j) * s.tap_size + at, s.vector)
                taps = [[read(i, j) for j in range(TAPS)] for i in range(TAPS)]
                points = both_axes(f, taps, of_weights)
                store_points(f, points, s.vector, out, s.weight_pitch, at)

            f.loop(f.i64(0), lanes * s.nv, 1, vector)

    def plain_of(self, f: Fn, panel: Val | int) -> Any:
        """The offset of a panel's plain weights."""
        s = self.schedule
        return times(f, panel, TAPS * TAPS * s.tap_size) + s.plain_at

    # -- products
    def write_product(self) -> None:
        """`mr` tiles by a panel, at one point."""
        s = self.schedule
        with self.module.fn("product", internal=True, noalias=False, a=PTR, b=PTR, out=PTR) as f:
            rows = [i * self.conv.channels for i in range(s.mr)]
            acc = zeros(f, s.mr * s.nv, s.vector)
            loops = [(self.conv.channels, 1, s.nr)]
            acc = accumulate(f, s.types, rows, s.nv, loops, f.a, f.b, acc)
            for k, v in enumerate(acc):
                f.store(v, f.out, k * s.lanes)

    def multiply(self, f: Fn, tiles: Val, inputs: Val, weights: Val, products: Val) -> None:
        """All points of a task's tiles by one panel."""
        s = self.schedule

        def point(k):
            a = f.at(inputs, times(f, k, s.inputs.pitch), s.element)
            b = f.at(weights, times(f, k, s.weight_pitch), s.element)
            out = f.at(products, times(f, k, s.product_pitch), s.element)

            def some(i):
                here = f.at(a, times(f, i, self.conv.channels), s.element)
                f.call("product", here, b, f.at(out, times(f, i, s.nr), s.element))

            f.loop(f.i64(0), tiles, s.mr, some)

        f.loop(f.i64(0), POINTS, 1, point)

    # -- outputs
    def output_tile(self, rows: int, columns: int) -> str:
        """The function that transforms the products of a tile with this number of rows and columns, and stores them."""
        name = f"outputs_{rows}x{columns}"
        if name in self.written:
            return name
        self.written.add(name)
        s, c, lanes = self.schedule, self.conv, self.schedule.lanes
        arguments = dict(products=PTR, ctx=PTR, partial=PTR, first=I64, channel=I64)
        arguments |= dict(x=PTR, top=I64, left=I64, weights=PTR)
        with self.module.fn(name, internal=True, noalias=False, **arguments) as f:
            place = lambda i: i // columns * c.y.row + i % columns * c.y.column
            cells = [(i, 0) for i in range(rows * columns)]

            def vector(k):
                at = times(f, k, lanes)
                out, channel = f.first + at, f.channel + at
                tile = RegisterTile(
                    f, cells, lambda i, _: out + place(i), lambda _: channel, lambda _: None,
                    c.outputs, FIRST_SIZE + c.sizes,
                )  # fmt: skip
                self.epilogue.prefetch(f, tile)
                read = lambda i, j: f.load(
                    f.products, at + (i * INPUTS + j) * s.product_pitch, s.vector
                )
                points = [[read(i, j) for j in range(INPUTS)] for i in range(INPUTS)]
                y = [v for row in both_axes(f, points, of_products, rows, columns) for v in row]
                y = self.finite_or_direct(f, y, rows, columns, at)
                values = final_values(f, self.epilogue, tile, list(y), f.partial)
                y_at = f.at(f.load(f.ctx, OUTPUT, PTR), out, s.types.output)
                for i, v in enumerate(values):
                    store_as(f, v, y_at, place(i), s.types.output)

            f.loop(f.i64(0), s.nv, 1, vector)
        return name

    def finite_or_direct(
        self, f: Fn, y: Sequence[Val], rows: int, columns: int, at
    ) -> Sequence[Val]:
        """The outputs, or their plain sums where one is not finite."""
        s = self.schedule

        def again() -> list[Val]:
            # The products of this tile have been read: their memory takes the plain sums.
            sums = f.at(f.products, at, s.element)
            weights = f.at(f.weights, at, s.element)
            f.call("direct", f.x, weights, sums, f.top, f.left, f.i64(rows), f.i64(columns))
            return [f.load(sums, i * s.product_pitch, s.vector) for i in range(len(y))]

        return f.when(direct.is_any_not_finite(f, y), again, lambda: y)

    def transform_products(
        self, f: Fn, x: Val, first: Val, count: Val, panel, weights: Val, products: Val, partial: Val
    ) -> None:  # fmt: skip
        """Stores the outputs of a panel."""
        s, c = self.schedule, self.conv
        plain = f.at(weights, self.plain_of(f, panel), s.element)
        column = f.i64(times(f, panel, s.nr))
        # Outputs of the last row and column of tiles, the only ones that may be incomplete.
        low, left = (
            c.h.out - OUTPUTS * (s.inputs.down - 1),
            c.w.out - OUTPUTS * (s.inputs.across - 1),
        )

        def row(r):
            image, ti = (first + r) // s.inputs.down, (first + r) % s.inputs.down
            start = times(f, image, c.y.image) + times(f, ti, OUTPUTS * c.y.row)
            start = f.i64(start + c.y.base) + column
            pixels = f.at_any(x, f.i64(times(f, image, c.x.image) + c.x.base), c.x.element)
            top = f.i64(times(f, ti, OUTPUTS) - c.h.low)

            def tile(j, rows: int, columns: int):
                at = f.at(products, times(f, times(f, r, s.inputs.across) + j, s.nr), s.element)
                out = start + times(f, j, OUTPUTS * c.y.column)
                left = f.i64(times(f, j, OUTPUTS) - c.w.low)
                name = self.output_tile(rows, columns)
                f.call(name, at, f.ctx, partial, out, column, pixels, top, left, plain)

            def tiles(rows: int):
                whole = s.inputs.across if left == OUTPUTS else s.inputs.across - 1
                f.loop(f.i64(0), whole, 1, lambda j: tile(j, rows, OUTPUTS))
                if left < OUTPUTS:
                    tile(f.i64(s.inputs.across - 1), rows, left)

            if low == OUTPUTS:
                tiles(OUTPUTS)
            else:
                f.when(ti < s.inputs.down - 1, lambda: tiles(OUTPUTS), lambda: tiles(low))

        f.loop(f.i64(0), count, 1, row)

    # -- the stage
    def write_task(self) -> None:
        """A task: some rows of tiles, by all panels."""
        s, element = self.schedule, self.schedule.element
        with self.module.task("tiles") as f:
            x, partial, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, PARTIALS, SCRATCH))
            if self.epilogue.partial_bytes:
                partial = f.at(partial, f.task * self.epilogue.partial_bytes)
                self.epilogue.clear(f, partial)
            first = f.i64(times(f, f.task, s.rows))
            all_rows = f.i64(times(f, value(f, self.conv.batch), s.inputs.down))
            count = f.min(all_rows - first, s.rows)
            all_weights = f.load(f.ctx, RIGHT, PTR) if self.conv.is_prepacked else scratch
            blank = f.at(scratch, f.tid * s.own + s.own_at, element)
            inputs = f.at(blank, s.inputs.blank, element)
            products = f.at(inputs, POINTS * s.inputs.pitch, element)
            # Scratch holds nothing between kernels: each task clears the zeros that it reads.
            f.memset(blank, 0, s.inputs.blank * s.size)
            self.reader.read(f, x, first, count, inputs, blank)

            def panel(p):
                weights = f.at(all_weights, times(f, p, POINTS * s.weight_pitch), element)
                self.multiply(f, count * s.inputs.across, inputs, weights, products)
                self.transform_products(f, x, first, count, p, all_weights, products, partial)

            f.loop(f.i64(0), s.panels, 1, panel)
