"""Gradients of 3 x 3 filters by Winograd's algorithm.

Blocks of rows of tiles are cut into fixed ranges, as in the plain kernel. A task goes through a range: tiles of the
image and of the outputs' gradient are transformed, and 36 products, whose depth is the tiles, are added up; at the end
the sums become 3 x 3 taps. A second fork-join adds the ranges up in order. A range whose taps are not all finite is summed
plainly (`direct`).
"""

from functools import partial
from typing import Any, ClassVar

from penstock._src.compiler.codegen.contraction.extents import value
from penstock._src.compiler.codegen.contraction.images.convolution import FilterGradient
from penstock._src.compiler.codegen.contraction.images.filter_gradients import kernel
from penstock._src.compiler.codegen.contraction.images.filter_gradients.kernel import (
    FilterGradientWriter,
)
from penstock._src.compiler.codegen.contraction.images.filter_gradients.schedule import (
    MOST_RANGES,
    GradientSchedule,
)
from penstock._src.compiler.codegen.contraction.tile import accumulate, cost, fits, times, zeros
from penstock._src.compiler.codegen.kernel_code import (
    LEFT,
    LINE,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelCode,
    round_up,
)
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, SIZE
from penstock._src.util.dataclass import dataclass

from . import direct, tiles
from .tiles import POINTS, Side, TileGrid, TileReader, tiles_along, vector_of
from .transforms import INPUTS, OUTPUTS, TAPS, both_axes, of_gradients, of_inputs, of_sums

MOST_TILES = 64  # most tiles of a block
SUM_BYTES = 3 << 20  # most bytes of the sums of a range


def suits(gradient: FilterGradient, target: Target) -> bool:
    """True if a filter gradient is faster by this algorithm (measured on 2 cores Zen5, Nov 2026)."""
    g = gradient
    if not g.fast or g.groups != 1 or POINTS * g.channels * g.outputs * 4 > SUM_BYTES:
        return False
    # Transforms load whole vectors of pixels that lie side by side.
    if g.x.channel != 1 or g.x.column != g.channels or g.y.column != g.outputs:
        return False
    return tiles.suits((g.h, g.w), g.batch, g.channels, g.outputs, g.types, target)


@dataclass(frozen=True)
class WinogradGradientSchedule(GradientSchedule):
    """The cut of a filter gradient's work; rows and vectors of the register tile are channels and outputs at one point.

    block_rows         rows of tiles of a block
    inputs, gradients  the tiles of a block, transformed
    """

    label: ClassVar = "winograd filter gradient"

    gradient: FilterGradient
    block_rows: int
    inputs: TileGrid
    gradients: TileGrid

    @property
    def vector(self) -> str:
        return vector_of(self.types, self.target)

    @property
    def sum_pitch(self) -> int:
        """Elements from a point of the sums to the next."""
        return _sum_pitch(self.gradient, self.lanes)

    @property
    def blank(self) -> int:
        """Elements of zeros."""
        return max(self.inputs.blank, self.gradients.blank)

    @property
    def facts(self) -> dict[str, Any]:
        return {"rows of tiles": self.block_rows, "ranges": self.ranges}


