"""Few rows of x in float32 by packed rows of W whose blocks are 16 bytes of two numbers each: a lane is a word of a block, a vector four blocks.

    scale (q - zero) x + minimum x          of a block:
    scale (sum of (q - 8) x) + (scale (8 - zero) + minimum) (sum of x)

A register with the floats q - 8 is looked up by the low four bits of each lane, so that a word gives eight factors by seven shifts. x is copied once in
the order in which these come, and its sums over blocks beside it. Lanes of a block share its scale, which is multiplied by their sums.
"""

from collections.abc import Sequence

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, value
from penstock._src.compiler.codegen.contraction.tile import times, zeros
from penstock._src.compiler.codegen.kernel_code import LEFT, SCRATCH, Epilogue, round_up
from penstock._src.compiler.codegen.scalars.packed_blocks import (
    AT_ONCE,
    PAIR,
    look_up,
    pairs_of_scales,
    words_of_scales,
)
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I8, I32, PTR, SIZE, vec

from .rows import CENTER, RowsSchedule, RowsTask

BLOCK = 32  # numbers
BYTES = 16  # that hold them
IN_WORD = 8  # numbers of a word
WORDS = BYTES // SIZE[I32]  # of a block
LANES = AT_ONCE * WORDS
CHAINS = 4  # independent sums for all rows of x, which hide the latency of additions
BLOCKS = 32  # that a task arranges


def _blocks(schedule: RowsSchedule) -> int:
    return schedule.product.k // BLOCK


def _padded(schedule: RowsSchedule) -> int:
    """Blocks of a row of x that there is room for."""
    return round_up(_blocks(schedule), AT_ONCE)


def _adds(schedule: RowsSchedule) -> bool:
    """True if blocks add a multiple of the sum of x."""
    return schedule.form.minimum is not None


def _sums_at(schedule: RowsSchedule) -> int:
    """Bytes of the scratch before the sums of x."""
    return schedule.rows * _padded(schedule) * BLOCK * SIZE[F32]


def scratch_bytes(schedule: RowsSchedule) -> int:
    sums = schedule.rows * _padded(schedule) * PAIR * SIZE[F32]
    return _sums_at(schedule) + sums


def tasks_of_arranging(schedule: RowsSchedule) -> int:
    return schedule.rows * ceil_divide(_blocks(schedule), BLOCKS)


