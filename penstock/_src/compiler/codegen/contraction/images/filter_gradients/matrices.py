"""The gradient of a filter of bfloat16 by matrix registers (products/matrix_registers.py).

    sums[tap][output][channel] = sum over positions of dy[position][output] * x[position under the tap][channel]

Positions are the pixels of dy, row by row; a block is some rows of any images. A register has outputs as its rows, channels as its columns,
and multiplies 16 pairs of positions at once. Positions whose tap lies outside of the image are zeros in the copy of x, so that no
product is made of elements that do not meet.

    pack_outputs    dy of a block, turned to rows of outputs
    sum_taps        a task sums a range of blocks, for all taps or for one, for each of which it copies x in pairs of positions
    turn            adds the ranges' sums in order, and turns them to rows of channels
    add_up          the epilogue (kernel.py)
"""

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from penstock._src.compiler.codegen.contraction.extents import is_static, value
from penstock._src.compiler.codegen.contraction.images.convolution import FilterGradient
from penstock._src.compiler.codegen.contraction.images.window import Axis, Image
from penstock._src.compiler.codegen.contraction.images.window_choice import TYPICAL_BATCH
from penstock._src.compiler.codegen.contraction.products.matrix_registers import (
    SIDE,
    RegisterBlock,
    begin_matrices,
    end_matrices,
    matrix_registers,
)
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR, interleaved
from penstock._src.compiler.codegen.contraction.tile import times, transpose
from penstock._src.compiler.codegen.kernel_code import (
    LEFT,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelStage,
    Sizes,
)
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32, I1, I16, I64, PTR, vec
from penstock._src.util.dataclass import dataclass

from .kernel import FilterGradientWriter
from .schedule import ALL_RANGES_BYTES, MOST_RANGES, GradientSchedule

OWN_BYTES = 640 << 10  # sums of all taps up to this size are summed by one task
LEAST_CHANNELS = 16  # fewer would leave most of a register empty
REGISTER = SIDE * SIDE  # sums or groups of a register
ACROSS = 2  # registers of sums: as many down as across leave room for their operands
POSITIONS = 1024  # of a block, so that its sums are loaded and stored seldom
BLOCK_BYTES = 512 << 10  # most bytes of a block of x


def suits(gradient: FilterGradient, target: Target) -> bool:
    """True if a gradient of bfloat16 has enough channels and outputs for the target's matrix registers."""
    g, types = gradient, gradient.types
    is_narrow = (types.left, types.right, types.total) == (BF16, BF16, F32)
    is_read = g.x.element == g.y.element == BF16 and g.x.channel == g.y.channel == 1
    is_plain = g.h.base == g.w.base == 1
    is_large = min(g.channels, g.outputs) >= LEAST_CHANNELS
    return target.multiplies_matrices and is_narrow and is_read and is_plain and is_large


