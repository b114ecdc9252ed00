"""Convolutions of 3 x 3 taps, and input gradients of such, by Winograd's algorithm.

    weights    transformed by all threads beforehand: [panel of outputs][36][channel][nr], and kept as they are
    a task     some rows of tiles of 4 x 4 outputs, of one image or several: the inputs of its tiles are transformed
               to [36][tile][channel]; then for each panel 36 small products give [36][tile][nr], transformed back

What a task works on stays in its L2. A tile with an infinity or NaN among its outputs is summed plainly (`direct`).
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import number, value
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.images.weights import pack_tap
from penstock._src.compiler.codegen.contraction.tile import (
    MOST_VECTORS,
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
    OUTPUT,
    PARTIALS,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    KernelStage,
    RegisterTile,
    Sizes,
    round_up,
    threads_of_cut,
)  # fmt: skip
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Code, Module, NamedCode, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, SIZE

from . import direct, tiles
from .tiles import POINTS, Side, TileReader, store_points, tiles_along, vector_of
from .transforms import INPUTS, OUTPUTS, TAPS, both_axes, of_inputs, of_products, of_weights

MOST_TILES = 32  # of a task: then weights are read often enough
MOST_WEIGHTS = 1 << 16  # channels times outputs: transformed they stay in the L3


def suits(conv: Convolution, target: Target) -> bool:
    """Whether a convolution goes faster by this algorithm (measured on 2 cores Zen5, Nov 2026)."""
    c = conv
    if not c.fast or c.groups != 1 or c.channels * c.outputs > MOST_WEIGHTS:
        return False
    if c.x.channel != 1 or c.x.column != c.channels:
        return False
    return tiles.suits((c.h, c.w), c.batch, c.channels, c.outputs, c.types, target)


def emit_winograd(
    conv: Convolution, target: Target, threads: int, epilogue: Epilogue
) -> KernelCode:
    """Writes the kernel of a convolution that `suits`."""
    return _WinogradKernel(conv, target, threads, epilogue).emit()


class _WinogradKernel:
    def __init__(self, conv: Convolution, target: Target, threads: int, epilogue: Epilogue):
        self.c, self.target, self.threads, self.epilogue = conv, target, threads, epilogue
        self.module = Module(target)
        self.types, self.lanes = conv.types, target.lanes(conv.types.total)
        self.element, self.size = self.types.total, SIZE[self.types.total]
        self.vector = vector_of(conv.types, target)
        self.operands = FIRST_SIZE + conv.sizes
        self.choose()

    def choose(self) -> None:
        c, lanes = self.c, self.lanes
        self.down, self.across = tiles_along(c.h.out), tiles_along(c.w.out)
        self.vectors = c.outputs // lanes
        self.rows, self.mr, self.nv = self._tiles(tiles.typical(c.batch) * self.down)
        self.nr = self.nv * lanes
        self.panels = -(-self.vectors // self.nv)
        self.tiles = round_up(self.rows * self.across, self.mr)
        sides = Side(c.h.size, c.h.low), Side(c.w.size, c.w.low)
        self.reader = TileReader(
            self.module, "inputs", c.x, sides, (self.down, self.across), INPUTS, of_inputs, c.channels,
            self.vector, self.tiles,
        )  # fmt: skip
        # as in TileReader: points stay out of each other's sets of the caches
        self.product_pitch = self.tiles * self.nr + lanes
        self.weight_pitch = c.channels * self.nr + lanes
        mine = self.reader.blank + POINTS * (self.reader.pitch + self.product_pitch)
        self.own = round_up(mine, 64 // self.size)
        # behind the transformed weights the plain ones: [panel][tap][channel][nr]
        self.plain_at = self.panels * POINTS * self.weight_pitch
        self.tap_size = c.channels * self.nr
        plain = self.panels * TAPS * TAPS * self.tap_size
        self.all_weights = round_up(self.plain_at + plain, 64 // self.size)
        self.own_at = 0 if c.is_prepacked else self.all_weights

    def _tiles(self, all_rows: int) -> tuple[int, int, int]:
        """(rows of tiles of a task, tiles and vectors of a register tile): the fewest cycles a tile."""
        processor = processor_of(self.target)
        most = max(1, processor.winograd_inputs // (POINTS * self.c.channels * self.size))
        most = max(self.across, min(most, MOST_TILES))
        enough = max(1, all_rows // (4 * threads_of_cut(self.threads, self.epilogue)))
        best: tuple = (float("inf"),)
        for rows in range(1, min(max(1, most // self.across), enough) + 1):
            tiles = rows * self.across
            for nv in range(1, min(self.vectors, MOST_VECTORS) + 1):
                for mr in range(1, min(tiles, 16) + 1):
                    if self.vectors % nv or not fits(mr, nv, self.target):
                        continue
                    cycles = -(-tiles // mr) * cost(mr, nv, self.target) / nv + processor.stream
                    best = min(best, (cycles / tiles, rows, mr, nv))
        return best[1:]

    def block_count(self, sizes: Sizes) -> int:
        return -(-number(self.c.batch, sizes) * self.down // self.rows)

    def write(self) -> Code:
        """Writes the text."""
        self.emit_weights()
        self.emit_product()
        direct.emit_sums(self.module, self.c, self.vector, self.nr, self.product_pitch)
        self.emit_task()
        return Code.of(self.module)

    def emit(self) -> KernelCode:
        weight_tasks = self.panels * (self.c.channels // self.lanes)
        return KernelCode(
            code=NamedCode(self.target, self.write),
            sizes=self.c.sizes,
            stages=lambda _sizes: [
                KernelStage("weights", lambda _: weight_tasks, prepacks=self.c.is_prepacked),
                KernelStage("tiles", self.block_count),
            ],
            scratch=lambda _sizes: (self.own_at + self.threads * self.own) * self.size,
            threads=self.threads,
            partials=lambda sizes: (self.block_count(sizes), self.epilogue.partial_bytes),
            in_place=True,
            label=f"winograd {self.mr}x{self.nr}",
            prepacked_bytes=self.all_weights * self.size if self.c.is_prepacked else 0,
            facts={"rows of tiles": self.rows, "tiles": self.tiles},
        )

    # -- weights
    def emit_weights(self) -> None:
        """A task transforms a vector's length of channels of a panel."""
        c, lanes, nr, w = self.c, self.lanes, self.nr, self.c.filter
        with self.module.task("weights") as f:
            source = f.load(f.ctx, RIGHT, PTR)
            weights = f.load(f.ctx, OUTPUT if c.is_prepacked else SCRATCH, PTR)
            parts = c.channels // lanes
            panel, first = f.task // parts, f.i64(times(f, f.task % parts, lanes))
            plain = f.at(weights, self.plain_of(f, panel) + first * nr, self.element)
            column = f.i64(times(f, panel, nr))
            start = times(f, column, w.output) + times(f, first, w.channel) + w.base

            def tap(i, j):
                at = start + times(f, i, w.row) + times(f, j, w.column)
                to = f.at(plain, (times(f, i, TAPS) + j) * self.tap_size, self.element)
                pack_tap(f, w, source, at, nr, c.outputs - column, lanes, to, self.types, lanes)

            f.loop(f.i64(0), TAPS, 1, lambda i: f.loop(f.i64(0), TAPS, 1, lambda j: tap(i, j)))
            out = panel * (POINTS * self.weight_pitch) + first * nr
            out = f.at(weights, out, self.element)

            def vector(k):
                at = times(f, k, lanes)
                read = lambda i, j: f.load(plain, (i * TAPS + j) * self.tap_size + at, self.vector)
                taps = [[read(i, j) for j in range(TAPS)] for i in range(TAPS)]
                points = both_axes(f, taps, of_weights)
                store_points(f, points, self.vector, out, self.weight_pitch, at)

            f.loop(f.i64(0), lanes * self.nv, 1, vector)

    def plain_of(self, f: Fn, panel: Val | int) -> Any:
        """Where a panel's plain weights begin."""
        return times(f, panel, TAPS * TAPS * self.tap_size) + self.plain_at

    # -- products
    def emit_product(self) -> None:
        """`mr` tiles by a panel, at one point."""
        with self.module.fn("product", internal=True, noalias=False, a=PTR, b=PTR, out=PTR) as f:
            rows = [i * self.c.channels for i in range(self.mr)]
            acc = zeros(f, self.mr * self.nv, self.vector)
            loops = [(self.c.channels, 1, self.nr)]
            acc = accumulate(f, self.types, rows, self.nv, loops, f.a, f.b, acc)
            for k, v in enumerate(acc):
                f.store(v, f.out, k * self.lanes)

    def multiply(self, f: Fn, tiles: Val, inputs: Val, weights: Val, products: Val) -> None:
        """All points of a task's tiles by one panel."""

        def point(k):
            a = f.at(inputs, times(f, k, self.reader.pitch), self.element)
            b = f.at(weights, times(f, k, self.weight_pitch), self.element)
            out = f.at(products, times(f, k, self.product_pitch), self.element)

            def some(i):
                here = f.at(a, times(f, i, self.c.channels), self.element)
                f.call("product", here, b, f.at(out, times(f, i, self.nr), self.element))

            f.loop(f.i64(0), tiles, self.mr, some)

        f.loop(f.i64(0), POINTS, 1, point)

    # -- outputs
    def output_tile(self, rows: int, columns: int) -> str:
        """The function that transforms the products of a tile with so many rows and columns, and stores them."""
        name = f"outputs_{rows}x{columns}"
        if name in self.written:
            return name
        self.written.add(name)
        c, lanes = self.c, self.lanes
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
                    c.outputs, self.operands,
                )  # fmt: skip
                self.epilogue.prefetch(f, tile)
                read = lambda i, j: f.load(
                    f.products, at + (i * INPUTS + j) * self.product_pitch, self.vector
                )
                points = [[read(i, j) for j in range(INPUTS)] for i in range(INPUTS)]
                y = [v for row in both_axes(f, points, of_products, rows, columns) for v in row]
                y = self.finite_or_direct(f, y, rows, columns, at)
                values = self.epilogue.apply(f, tile, y)
                if self.epilogue.partial_bytes:
                    self.epilogue.accumulate(f, tile, values, f.partial)
                y_at = f.at(f.load(f.ctx, OUTPUT, PTR), out, self.types.output)
                for i, v in enumerate(values):
                    store_as(f, v, y_at, place(i), self.types.output)

            f.loop(f.i64(0), self.nv, 1, vector)
        return name

    def finite_or_direct(
        self, f: Fn, y: Sequence[Val], rows: int, columns: int, at
    ) -> Sequence[Val]:
        """The outputs, or their plain sums where one is not finite."""

        def again() -> list[Val]:
            sums = f.at(f.products, at, self.element)
            weights = f.at(f.weights, at, self.element)
            f.call("direct", f.x, weights, sums, f.top, f.left, f.i64(rows), f.i64(columns))
            return [f.load(sums, i * self.product_pitch, self.vector) for i in range(len(y))]

        return f.when(direct.is_any_not_finite(f, y), again, lambda: y)

    def transform_products(
        self, f: Fn, x: Val, first: Val, count: Val, panel, weights: Val, products: Val, partial: Val
    ) -> None:  # fmt: skip
        """Stores the outputs of a panel."""
        c = self.c
        plain = f.at(weights, self.plain_of(f, panel), self.element)
        column = f.i64(times(f, panel, self.nr))
        low, left = c.h.out - OUTPUTS * (self.down - 1), c.w.out - OUTPUTS * (self.across - 1)

        def row(r):
            image, ti = (first + r) // self.down, (first + r) % self.down
            start = times(f, image, c.y.image) + times(f, ti, OUTPUTS * c.y.row)
            start = f.i64(start + c.y.base) + column
            pixels = f.at_any(x, f.i64(times(f, image, c.x.image) + c.x.base), self.element)
            top = f.i64(times(f, ti, OUTPUTS) - c.h.low)

            def tile(j, rows: int, columns: int):
                at = f.at(products, times(f, times(f, r, self.across) + j, self.nr), self.element)
                out = start + times(f, j, OUTPUTS * c.y.column)
                left = f.i64(times(f, j, OUTPUTS) - c.w.low)
                name = self.output_tile(rows, columns)
                f.call(name, at, f.ctx, partial, out, column, pixels, top, left, plain)

            def tiles(rows: int):
                whole = self.across if left == OUTPUTS else self.across - 1
                f.loop(f.i64(0), whole, 1, lambda j: tile(j, rows, OUTPUTS))
                if left < OUTPUTS:
                    tile(f.i64(self.across - 1), rows, left)

            if low == OUTPUTS:
                tiles(OUTPUTS)
            else:
                f.when(ti < self.down - 1, lambda: tiles(OUTPUTS), lambda: tiles(low))

        f.loop(f.i64(0), count, 1, row)

    # -- the stage
    def emit_task(self) -> None:
        self.written: set[str] = set()
        element = self.element
        with self.module.task("tiles") as f:
            x, partial, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, PARTIALS, SCRATCH))
            if self.epilogue.partial_bytes:
                partial = f.at(partial, f.task * self.epilogue.partial_bytes)
                self.epilogue.clear(f, partial)
            first = f.i64(times(f, f.task, self.rows))
            all_rows = f.i64(times(f, value(f, self.c.batch), self.down))
            count = f.min(all_rows - first, self.rows)
            all_weights = f.load(f.ctx, RIGHT, PTR) if self.c.is_prepacked else scratch
            blank = f.at(scratch, f.tid * self.own + self.own_at, element)
            inputs = f.at(blank, self.reader.blank, element)
            products = f.at(inputs, POINTS * self.reader.pitch, element)
            f.memset(blank, 0, self.reader.blank * self.size)
            self.reader.read(f, x, first, count, inputs, blank)

            def panel(p):
                weights = f.at(all_weights, times(f, p, POINTS * self.weight_pitch), element)
                self.multiply(f, count * self.across, inputs, weights, products)
                self.transform_products(f, x, first, count, p, all_weights, products, partial)

            f.loop(f.i64(0), self.panels, 1, panel)
