"""The product with x rounded to int8 by groups: dot products of bytes, each times the scales of both groups.

    scale_w scale_x (q_w + zero) q_x - zero scale_w scale_x q_x + minimum_w scale_x q_x

The last two terms are a group's sum of x times the constants of W's group. So the scratch holds, for each row of x, its int8 numbers, its scales,
and its sums over as many neighbors as share a scale in W. Scales and sums lie in pairs where blocks are groups: as in many formats, scales and
minima of W do, so that a vector multiplies those of several blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from penstock._src.compiler.codegen.contraction.dots import dots_of
from penstock._src.compiler.codegen.contraction.extents import ceil_divide, value
from penstock._src.compiler.codegen.contraction.tile import times, zeros
from penstock._src.compiler.codegen.kernel_code import LEFT, SCRATCH, Epilogue, round_up
from penstock._src.compiler.codegen.scalars.packed_blocks import (
    AT_ONCE,
    PAIR,
    Scales,
    pairs_of_scales,
    scales,
    unsigned,
    words_of_scales,
)
from penstock._src.compiler.codegen.scalars.rounded_groups import load_group
from penstock._src.ir.meaning.packed import Run
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F16, F32, I8, I32, PTR, SIZE, lanes, vec

from .rows import RowsSchedule, RowsTask

GROUPS = 32  # that a task rounds
MOST_SUMS = 8  # lanes of the integer sums of a group
SHORT = 16  # elements of a run that is half a group


def sums_of(schedule: RowsSchedule) -> int:
    """The number of sums of a group of x."""
    return max(1, schedule.product.group // schedule.form.group)


def groups_of(schedule: RowsSchedule) -> int:
    """The number of groups of a row of x."""
    return schedule.product.k // schedule.product.group


def tasks_of_rounding(schedule: RowsSchedule) -> int:
    return schedule.rows * ceil_divide(groups_of(schedule), GROUPS)


def has_pairs(schedule: RowsSchedule) -> bool:
    """True if blocks are groups, with scales that the target converts several at a time."""
    form = schedule.form
    is_group = not form.factors and form.block == schedule.product.group
    beside = form.minimum is None or form.minimum == form.scale + SIZE[F16]
    converts = schedule.target.converts_halves or form.scale_dtype == "float32"
    return is_group and beside and converts


def _rooms(schedule: RowsSchedule) -> tuple[int, int, int]:
    """Bytes before the numbers, the scales and the sums of x."""
    numbers = round_up(schedule.rows * schedule.product.k, 64)
    if has_pairs(schedule):
        return 0, numbers, numbers + SIZE[F32]
    each = schedule.rows * groups_of(schedule) * SIZE[F32]
    return 0, numbers, numbers + round_up(each, 64)


def scratch_bytes(schedule: RowsSchedule) -> int:
    count = PAIR if has_pairs(schedule) else sums_of(schedule)
    sums = schedule.rows * groups_of(schedule) * count
    return _rooms(schedule)[2] + sums * SIZE[F32] + 64


def _places(f: Fn, schedule: RowsSchedule) -> list[Val]:
    scratch = f.load(f.ctx, SCRATCH, PTR)
    return [f.at(scratch, room) for room in _rooms(schedule)]


def write_rounding(f: Fn, s: RowsSchedule) -> None:
    """A task rounds some groups of a row of x."""
    product, size, groups = s.product, s.product.group, groups_of(s)
    x = f.at(f.load(f.ctx, LEFT, PTR), value(f, product.left.base), F32)
    numbers, scale_at, sums_at = _places(f, s)
    parts = ceil_divide(groups, GROUPS)
    row, low = f.task // parts, f.task % parts * GROUPS
    source = f.at(x, times(f, row, value(f, product.left.cross)), F32)
    each, step = size // sums_of(s), PAIR if has_pairs(s) else 1

    def one(g: Val) -> None:
        rounded, scale = load_group(f, f.at(source, g * size, F32), size)
        n = lanes(rounded[0].ty)
        number = f.i64(row) * groups + g
        for i, v in enumerate(rounded):
            f.store(f.convert(v, I8), numbers, number * size + i * n)
        f.store(scale, scale_at, number * step)
        for i in range(sums_of(s)):
            # Small integers, far below 2^24: their float sum is exact in any order.
            vectors = rounded[i * each // n : (i + 1) * each // n]
            total = f.reduce("fadd", sum(vectors[1:], vectors[0]))
            f.store(total * scale, sums_at, number * sums_of(s) * step + i)

    f.loop(f.i64(low), f.min(f.i64(low) + GROUPS, groups), 1, one)


class GroupsTask(RowsTask):
    """Writes a task over rounded x. A row of W has two kinds of sums for each row of x: of dot products, and of the groups' constant terms."""

    def __init__(self, f: Fn, schedule: RowsSchedule, epilogue: Epilogue) -> None:
        super().__init__(f, schedule, epilogue)
        self.numbers, self.scales, self.group_sums = _places(f, schedule)
        form, self.instruction = schedule.form, dots_of(f.target)
        # On targets that require it, signed bytes are multiplied as unsigned ones and corrected.
        # Numbers of fewer bits have no sign, which is what the instruction's left operand must be.
        bias = self.instruction.bias if self.instruction is not None and form.bits == 8 else 0
        self.bias, self.zero = bias, form.zero + bias
        self.lanes = min(MOST_SUMS, f.target.lanes(I32))
        self.shares = form.block // form.group  # scales of a block
        self.adds = bool(self.zero) or form.minimum is not None
        self.has_pairs = has_pairs(schedule)
        self.pairs = f.alloca(F32, schedule.rows * AT_ONCE * PAIR) if self.has_pairs else None
        dots = self.instruction
        covers = dots is not None and dots.bias > 0 and dots.count * self.lanes == form.block
        self.keeps_high = covers and form.has_halves

    def nothing(self) -> list[Val]:
        f, s = self.f, self.schedule
        added = vec(F32, self.shares) if self.shares > 1 else F32
        if self.has_pairs:
            added = vec(F32, AT_ONCE * PAIR)
        dots = zeros(f, s.rows * s.chains, vec(F32, self.lanes))
        return dots + zeros(f, s.rows * self.adds, added)

    def totals(self, sums: Sequence[Val]) -> list[Val]:
        totals, f = super().totals(sums), self.f
        for j, v in enumerate(sums[self.schedule.rows * self.schedule.chains :]):
            if self.has_pairs:
                v = f.shuffle(v, None, [*range(1, AT_ONCE * PAIR, PAIR)])
            added = f.reduce("fadd", v) if lanes(v.ty) > 1 else v
            if self.has_pairs and self.schedule.form.minimum is None:
                added = added * float(-self.zero)
            totals[j] = totals[j] + added
        return totals

    def total(self, chains: Sequence[Val]) -> Val:
        if not self.keeps_high:
            return super().total(chains)
        f, whole = self.f, sum(chains[1:], chains[0])
        is_low = f.lane_numbers(self.lanes) < self.lanes // 2
        return f.reduce(
            "fadd", whole * f.select(is_low, f.const(1.0, whole.ty), f.const(1 / 16, whole.ty))
        )

    def multiply_blocks(self, row: Val, number: Val, count: int, sums: Sequence[Val]) -> list[Val]:
        if not self.has_pairs:
            return super().multiply_blocks(row, number, count, sums)
        assert self.pairs is not None
        f, s, totals = self.f, self.schedule, list(sums)
        blocks, both = self.product.k // s.form.block, AT_ONCE * PAIR
        addresses = [f.at(row, (number + i) * s.form.size) for i in range(count)]
        of_w = pairs_of_scales(f, s.form, words_of_scales(f, s.form, addresses))
        mask = None if count == AT_ONCE else f.mask(both, count * PAIR)
        for j in range(s.rows):
            of_x = f.load(self.scales, (number + j * blocks) * PAIR, of_w.ty, mask)
            product = of_w * of_x
            f.store(product, self.pairs, j * both)
            if self.adds:
                totals[s.rows * s.chains + j] += product
        for i, address in enumerate(addresses):
            w = self.bytes_of(address, 0)
            for j in range(s.rows):
                x = f.load(f.at(self.numbers, (number + i + j * blocks) * s.form.block), 0, w.ty)
                # The stack gives one number to all lanes, which spares the unit that permutes.
                scale = f.splat(f.load(self.pairs, j * both + i * PAIR, F32), self.lanes)
                at = j * s.chains + i % s.chains
                for _, _, dot in self.dots(w, x):
                    totals[at] = f.fma(f.convert(dot, F32), scale, totals[at])
        return totals

    def multiply(self, address: Val, number: Val, turn: int, sums: Sequence[Val]) -> list[Val]:
        f, form, product, totals = self.f, self.schedule.form, self.product, list(sums)
        block_scales, blocks, chains = (
            scales(f, address, form, self.lanes),
            product.k // form.block,
            self.schedule.chains,
        )
        rows = range(self.schedule.rows)
        in_row = [number + j * blocks for j in rows]  # the block's number in all rows of x
        if self.adds:
            added = self.added(block_scales)
            for j in rows:
                of_x = f.load(f.at(self.group_sums, in_row[j] * self.shares, F32), 0, added.ty)
                at = self.schedule.rows * chains + j
                totals[at] = f.fma(added, of_x, totals[at])
        both = [block_scales.scale * self.scales_of_x(at) for at in in_row]
        for start in range(0, form.block, product.group):
            w = self.bytes_of(address, start)
            for j in rows:
                x = f.load(f.at(self.numbers, in_row[j] * form.block + start), 0, w.ty)
                for first, step, dot in self.dots(w, x):
                    scale = self.scale_of(both[j], start + first, step)
                    chain = (turn * form.block + start + first) // product.group % chains
                    at = j * chains + chain
                    totals[at] = f.fma(f.convert(dot, F32), scale, totals[at])
        return totals

    def added(self, scales: Scales) -> Val:
        """The number that is added to each scaled integer of W: equal for all that share a scale."""
        f, added = self.f, scales.minimum
        if added is None:
            added = scales.scale * float(-self.zero)
        return added if scales.has_factors else f.extract(added, 0)

    def scales_of_x(self, block: Val) -> Val:
        """The scales of the groups of x that meet a block, one for each scale of W."""
        f, count = self.f, self.schedule.form.block // self.product.group
        at = f.at(self.scales, block * count, F32)
        if count == 1:
            return f.load(at, 0, F32)
        each = self.shares // count
        scales = f.load(at, 0, vec(F32, count))
        if each == 1:
            return scales
        return f.shuffle(scales, None, [i // each for i in range(self.shares)])

    def scale_of(self, both: Val, first: int, step: int) -> Val:
        """The scales of sums: the first sum begins with element `first` of a block, each next one `step` further."""
        if self.shares == 1:
            return both
        share = self.schedule.form.group
        return self.f.shuffle(both, None, [(first + step * i) // share for i in range(self.lanes)])

    def bytes_of(self, address: Val, start: int) -> Val:
        """The integers of a group of W, as bytes with or without a sign."""
        f, form, size = self.f, self.schedule.form, self.product.group
        if self.keeps_high:
            # The high four bits are 16 times their number: `total` divides the sums of their lanes.
            low = f.load(f.at(address, form.runs[0].low), 0, vec(I8, SHORT))
            both = f.shuffle(low, None, [*range(SHORT)] * 2)
            is_low = f.lane_numbers(size, I8) < SHORT
            return both & f.select(is_low, f.const(0x0F, both.ty), f.const(-0x10, both.ty))
        parts = [
            unsigned(f, address, form, run, 0, run.length)
            for run in joined(form.runs)
            if start <= run.start < start + size
        ]
        w = parts[0] if len(parts) == 1 else f.shuffle(parts[0], parts[1], [*range(size)])
        return f.binary("xor", w, -self.bias) if self.bias else w

    def dots(self, w: Val, x: Val) -> Iterator[tuple[int, int, Val]]:
        """(first element, elements of a sum, sums) of a group: sums of neighboring products, in order."""
        f, size, instruction = self.f, self.product.group, self.instruction
        signed = self.schedule.form.bits == 8
        if instruction is None:
            w, x, each = f.convert(w, I32, signed), f.convert(x, I32), 1
        else:
            w, x = f.convert(w, instruction.element, signed), f.convert(x, instruction.element)
            each = instruction.count
        count = each * self.lanes
        nothing = f.zero(vec(I32, self.lanes))
        for first in range(0, size, count):
            index = [*range(first, first + count)]
            a, b = (v if count == size else f.shuffle(v, None, index) for v in (w, x))
            yield (
                first,
                each,
                a * b if instruction is None else instruction.multiply(f, a, b, nothing),
            )


def joined(runs: Sequence[Run]) -> Iterator[Run]:
    """The runs, with consecutive runs joined up to the size of a group."""
    last: Run | None = None
    for run in runs:
        if last is not None and _goes_on(last, run):
            yield replace(last, length=last.length + run.length)
            last = None
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def _goes_on(a: Run, b: Run) -> bool:
    n = a.length
    next_places = a.start + n, a.low + n, a.high + n, a.shift, a.high_shift
    # Two halves of a group that lie side by side in the block are one load.
    return n == SHORT and next_places == (b.start, b.low, b.high, b.shift, b.high_shift)