@dataclass(frozen=True)
class MatrixGradientSchedule(GradientSchedule):
    """The division of the work. `ranges` is 1: the parts' sums have been added when the last stage begins.

    block_rows  rows of dy of a block
    parts       ranges that the blocks are cut into
    tap_tasks   tasks of a range: 1 if its task sums all taps, a block of x after the other; else one for each tap
    """

    label: ClassVar = "filter gradient by matrices"

    gradient: FilterGradient
    block_rows: int
    parts: int
    tap_tasks: int

    @property
    def taps(self) -> int:
        return self.gradient.h.taps * self.gradient.w.taps

    @property
    def row_pairs(self) -> int:
        """Pairs of positions of a row; the last one may have one position."""
        return -(-self.gradient.w.out // PAIR)

    @property
    def steps(self) -> int:
        """Multiplications of registers along a block."""
        return -(-self.block_rows * self.row_pairs // SIDE)

    @property
    def column(self) -> int:
        """Elements from a block's column of registers to the next: a line more, so that they do not crowd a few sets of the cache."""
        return self.steps * REGISTER + SIDE

    @property
    def output_registers(self) -> int:
        return -(-self.gradient.outputs // SIDE)

    @property
    def channel_registers(self) -> int:
        return -(-self.gradient.channels // SIDE)

    @property
    def sums_of_tap(self) -> int:
        """Sums of a tap in whole registers."""
        return self.output_registers * self.channel_registers * REGISTER

    @property
    def sums_room(self) -> int:
        """Elements of the filter's sums, and of those of all parts."""
        return self.gradient.groups * (self.length + self.parts * self.taps * self.sums_of_tap)

    @property
    def outputs_room(self) -> int:
        """Elements of a block of dy."""
        return self.output_registers * self.column

    @property
    def facts(self) -> dict[str, Any]:
        return {"rows": self.block_rows, "ranges": self.parts, "unit": "matrices"}

    def blocks(self, batch: Any) -> Any:
        """Blocks of a batch; an int or a value."""
        return (batch * self.gradient.h.out + (self.block_rows - 1)) // self.block_rows

    def summing_stages(self) -> list[KernelStage]:
        groups = 0 if self.is_empty else self.gradient.groups
        return [
            KernelStage("pack_outputs", lambda sizes: self.blocks(self.batch(sizes)) * groups),
            KernelStage("sum_taps", lambda _: self.parts * self.tap_tasks * groups),
            KernelStage("turn", lambda _: self.taps * self.output_registers * groups),
        ]

    def layout(self, sizes: Sizes) -> tuple[int, int, int]:
        outputs = self.blocks(self.batch(sizes)) * self.gradient.groups * self.outputs_room
        return self.sums_room, outputs, self.threads * self.window_elements


def choose(
    gradient: FilterGradient, target: Target, threads: int, cut_for: int
) -> MatrixGradientSchedule:
    """The schedule for a pool of `threads`, with tasks for `cut_for`."""
    g = gradient
    taps = g.h.taps * g.w.taps
    channels, outputs = -(-g.channels // SIDE), -(-g.outputs // SIDE)
    batch = g.batch if is_static(g.batch) else TYPICAL_BATCH
    width = max(1, -(-g.w.out // PAIR) * PAIR)
    # A position of x takes two bytes for each of its channels, up to whole registers.
    positions = min(POSITIONS, BLOCK_BYTES // (PAIR * SIDE * channels))
    block_rows = max(1, min(positions // width, batch * g.h.out))
    blocks = -(-batch * g.h.out // block_rows)
    sums = taps * channels * outputs * REGISTER * 4
    tap_tasks = 1 if sums <= OWN_BYTES else taps
    most = max(1, min(ALL_RANGES_BYTES // (sums * g.groups or 1), MOST_RANGES, blocks))
    schedule = MatrixGradientSchedule(
        gradient=g,
        target=target,
        threads=threads,
        mr=SIDE * min(ACROSS, outputs),
        nv=SIDE * min(ACROSS, channels) // target.lanes(F32),
        rows=taps * g.channels,
        ranges=1,
        window_elements=0,
        block_rows=block_rows,
        parts=min(most, -(-4 * cut_for // (tap_tasks * g.groups))),
        tap_tasks=tap_tasks,
    )
    return replace(schedule, window_elements=schedule.column * max(channels, outputs))


class MatrixGradientWriter(FilterGradientWriter):
    """Writes the functions of the stages before the last."""

    schedule: MatrixGradientSchedule
    gradient: FilterGradient

    def __init__(self, schedule: MatrixGradientSchedule, epilogue: Epilogue) -> None:
        super().__init__(schedule, epilogue)
        self.tiles: dict[tuple[int, int], str] = {}  # functions of tiles that have been written

    def write_sums(self) -> None:
        self.write_outputs()
        self.write_taps()
        self.write_turn()

    def rows_of(self, f: Fn, block: Val) -> tuple[Val, Val]:
        """(the first row of a block, the number of its rows)."""
        batch = f.i64(value(f, self.gradient.batch))
        first = block * self.schedule.block_rows
        return first, f.min(batch * self.gradient.h.out - first, self.schedule.block_rows)

    def turned_outputs(self, f: Fn, scratch: Val, block: Val, group: Any) -> Val:
        """The address of a block of dy that has been packed."""
        s, groups = self.schedule, self.gradient.groups
        return f.at(scratch, (block * groups + f.i64(group)) * s.outputs_room + s.sums_room, F32)

    def own(self, f: Fn, scratch: Val) -> Val:
        """The address of the thread's own memory."""
        s, g = self.schedule, self.gradient
        blocks = s.blocks(f.i64(value(f, g.batch)))
        at = blocks * (g.groups * s.outputs_room) + s.sums_room + f.i64(f.tid) * s.window_elements
        return f.at(scratch, at, F32)

    def write_outputs(self) -> None:
        """A task packs a block of dy: pairs of positions for 16 outputs, turned to rows of outputs."""
        s, g = self.schedule, self.gradient
        axes = Axis(g.h.out, g.h.out, 1), Axis(g.w.out, g.w.out, 1)
        with self.module.task("pack_outputs") as f:
            dy, scratch = f.load(f.ctx, RIGHT, PTR), f.load(f.ctx, SCRATCH, PTR)
            group, block = f.task % g.groups, f.i64(f.task // g.groups)
            pairs, to = self.own(f, scratch), self.turned_outputs(f, scratch, block, group)
            steps = self.pack_pairs(f, dy, g.y, axes, (0, 0), group, block, pairs, g.outputs)
            vector = vec(F32, SIDE)

            def turn(o: Val, t: Val) -> None:
                at = o * s.column + t * REGISTER
                columns = [f.load(pairs, at + SIDE * k, vector) for k in range(SIDE)]
                for i, row in enumerate(transpose(f, columns)):
                    f.store(row, to, at + SIDE * i)

            f.loop(
                f.i64(0), s.output_registers, 1,
                lambda o: f.loop(f.i64(0), steps, 1, lambda t: turn(o, t)),
            )  # fmt: skip

    def write_taps(self) -> None:
        """A task sums the blocks of a range, for all taps or for one."""
        s, g = self.schedule, self.gradient
        with self.module.task("sum_taps") as f:
            x, scratch = f.load(f.ctx, LEFT, PTR), f.load(f.ctx, SCRATCH, PTR)
            group, rest = f.task % g.groups, f.task // g.groups
            part, per = f.i64(rest // s.tap_tasks), s.taps // s.tap_tasks
            first = f.i64(rest % s.tap_tasks) * per
            pairs = self.own(f, scratch)
            blocks = s.blocks(f.i64(value(f, g.batch)))
            low, high = part * blocks // s.parts, (part + 1) * blocks // s.parts
            begin_matrices(f)

            def tap(number: Val, tap: Val) -> None:
                taps = tap // g.w.taps, tap % g.w.taps
                steps = self.pack_pairs(
                    f, x, g.x, (g.h, g.w), taps, group, number, pairs, g.channels
                )
                dy = self.turned_outputs(f, scratch, number, group)
                sums = self.sums_of(f, scratch, part, group, tap)
                self.sweep(f, dy, pairs, sums, number > low, steps)

            own = self.sums_of(f, scratch, part, group, first)
            # Ranges without blocks are added up like others: their sums are zeros.
            f.when(low.eq(high), lambda: f.memset(own, 0, per * s.sums_of_tap * s.size))
            f.loop(
                low, high, 1,
                lambda number: f.loop(first, first + per, 1, lambda t: tap(number, t)),
            )  # fmt: skip
            end_matrices(f)

    def sums_of(self, f: Fn, scratch: Val, part: Any, group: Any, tap: Any) -> Val:
        """The address of a part's sums of a tap."""
        s, groups = self.schedule, self.gradient.groups
        number = (times(f, part, groups) + f.i64(group)) * s.taps + tap
        return f.at(scratch, number * s.sums_of_tap + groups * s.length, F32)

    def sweep(self, f: Fn, dy: Val, pairs: Val, sums: Val, add: Val, steps: Val) -> None:
        """All tiles of a block and a tap."""
        s = self.schedule
        downs, acrosses = s.output_registers, s.channel_registers

        def tile(o: Val, c: Val, down: int, across: int) -> None:
            a, b = f.at(dy, o * s.column, F32), f.at(pairs, c * s.column, F32)
            to = f.at(sums, o * (SIDE * SIDE * acrosses) + c * SIDE, F32)
            f.call(self.tile(down, across), a, b, to, add, steps)

        def row(o: Val, down: int) -> None:
            whole = acrosses // ACROSS * ACROSS
            f.loop(f.i64(0), whole, ACROSS, lambda c: tile(o, c, down, ACROSS))
            if whole < acrosses:
                tile(o, f.i64(whole), down, 1)

        whole = downs // ACROSS * ACROSS
        f.loop(f.i64(0), whole, ACROSS, lambda o: row(o, ACROSS))
        if whole < downs:
            row(f.i64(whole), 1)

    def tile(self, down: int, across: int) -> str:
        """The function that adds a block's products to `down` x `across` registers of sums, or stores them."""
        if (down, across) in self.tiles:
            return self.tiles[down, across]
        s = self.schedule
        name = self.tiles[down, across] = f"filter_tile{len(self.tiles)}"
        width = SIDE * s.channel_registers
        args = dict(a=PTR, b=PTR, c=PTR, add=I1, steps=I64)
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            block = RegisterBlock(matrix_registers(f, F32, PAIR), down, across)
            f.when(f.add, lambda: block.load(f.c, width, SIDE * width), block.begin)

            def step(t: Val) -> None:
                at = t * REGISTER
                lefts = [f.at(f.a, at + s.column * i, F32) for i in range(down)]
                rights = [f.at(f.b, at + s.column * j, F32) for j in range(across)]
                block.multiply(lefts, SIDE, rights, SIDE)

            f.loop(f.i64(0), f.steps, 1, step)
            block.store(f.c, width, SIDE * width)
        return name

    def pack_pairs(
        self, f: Fn, source: Val, image: Image, axes: tuple[Axis, Axis], taps: tuple[Any, Any], group: Any,
        block: Val, dst: Val, channels: int,
    ) -> Val:  # fmt: skip
        """dst[16 channels][pair of positions][channel] = both positions' elements under a tap; zeros fill the last step. Returns the steps."""
        s, (h, w), (i, j) = self.schedule, axes, taps
        first, rows = self.rows_of(f, block)
        registers, pairs = -(-channels // SIDE), rows * s.row_pairs
        steps = (pairs + (SIDE - 1)) // SIDE
        base = f.i64(times(f, group, image.group)) + image.base

        def row(r: Val) -> None:
            n, position = (first + r) // h.out, (first + r) % h.out
            line = position * h.stride + times(f, i, h.dilation) - h.low
            is_inside = f.const(1, I1) & (line >= 0) & (line < h.size)
            start = base + times(f, n, image.image) + line * image.row

            def pair(p: Val) -> None:
                places, exist = [], []
                for q in (p * PAIR, p * PAIR + 1):
                    column = q * w.stride + times(f, j, w.dilation) - w.low
                    places.append(start + column * image.column)
                    # q: the last pair of an odd row would take the next row's first position.
                    exist.append(is_inside & (column >= 0) & (column < w.size) & (q < w.out))
                to = f.at(dst, (r * s.row_pairs + p) * SIDE, F32)
                copy = partial(self.copy_pair, f, source, places, to, channels)
                # Nearly all pairs are whole: they need no masks of their own.
                f.when(exist[0] & exist[1], copy, lambda: copy(exist))

            f.loop(f.i64(0), s.row_pairs, 1, pair)

        def fill(c: Val) -> None:
            at = c * s.column + pairs * SIDE
            f.memset(f.at(dst, at, F32), 0, (steps * SIDE - pairs) * (SIDE * s.size))

        f.loop(f.i64(0), rows, 1, row)
        f.loop(f.i64(0), registers, 1, fill)
        return steps

    def copy_pair(
        self, f: Fn, source: Val, places: list[Val], dst: Val, channels: int, exist: list[Val] | None = None
    ) -> None:  # fmt: skip
        """Copies the channels of two positions, interleaved. A position outside of the image has zeros."""
        column = self.schedule.column

        def some(c: Any, least: int) -> None:
            """16 channels; the first `least` exist, if the position does."""
            parts = []
            for number, at in enumerate(places):
                mask = f.mask(SIDE, least) if least < SIDE else None
                if exist is not None:
                    mask = f.mask(SIDE, f.select(exist[number], f.i64(least), f.i64(0)))
                parts.append(f.load(source, at + c * SIDE, vec(I16, SIDE), mask))
            f.store(f.bits(interleaved(f, parts, SIDE), vec(F32, SIDE)), dst, c * column)

        whole, rest = divmod(channels, SIDE)
        f.loop(f.i64(0), whole, 1, lambda c: some(c, SIDE))
        if rest:
            some(f.i64(whole), rest)

    def write_turn(self) -> None:
        """A task adds up the parts' sums of 16 outputs and a tap, and turns them to rows of channels."""
        s, g = self.schedule, self.gradient
        vector = vec(F32, SIDE)
        width = SIDE * s.channel_registers
        with self.module.task("turn") as f:
            scratch = f.load(f.ctx, SCRATCH, PTR)
            o, rest = f.i64(f.task % s.output_registers), f.task // s.output_registers
            tap, group = f.i64(rest % s.taps), f.i64(rest // s.taps)
            # The last register may be partial; in the filter the next channel follows at once.
            mask = f.mask(SIDE, f.i64(g.outputs) - o * SIDE)
            to = f.at(scratch, group * s.length + tap * (g.channels * g.outputs) + o * SIDE, F32)

            def square(c: Val) -> None:
                rows = []
                for i in range(SIDE):
                    at = (o * SIDE + i) * width + c * SIDE
                    total = f.load(self.sums_of(f, scratch, f.i64(0), group, tap), at, vector)
                    for part in range(1, s.parts):
                        more = f.load(self.sums_of(f, scratch, f.i64(part), group, tap), at, vector)
                        total = total + more
                    rows.append(total)
                for e, row in enumerate(transpose(f, rows)):
                    channel = c * SIDE + e
                    f.when(
                        channel < g.channels,
                        lambda row=row, channel=channel: f.store(
                            row, to, channel * g.outputs, mask
                        ),
                    )

            f.loop(f.i64(0), s.channel_registers, 1, square)