def write_arranging(f: Fn, s: RowsSchedule) -> None:
    """A task arranges some blocks of a row of x: number k of the words of four blocks, for each k."""
    product, blocks = s.product, _blocks(s)
    scratch = f.load(f.ctx, SCRATCH, PTR)
    sums = f.at(scratch, _sums_at(s))
    parts = ceil_divide(blocks, BLOCKS)
    row, low = f.task // parts, f.task % parts * BLOCKS
    x = f.at(f.load(f.ctx, LEFT, PTR), value(f, product.left.base), F32)
    source = f.at(x, times(f, row, value(f, product.left.cross)), F32)

    def one(block: Val) -> None:
        at = f.at(source, block * BLOCK, F32)
        halves = [f.load(at, i * BYTES, vec(F32, BYTES)) for i in range(2)]
        number = f.i64(row) * _padded(s) + block
        turn = number % AT_ONCE
        place = (number - turn) * BLOCK + turn * WORDS
        for k in range(IN_WORD):
            each = [i * SIZE[I32] + k // 2 for i in range(WORDS)]
            f.store(f.shuffle(halves[k % 2], None, each), scratch, place + k * LANES)
        if _adds(s):
            total = f.reduce("fadd", halves[0] + halves[1])
            f.store(total * float(CENTER - s.form.zero), sums, number * PAIR)
            f.store(total, sums, number * PAIR + 1)

    f.loop(f.i64(low), f.min(f.i64(low) + BLOCKS, blocks), 1, one)


class WordsTask(RowsTask):
    """Writes a task over arranged x. A row of W has two kinds of sums for each row of x: of words, and of the blocks' constant terms."""

    def __init__(self, f: Fn, schedule: RowsSchedule, epilogue: Epilogue) -> None:
        super().__init__(f, schedule, epilogue)
        self.arranged = f.load(f.ctx, SCRATCH, PTR)
        self.of_blocks = f.at(self.arranged, _sums_at(schedule))
        self.table = f.convert(f.lane_numbers(LANES) - CENTER, F32)
        self.adds = _adds(schedule)

    def nothing(self) -> list[Val]:
        f, rows = self.f, self.schedule.rows
        return zeros(f, rows, self.vector) + zeros(f, rows * self.adds, vec(F32, AT_ONCE * PAIR))

    def totals(self, sums: Sequence[Val]) -> list[Val]:
        f, rows = self.f, self.schedule.rows
        totals = list(sums[:rows])
        for j, added in enumerate(sums[rows:]):
            wide = f.shuffle(added, f.zero(added.ty), [*range(LANES)])
            totals[j] = totals[j] + wide
        return [f.reduce("fadd", total) for total in totals]

    def multiply_blocks(self, row: Val, number: Val, count: int, sums: Sequence[Val]) -> list[Val]:
        totals = list(sums)
        for start in range(0, count, AT_ONCE):
            totals = self.multiply_words(row, number + start, min(AT_ONCE, count - start), totals)
        return totals

    def multiply_words(self, row: Val, number: Val, count: int, sums: Sequence[Val]) -> list[Val]:
        """Adds the products of up to four blocks to the sums; the first of them is block `number`, a multiple of four."""
        f, rows, totals = self.f, self.schedule.rows, list(sums)
        words, pairs = self.operands_of(f.at(row, number * self.schedule.form.size), count)
        # Lanes of no block meet zeros: nothing was written there.
        mask, pair_mask = None, None
        if count < AT_ONCE:
            mask, pair_mask = f.mask(LANES, count * WORDS), f.mask(AT_ONCE * PAIR, count * PAIR)
        first = [number + j * _padded(self.schedule) for j in range(rows)]
        dots: list[list[Val]] = [[] for _ in range(rows)]
        chains = CHAINS // rows
        for k in range(IN_WORD):
            w = look_up(f, self.table, f.binary("lshr", words, 4 * k) if k else words)
            for j in range(rows):
                x = f.load(self.arranged, first[j] * BLOCK + k * LANES, self.vector, mask)
                dots[j].append(f.fma(w, x, dots[j][k - chains]) if k >= chains else w * x)
        scale = f.shuffle(pairs, None, [i // WORDS * PAIR for i in range(LANES)])
        for j in range(rows):
            last = dots[j][-chains:]
            totals[j] = f.fma(sum(last[1:], last[0]), scale, totals[j])
            if self.adds:
                of_x = f.load(self.of_blocks, first[j] * PAIR, pairs.ty, pair_mask)
                totals[rows + j] = f.fma(pairs, of_x, totals[rows + j])
        return totals

    def operands_of(self, address: Val, count: int) -> tuple[Val, Val]:
        """The words of up to four blocks at an address, and their scales and minima in pairs."""
        f, form = self.f, self.schedule.form
        low, size, word = form.runs[0].low, form.size, SIZE[I32]
        if count == AT_ONCE and size % word == low % word == form.scale % word == 0:
            # Two loads that overlap have all the bytes of the blocks.
            behind = AT_ONCE * size - LANES * word
            head, tail = (
                f.bits(f.load(f.at(address, at), 0, vec(I8, LANES * word)), self.words_type)
                for at in (0, behind)
            )
            at_word = lambda at: at // word if at < LANES * word else LANES + (at - behind) // word
            each = [at_word(i // WORDS * size + low + i % WORDS * word) for i in range(LANES)]
            scales = f.shuffle(head, tail, [at_word(i * size + form.scale) for i in range(AT_ONCE)])
            return f.shuffle(head, tail, each), pairs_of_scales(f, form, scales)
        addresses = [f.at(address, i * size) for i in range(count)]
        bytes_of = [f.load(f.at(each, low), 0, vec(I8, BYTES)) for each in addresses]
        bytes_of += [f.zero(vec(I8, BYTES))] * (AT_ONCE - count)
        head, tail = (f.shuffle(bytes_of[i], bytes_of[i + 1], [*range(2 * BYTES)]) for i in (0, 2))
        words = f.bits(f.shuffle(head, tail, [*range(4 * BYTES)]), self.words_type)
        return words, pairs_of_scales(f, form, words_of_scales(f, form, addresses))

    @property
    def words_type(self) -> str:
        return vec(I32, LANES)