def choose(
    gradient: FilterGradient, target: Target, threads: int, cut_for: int
) -> WinogradGradientSchedule:
    """The schedule of a filter gradient that `suits`, its tasks cut for as many threads as `cut_for`."""
    g = gradient
    size, lanes = SIZE[g.types.total], g.types.lanes(target)
    mr, nv = _register_tile(g, target)
    down, across = tiles_along(g.h.out), tiles_along(g.w.out)
    all_rows = tiles.typical(g.batch) * down
    # A block's transformed tiles of both images are read by all 36 products: they should stay in a cache.
    room = processor_of(target).winograd_tiles // (POINTS * (g.channels + g.outputs) * size)
    # `cut_for` is the target's, not the number of threads that run: sums have the same bits for any number of them.
    most, parts = min(MOST_TILES, room), 4 * cut_for
    block_rows = max(1, min(most // across, all_rows // parts))
    blocks = -(-all_rows // block_rows)
    sides = Side(g.h.size, g.h.low), Side(g.w.size, g.w.low)
    outputs = Side(g.h.out, 0), Side(g.w.out, 0)
    capacity = block_rows * across
    inputs = TileGrid(g.x, sides, down, across, INPUTS, g.channels, lanes, capacity)
    gradients = TileGrid(g.y, outputs, down, across, OUTPUTS, g.outputs, lanes, capacity)
    # A thread keeps both images' tiles and the sums at all 36 points.
    pitches = inputs.pitch + gradients.pitch + _sum_pitch(g, lanes)
    own = max(inputs.blank, gradients.blank) + POINTS * pitches
    return WinogradGradientSchedule(
        gradient=g,
        target=target,
        threads=threads,
        mr=mr,
        nv=nv,
        rows=TAPS * TAPS * g.channels,
        ranges=max(1, min(parts, blocks, MOST_RANGES)),
        window_elements=round_up(own, LINE // size),
        block_rows=block_rows,
        inputs=inputs,
        gradients=gradients,
    )


def _sum_pitch(gradient: FilterGradient, lanes: int) -> int:
    """As in TileGrid: points stay out of each other's sets of the caches."""
    return gradient.channels * gradient.outputs + lanes


def _register_tile(g: FilterGradient, target: Target) -> tuple[int, int]:
    """(channels, vectors of outputs): those that divide both and keep the multipliers busiest."""
    vectors = g.outputs // g.types.lanes(target)
    fitting = [
        # Of equally cheap tiles the largest: fewer calls.
        (cost(mr, nv, target) / (mr * nv), -mr * nv, mr, nv)
        for mr in range(1, 17)
        for nv in range(1, 5)
        if g.channels % mr == 0 and vectors % nv == 0 and fits(mr, nv, target)
    ]
    return min(fitting)[2:]


def emit_winograd(
    gradient: FilterGradient, target: Target, threads: int, epilogue: Epilogue
) -> KernelCode:
    """The kernel of a filter gradient that `suits`."""
    return kernel.emit(
        choose(gradient, target, threads, target.sum_threads), epilogue, _WinogradGradientWriter
    )


class _WinogradGradientWriter(FilterGradientWriter):
    """Writes the functions of a filter gradient."""

    schedule: WinogradGradientSchedule
    gradient: FilterGradient

    def __init__(self, schedule: WinogradGradientSchedule, epilogue: Epilogue) -> None:
        super().__init__(schedule, epilogue)
        reader = partial(TileReader, self.module, total=schedule.types.total)
        self.inputs = reader("inputs", schedule.inputs, transform=of_inputs)
        self.gradients = reader("gradients", schedule.gradients, transform=of_gradients)

    def write_sums(self) -> None:
        """Each task sums a range of blocks into its own partial rows of the filter."""
        s, g, element = self.schedule, self.gradient, self.schedule.types.total
        self.write_product()
        self.write_taps()
        direct.emit_filter_sums(self.module, g, s.vector)
        with self.module.task("sum_ranges") as f:
            x, dy, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, SCRATCH))
            mine = f.at(scratch, f.task * s.length, element)
            own = f.tid * s.window_elements + s.ranges * s.length
            blank = f.at(scratch, own, element)
            inputs = f.at(blank, s.blank, element)
            gradients = f.at(inputs, POINTS * s.inputs.pitch, element)
            sums = f.at(gradients, POINTS * s.gradients.pitch, element)
            # Tiles at borders read pixels outside of the image from here.
            f.memset(blank, 0, s.blank * s.size)
            all_rows = f.i64(times(f, value(f, g.batch), s.inputs.down))
            blocks = (all_rows + (s.block_rows - 1)) // s.block_rows
            low, high = f.task * blocks // s.ranges, (f.task + 1) * blocks // s.ranges

            def block(i):
                first = i * s.block_rows
                count = f.min(all_rows - first, s.block_rows)
                self.inputs.read(f, x, first, count, inputs, blank)
                self.gradients.read(f, dy, first, count, gradients, blank)
                # The first block of a range stores its products, so the sums need no clearing.
                self.multiply(f, count * s.inputs.across, inputs, gradients, sums, i > low)

            f.loop(low, high, 1, block)
            empty = lambda: f.memset(mine, 0, s.length * s.size)

            def taps():
                def again():
                    empty()
                    last = f.min(high * s.block_rows, all_rows)
                    f.call("direct", x, dy, mine, low * s.block_rows, last)

                # The transform spreads an infinity or NaN to all nine taps; a plain sum keeps it to those that read it.
                f.when(f.call("taps", sums, mine, ret=I1), again)

            f.when(low < high, taps, empty)

    def write_product(self) -> None:
        """`mr` channels by `nr` outputs at one point: adds up the products of some tiles."""
        s, g = self.schedule, self.gradient
        arguments = dict(a=PTR, b=PTR, sums=PTR, tiles=I64, add=I1)
        with self.module.fn("product", internal=True, noalias=False, **arguments) as f:
            acc = zeros(f, s.mr * s.nv, s.vector)
            loops = [(f.tiles, g.channels, g.outputs)]
            acc = accumulate(f, s.types, range(s.mr), s.nv, loops, f.a, f.b, acc)
            places = [i * g.outputs + j * s.lanes for i in range(s.mr) for j in range(s.nv)]
            more = lambda: [
                v + f.load(f.sums, p, s.vector) for v, p in zip(acc, places, strict=True)
            ]
            for v, p in zip(f.when(f.add, more, lambda: acc), places, strict=True):
                f.store(v, f.sums, p)

    def multiply(self, f: Fn, count: Val, inputs: Val, gradients: Val, sums: Val, add: Val) -> None:
        """All points of a block of `count` tiles."""
        s, g = self.schedule, self.gradient
        element = s.types.total

        def point(k):
            a = f.at(inputs, times(f, k, s.inputs.pitch), element)
            b = f.at(gradients, times(f, k, s.gradients.pitch), element)
            out = f.at(sums, times(f, k, s.sum_pitch), element)

            def some(i, j):
                to = f.at(out, times(f, i, g.outputs) + j, element)
                f.call("product", f.at(a, i, element), f.at(b, j, element), to, count, add)

            # Channels innermost: a panel of the gradients stays in the cache for all of them.
            f.loop(f.i64(0), g.outputs, s.nr, lambda j: f.loop(
                f.i64(0), g.channels, s.mr, lambda i: some(i, j)))  # fmt: skip

        f.loop(f.i64(0), POINTS, 1, point)

    def write_taps(self) -> None:
        """Transforms the sums at 36 points to rows (tap, channel) of the filter; returns True if one is not finite."""
        s, size = self.schedule, self.gradient.channels * self.gradient.outputs
        with self.module.fn("taps", ret=I1, internal=True, noalias=False, sums=PTR, out=PTR) as f:

            def vector(i, bad):
                read = lambda j, k: f.load(f.sums, i + (j * INPUTS + k) * s.sum_pitch, s.vector)
                points = [[read(j, k) for k in range(INPUTS)] for j in range(INPUTS)]
                taps = [v for row in both_axes(f, points, of_sums) for v in row]
                for tap, v in enumerate(taps):
                    f.store(v, f.out, i + tap * size)
                return (bad | direct.is_any_not_finite(f, taps),)

            f.give(*f.loop(0, size, s.lanes, vector, f.const(False, I1)))
