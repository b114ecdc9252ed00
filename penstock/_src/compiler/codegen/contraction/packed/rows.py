"""Few rows of x by packed rows of W: a block is unpacked in registers, multiplied by each row of x, and forgotten.

    tasks                     rows of W, some vectors of results
      vectors of results      as many rows of W as a vector of the output has columns
        rows of W             one after the other, from end to end: memory is read as it lies, and fetched some kilobytes ahead;
                              several vectors of sums for each row of x take turns

Those of a row of W are added up over the lanes at its end, always in the same order.
"""

from collections.abc import Iterator, Sequence

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, is_static, value
from penstock._src.compiler.codegen.contraction.products.pairs import dot_of_pairs, rounded_pairs
from penstock._src.compiler.codegen.contraction.tile import (
    IN_SECOND_CACHE,
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
    Epilogue,
    RegisterTile,
    final_values,
    round_up,
)
from penstock._src.compiler.codegen.scalars.packed_blocks import (
    Scales,
    has_tables,
    scales,
    unpacked,
)
from penstock._src.ir.meaning.packed import PackedFormat
from penstock._src.native import Target, Val
from penstock._src.native.language import types
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32, I8, PTR, vec
from penstock._src.util.dataclass import dataclass

from .description import PackedProduct
from .row_scales import RowScales

MOST_LANES = 16  # lanes of a vector: the elements of the shortest run of any format
MOST_CHAINS = 4  # independent sums, which hide the latency of additions
UNROLLED = 64  # elements of a row that are multiplied one after the other without a jump
UNROLLED_LONG = 128  # the same, where scales of several blocks are converted together
AHEAD = 6 << 10  # bytes: processors fetch what is read in order too late by themselves
LINE = 64  # bytes of a cache line
TASK_BYTES = 16 << 10  # bytes of W in the smallest task

TASKS = 4  # for each thread
CENTER = 8  # the middle of four bits: sums of small numbers lose less


@dataclass(frozen=True)
class RowsSchedule:
    """The division of the product's rows of W into tasks.

    rows      of x
    lanes     of a vector
    chains    of sums for each row of x
    unrolled  blocks without a jump
    columns   of the output that a task computes
    """

    product: PackedProduct
    target: Target
    rows: int
    lanes: int
    chains: int
    unrolled: int
    columns: int

    @property
    def form(self) -> PackedFormat:
        return self.product.right.form

    @property
    def tasks(self) -> int:
        return ceil_divide(self.product.n, self.columns)

    @property
    def by_words(self) -> bool:
        """True if lanes are words of several blocks (words.py)."""
        return by_words(self.product, self.target)


def by_words(product: PackedProduct, target: Target) -> bool:
    """True if blocks are pairs of four bits, which the target looks up in a register for x in float32."""
    exact, form = not product.group and product.left.element == F32, product.right.form
    adds = form.minimum is not None  # what centering the numbers takes away
    return exact and form.has_halves and (adds or form.zero == CENTER) and has_tables(target)


