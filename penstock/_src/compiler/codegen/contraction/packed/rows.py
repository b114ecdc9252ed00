"""Few rows of x by packed rows of W: a block is unpacked in registers, multiplied by each row of x, and forgotten.

    tasks                     rows of W, some vectors of results
      vectors of results      as many rows of W as a vector of the output has columns
        rows at once          `streams` rows of W, read side by side from end to end; a vector of sums for each and each row of x

The sums of a row of W are added up over the lanes at its end, always in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, is_static, value
from penstock._src.compiler.codegen.contraction.tile import store_as, times, zeros
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    RIGHT,
    Epilogue,
    RegisterTile,
    round_up,
)
from penstock._src.compiler.codegen.scalars.packed_blocks import unpacked
from penstock._src.ir.meaning.packed import PackedFormat
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, PTR, vec

from .description import PackedProduct

MOST_LANES = 16  # of a vector: the elements of a format's shortest run
STREAMS = 4  # rows of W that are read side by side
TASK_BYTES = 16 << 10  # of W: the least that is worth handing out
TASKS = 4  # for each thread


@dataclass(frozen=True)
class RowsSchedule:
    """How the product's rows of W are shared out.

    rows      of x
    lanes     of a vector
    streams   rows of W side by side
    columns   of the output that a task computes
    """

    product: PackedProduct
    target: Target
    rows: int
    lanes: int
    streams: int
    columns: int

    @property
    def form(self) -> PackedFormat:
        return self.product.right.form

    @property
    def tasks(self) -> int:
        return ceil_divide(self.product.n, self.columns)


def choose(product: PackedProduct, target: Target, cut_for: int) -> RowsSchedule:
    """The schedule of a product of few rows, whose tasks are cut for so many threads."""
    assert is_static(product.m)
    rows, lanes = int(product.m), min(target.lanes(F32), MOST_LANES)
    streams = STREAMS
    while (
        streams > 1 and rows * streams > target.registers // 4
    ):  # the rest is for what is unpacked
        streams //= 2
    row_bytes = product.right.row_bytes
    want = TASKS * cut_for if cut_for > 1 else 1
    columns = max(ceil_divide(product.n, want), ceil_divide(TASK_BYTES, row_bytes))
    columns = round_up(min(columns, product.n), lanes)
    return RowsSchedule(product, target, rows, lanes, min(streams, lanes), columns)


class RowsTask:
    """Writes a task: some columns of the output, a vector after the other."""

    def __init__(self, f: Fn, schedule: RowsSchedule, epilogue: Epilogue) -> None:
        self.f, self.schedule, self.epilogue = f, schedule, epilogue
        product = self.product = schedule.product
        self.vector = vec(F32, schedule.lanes)
        base = value(f, product.left.base)
        self.x = f.at(f.load(f.ctx, LEFT, PTR), base, F32)
        self.weights = f.load(f.ctx, RIGHT, PTR)
        self.output = f.load(f.ctx, OUTPUT, PTR)
        self.partial = f.load(f.ctx, PARTIALS, PTR)
        self.sums = f.alloca(F32, schedule.rows * schedule.lanes)

    def write(self) -> None:
        f, s, n = self.f, self.schedule, self.product.n
        if self.epilogue.partial_bytes:
            self.partial = f.at(self.partial, f.task * self.epilogue.partial_bytes)
            self.epilogue.clear(f, self.partial)
        low = f.task * s.columns
        high = f.min(low + s.columns, n)
        whole = n % s.lanes == 0
        last = low + (high - low) // s.lanes * s.lanes
        f.loop(low, high if whole else last, s.lanes, lambda j: self.columns(j, None))
        if not whole:
            f.when(last < high, lambda: self.columns(last, n % s.lanes))

    def columns(self, first: Val, count: int | None) -> None:
        """A vector of results from column `first` on, of which `count` exist (None: all)."""
        f, s = self.f, self.schedule
        f.loop(f.i64(0), s.lanes, s.streams, lambda r: self.rows_of_weights(first, r))
        mask = None if count is None else f.mask(s.lanes, count)
        row = value(f, self.product.row)
        place = lambda i, _: first + times(f, i, row)
        tile = RegisterTile(
            f, [(i, 0) for i in range(s.rows)], place, lambda _: first, lambda _: mask,
            self.product.n, FIRST_SIZE + self.product.sizes,
        )  # fmt: skip
        made = [f.load(self.sums, i * s.lanes, self.vector) for i in range(s.rows)]
        made = self.epilogue.apply(f, tile, made)
        for i, v in enumerate(made):
            store_as(f, v, self.output, place(i, 0), self.product.types.output, mask)
        if self.epilogue.partial_bytes:
            self.epilogue.accumulate(f, tile, made, self.partial)

    def rows_of_weights(self, first: Val, r: Val) -> None:
        """Results r <= i < r + streams of a vector; those behind the last row of W are of that row, again."""
        f, s, row = self.f, self.schedule, self.product.right.row_bytes
        starts = [f.min(first + r + i, self.product.n - 1) * row for i in range(s.streams)]
        begin = self.nothing()
        each = len(begin)

        def block(b: Val, *sums: Val) -> list[Val]:
            made = list(sums)
            for i, start in enumerate(starts):
                address = f.at(self.weights, start + b * s.form.size)
                at = slice(i * each, (i + 1) * each)
                made[at] = self.multiply(address, b, made[at])
            return made

        sums = f.loop(f.i64(0), self.product.k // s.form.block, 1, block, *begin * s.streams)
        for i in range(s.streams):
            for j, total in enumerate(self.totals(sums[i * each : (i + 1) * each])):
                f.store(total, self.sums, r + (i + j * s.lanes))

    def nothing(self) -> list[Val]:
        """The sums of a row of W by all rows of x, as they begin."""
        return zeros(self.f, self.schedule.rows, self.vector)

    def totals(self, sums: Sequence[Val]) -> list[Val]:
        """The results of these sums."""
        return [self.f.reduce("fadd", v) for v in sums]

    def multiply(self, address: Val, number: Val, sums: Sequence[Val]) -> list[Val]:
        """The sums with the products of block `number` of a row, which stands at an address."""
        f, s, made = self.f, self.schedule, list(sums)
        cross, k = value(f, self.product.left.cross), number * s.form.block
        for first, w in unpacked(f, address, s.form, s.lanes):
            for j in range(s.rows):
                x = f.load(self.x, k + first + times(f, j, cross), self.vector)
                made[j] = f.fma(x, w, made[j])
        return made
