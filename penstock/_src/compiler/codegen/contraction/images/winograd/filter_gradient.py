"""Gradients of 3 x 3 filters by Winograd's algorithm.

Blocks of rows of tiles are cut into fixed ranges, as in the plain kernel. A task goes through a range: tiles of the
image and of the outputs' gradient are transformed, and 36 products, whose depth is the tiles, are added up; at the end
the sums become 3 x 3 taps. A second fork-join adds the ranges up in order. A range whose taps are not all finite is summed
plainly (`direct`).
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.images.convolution import FilterGradient
from penstock._src.compiler.codegen.contraction.images.filter_gradient import (
    MOST_RANGES,
    FilterGradientKernel,
)
from penstock._src.compiler.codegen.contraction.tile import accumulate, cost, fits, times, zeros
from penstock._src.compiler.codegen.kernel_code import (
    LEFT,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    round_up,
    threads_of_sums,
)
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR

from . import direct, tiles
from .tiles import POINTS, Side, TileReader, tiles_along, vector_of
from .transforms import INPUTS, OUTPUTS, TAPS, both_axes, of_gradients, of_inputs, of_sums

MOST_TILES = 64  # of a block
SUM_BYTES = 3 << 20  # of the sums of a range


def suits(gradient: FilterGradient, target: Target) -> bool:
    """Whether a filter gradient goes faster by this algorithm (measured on 2 cores Zen5, Nov 2026)."""
    g = gradient
    if not g.fast or g.groups != 1 or POINTS * g.channels * g.outputs * 4 > SUM_BYTES:
        return False
    if g.x.channel != 1 or g.x.column != g.channels or g.y.column != g.outputs:
        return False
    return tiles.suits((g.h, g.w), g.batch, g.channels, g.outputs, g.types, target)


def emit_winograd(
    gradient: FilterGradient, target: Target, threads: int, epilogue: Epilogue
) -> KernelCode:
    """Writes the kernel of a filter gradient that `suits`."""
    return _WinogradGradientKernel(gradient, target, threads, epilogue).emit()


class _WinogradGradientKernel(FilterGradientKernel):
    name = "winograd filter gradient"

    def choose(self) -> None:
        g, lanes = self.g, self.lanes
        self.own, self.straight = True, False
        self.rows = TAPS * TAPS * g.channels  # of the result
        self.length = round_up(self.rows * g.outputs, 64 // self.size)
        self.vector = vector_of(self.types, self.target)
        self.mr, self.nv = self._register_tile()
        self.nr = self.nv * lanes
        self.down, self.across = tiles_along(g.h.out), tiles_along(g.w.out)
        all_rows = tiles.typical(g.batch) * self.down
        most = min(
            MOST_TILES,
            processor_of(self.target).winograd_tiles
            // (POINTS * (g.channels + g.outputs) * self.size),
        )
        parts = 4 * threads_of_sums()
        self.block_rows = max(1, min(most // self.across, all_rows // parts))
        blocks = -(-all_rows // self.block_rows)
        self.ranges = max(1, min(parts, blocks, MOST_RANGES))
        grid, capacity = (self.down, self.across), self.block_rows * self.across
        sides = Side(g.h.size, g.h.low), Side(g.w.size, g.w.low)
        outputs = Side(g.h.out, 0), Side(g.w.out, 0)
        self.inputs = TileReader(
            self.module, "inputs", g.x, sides, grid, INPUTS, of_inputs, g.channels, self.vector, capacity
        )  # fmt: skip
        self.gradients = TileReader(
            self.module, "gradients", g.y, outputs, grid, OUTPUTS, of_gradients, g.outputs, self.vector, capacity
        )  # fmt: skip
        # as in TileReader: points stay out of each other's sets of the caches
        self.sum_pitch = g.channels * g.outputs + lanes
        self.blank = max(self.inputs.blank, self.gradients.blank)
        pitches = self.inputs.pitch + self.gradients.pitch + self.sum_pitch
        self.window_elements = round_up(self.blank + POINTS * pitches, 64 // self.size)

    def _register_tile(self) -> tuple[int, int]:
        """(channels, vectors of outputs): those that divide both and keep the multipliers busiest."""
        g, vectors = self.g, self.g.outputs // self.lanes
        found = [
            (cost(mr, nv, self.target) / (mr * nv), -mr * nv, mr, nv)
            for mr in range(1, 17)
            for nv in range(1, 5)
            if g.channels % mr == 0 and vectors % nv == 0 and fits(mr, nv, self.target)
        ]
        return min(found)[2:]

    def facts(self) -> dict[str, Any]:
        return {"rows of tiles": self.block_rows, "ranges": self.ranges}

    def emit_ranges(self) -> None:
        """A task sums a range of blocks, into rows of the filter of its own."""
        g, element = self.g, self.types.total
        self.emit_product()
        self.emit_taps()
        direct.emit_filter_sums(self.module, g, self.vector)
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            mine = f.at(scratch, f.task * self.length, element)
            own = f.tid * self.window_elements + self.ranges * self.length
            blank = f.at(scratch, own, element)
            inputs = f.at(blank, self.blank, element)
            gradients = f.at(inputs, POINTS * self.inputs.pitch, element)
            sums = f.at(gradients, POINTS * self.gradients.pitch, element)
            f.memset(blank, 0, self.blank * self.size)
            all_rows = f.i64(times(f, value(f, g.batch), self.down))
            blocks = (all_rows + (self.block_rows - 1)) // self.block_rows
            low, high = f.task * blocks // self.ranges, (f.task + 1) * blocks // self.ranges

            def block(i):
                first = i * self.block_rows
                count = f.min(all_rows - first, self.block_rows)
                self.inputs.read(f, x, first, count, inputs, blank)
                self.gradients.read(f, dy, first, count, gradients, blank)
                self.multiply(f, count * self.across, inputs, gradients, sums, i > low)

            f.loop(low, high, 1, block)
            empty = lambda: f.memset(mine, 0, self.length * self.size)

            def taps():
                def again():
                    empty()
                    last = f.min(high * self.block_rows, all_rows)
                    f.call("direct", x, dy, mine, low * self.block_rows, last)

                f.when(f.call("taps", sums, mine, ret=I1), again)

            f.when(low < high, taps, empty)

    def emit_product(self) -> None:
        """`mr` channels by `nr` outputs at one point: adds up the products of some tiles."""
        g = self.g
        arguments = dict(a=PTR, b=PTR, sums=PTR, tiles=I64, add=I1)
        with self.module.fn("product", internal=True, noalias=False, **arguments) as f:
            acc = zeros(f, self.mr * self.nv, self.vector)
            loops = [(f.tiles, g.channels, g.outputs)]
            acc = accumulate(f, self.types, range(self.mr), self.nv, loops, f.a, f.b, acc)
            places = [
                i * g.outputs + j * self.lanes for i in range(self.mr) for j in range(self.nv)
            ]
            more = lambda: [
                v + f.load(f.sums, p, self.vector) for v, p in zip(acc, places, strict=True)
            ]
            for v, p in zip(f.when(f.add, more, lambda: acc), places, strict=True):
                f.store(v, f.sums, p)

    def multiply(self, f: Fn, count: Val, inputs: Val, gradients: Val, sums: Val, add: Val) -> None:
        """All points of a block of `count` tiles."""
        g, element = self.g, self.types.total

        def point(k):
            a = f.at(inputs, times(f, k, self.inputs.pitch), element)
            b = f.at(gradients, times(f, k, self.gradients.pitch), element)
            out = f.at(sums, times(f, k, self.sum_pitch), element)

            def some(i, j):
                to = f.at(out, times(f, i, g.outputs) + j, element)
                f.call("product", f.at(a, i, element), f.at(b, j, element), to, count, add)

            f.loop(f.i64(0), g.outputs, self.nr, lambda j: f.loop(
                f.i64(0), g.channels, self.mr, lambda i: some(i, j)))  # fmt: skip

        f.loop(f.i64(0), POINTS, 1, point)

    def emit_taps(self) -> None:
        """Sums at 36 points -> rows (tap, channel) of the filter; returns whether one is not finite."""
        size = self.g.channels * self.g.outputs
        with self.module.fn("taps", ret=I1, internal=True, noalias=False, sums=PTR, out=PTR) as f:

            def vector(i, bad):
                read = lambda j, k: f.load(
                    f.sums, i + (j * INPUTS + k) * self.sum_pitch, self.vector
                )
                points = [[read(j, k) for k in range(INPUTS)] for j in range(INPUTS)]
                found = [v for row in both_axes(f, points, of_sums) for v in row]
                for tap, v in enumerate(found):
                    f.store(v, f.out, i + tap * size)
                return (bad | direct.is_any_not_finite(f, found),)

            f.give(*f.loop(0, size, self.lanes, vector, f.const(False, I1)))