def choose(product: PackedProduct, target: Target, cut_for: int) -> RowsSchedule:
    """The schedule of a product of few rows, with tasks for this number of threads."""
    assert is_static(product.m)
    rows, lanes = int(product.m), min(target.lanes(F32), MOST_LANES)
    # The other registers are for unpacking.
    chains = max(1, min(MOST_CHAINS, target.registers // (4 * rows)))
    row_bytes = product.right.row_bytes
    want = TASKS * cut_for if cut_for > 1 else 1
    columns = max(ceil_divide(product.n, want), ceil_divide(TASK_BYTES, row_bytes))
    columns = round_up(min(columns, product.n), lanes)
    unrolled = UNROLLED_LONG if product.group or by_words(product, target) else UNROLLED
    unrolled = max(1, unrolled // product.right.form.block)
    return RowsSchedule(product, target, rows, lanes, chains, unrolled, columns)


class RowsTask:
    """Writes a task: some columns of the output, a vector after the other."""

    def __init__(self, f: Fn, schedule: RowsSchedule, epilogue: Epilogue) -> None:
        self.f, self.schedule, self.epilogue = f, schedule, epilogue
        product = self.product = schedule.product
        self.vector = vec(F32, schedule.lanes)
        base = value(f, product.left.base)
        self.element = product.left.element  # bfloat16 if x and the weights are rounded to it
        self.x = f.at(f.load(f.ctx, LEFT, PTR), base, self.element)
        self.weights = f.load(f.ctx, RIGHT, PTR)
        self.output = f.load(f.ctx, OUTPUT, PTR)
        self.partial = f.load(f.ctx, PARTIALS, PTR)
        self.sums = f.alloca(F32, schedule.rows * schedule.lanes)
        blocks = product.k // schedule.form.block
        # Products of integers leave the unit that permutes free, those by words convert the scales of several blocks at once.
        apart = not product.group and not schedule.by_words
        fit = apart and RowScales.fit(f, schedule.form, blocks)
        self.row_scales = RowScales(f, schedule.form, blocks) if fit else None

    def write(self) -> None:
        f, s, n = self.f, self.schedule, self.product.n
        if self.epilogue.partial_bytes:
            self.partial = f.at(self.partial, f.task * self.epilogue.partial_bytes)
            self.epilogue.clear(f, self.partial)
        low = f.task * s.columns
        high = f.min(low + s.columns, n)
        # Tasks begin at whole vectors, so that only n decides whether some vector is partial.
        whole = n % s.lanes == 0
        last = low + (high - low) // s.lanes * s.lanes
        f.loop(low, high if whole else last, s.lanes, lambda j: self.columns(j, None))
        if not whole:
            f.when(last < high, lambda: self.columns(last, n % s.lanes))

    def columns(self, first: Val, count: int | None) -> None:
        """A vector of results that starts at column `first` and has `count` columns (None: all)."""
        f, s = self.f, self.schedule
        f.loop(f.i64(0), s.lanes, 1, lambda r: self.row_of_weights(first, r))
        mask = None if count is None else f.mask(s.lanes, count)
        row = value(f, self.product.row)
        place = lambda i, _: first + times(f, i, row)
        tile = RegisterTile(
            f, [(i, 0) for i in range(s.rows)], place, lambda _: first, lambda _: mask,
            self.product.n, FIRST_SIZE + self.product.sizes,
        )  # fmt: skip
        totals = [f.load(self.sums, i * s.lanes, self.vector) for i in range(s.rows)]
        # Sums are added up before: the output may lie where an operand does.
        for i, v in enumerate(final_values(f, self.epilogue, tile, totals, self.partial)):
            store_as(f, v, self.output, place(i, 0), self.product.types.output, mask)

    def row_of_weights(self, first: Val, r: Val) -> None:
        """Result r of a vector; beyond the last row of W that of the last row again."""
        f, s = self.f, self.schedule
        # The last vector of results may have fewer rows of W: no row past the last is read.
        start = f.min(first + r, self.product.n - 1) * self.product.right.row_bytes
        row, count = f.at(self.weights, start), self.product.k // s.form.block

        def blocks(number: Val, how_many: int, sums: Sequence[Val]) -> list[Val]:
            totals = list(sums)
            start = f.at(row, number * s.form.size)
            for line in range(0, how_many * s.form.size, LINE):
                f.prefetch(start, AHEAD + line, I8, locality=IN_SECOND_CACHE)
            return self.multiply_blocks(row, number, how_many, totals)

        if self.row_scales is not None:
            self.row_scales.convert(row)
        main = count // s.unrolled * s.unrolled
        sums = f.loop(0, main, s.unrolled, lambda b, *v: blocks(b, s.unrolled, v), *self.nothing())
        if count > main:
            sums = blocks(f.i64(main), count - main, sums)
        for j, total in enumerate(self.totals(sums)):
            # A row of W gives a number for each row of x; memory gathers them to vectors.
            f.store(total, self.sums, r + j * s.lanes)

    def nothing(self) -> list[Val]:
        """The initial sums of a row of W by all rows of x, ordered by row of x and then by chain."""
        return zeros(self.f, self.schedule.rows * self.schedule.chains, self.vector)

    def totals(self, sums: Sequence[Val]) -> list[Val]:
        """The results of these sums, for each row of x."""
        n = self.schedule.chains
        return [self.total(sums[j * n : (j + 1) * n]) for j in range(self.schedule.rows)]

    def total(self, chains: Sequence[Val]) -> Val:
        return self.f.reduce("fadd", sum(chains[1:], chains[0]))

    def scales_of(self, address: Val, number: Val, lanes: int) -> Scales:
        """The scales of block `number` of a row, which is at an address."""
        if self.row_scales is not None:
            return self.row_scales.of(number, lanes)
        return scales(self.f, address, self.schedule.form, lanes)

    def multiply_blocks(self, row: Val, number: Val, count: int, sums: Sequence[Val]) -> list[Val]:
        """Adds the products of some blocks of a row of W, which is at an address, to the sums; the first of them is block `number`."""
        totals = list(sums)
        for turn in range(count):
            at = number + turn
            address = self.f.at(row, at * self.schedule.form.size)
            totals = self.multiply(address, at, turn, totals)
        return totals

    def multiply(self, address: Val, number: Val, turn: int, sums: Sequence[Val]) -> list[Val]:
        """Adds the products of block `number` of a row at an address to the sums; it is block `turn` of the unrolled ones."""
        f, s, totals = self.f, self.schedule, list(sums)
        cross, k = value(f, self.product.left.cross), number * s.form.block
        block_scales = self.scales_of(address, number, s.lanes)
        for first, w in self.operands(unpacked(f, address, s.form, s.lanes, block_scales)):
            count = types.lanes(w.ty)
            chain = (turn * s.form.block + first) // count % s.chains
            for j in range(s.rows):
                x = f.load(self.x, k + first + times(f, j, cross), vec(self.element, count))
                at = j * s.chains + chain
                if count > s.lanes:
                    totals[at] = dot_of_pairs(f, x, w, totals[at])
                else:
                    totals[at] = f.fma(f.convert(x, F32), w, totals[at])
        return totals

    def operands(self, numbers: Iterator[tuple[int, Val]]) -> Iterator[tuple[int, Val]]:
        """Unpacked vectors as they are multiplied: rounded if x is, with two in one if the target multiplies pairs."""
        f = self.f
        if self.element == F32:
            yield from numbers
        elif not f.target.multiplies_pairs:
            yield from ((first, f.convert(f.convert(w, BF16), F32)) for first, w in numbers)
        else:
            for (first, low), (_, high) in zip(numbers, numbers, strict=True):
                yield first, rounded_pairs(f, low, high)
