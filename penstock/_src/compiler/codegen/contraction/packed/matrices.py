"""Many rows of x, rounded to int8 by groups, by packed weights: sums of bytes in matrix registers (products/matrix_registers.py).

    y[i][j] += scale_x[i] * scale_w[j] * (sum of q_x[i] q_w[j])  +  (scale_x[i] * sum of q_x[i]) * minimum_w[j]

for each unit, the neighbors that share both scales. The sums of a unit are exact in int32.

    round     16 rows of x to whole numbers; x has been rounded by the same groups, so this finds its numbers again
    task      16 columns of W after the other: unpacked to bytes once, then multiplied by all rows of x
                16 rows of x
                  some units in registers, while the sums of the previous ones are scaled and added

Units are rounded up to those of a step by some whose scales are 0. Sums are added in the order of the units, whatever the cut.
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, number, value
from penstock._src.compiler.codegen.contraction.pack import pack_across
from penstock._src.compiler.codegen.contraction.products.matrix_registers import (
    SIDE,
    MatrixRegisters,
    Shapes,
    begin_matrices,
    end_matrices,
    matrix_registers,
)
from penstock._src.compiler.codegen.contraction.tile import store_as, times, word
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    LEFT,
    OUTPUT,
    PARTIALS,
    RIGHT,
    SCRATCH,
    Epilogue,
    KernelStage,
    RegisterTile,
    Sizes,
    final_values,
    round_up,
)
from penstock._src.compiler.codegen.scalars.packed_blocks import integers, scales
from penstock._src.compiler.codegen.scalars.rounded_groups import load_group
from penstock._src.ir.meaning.packed import PackedFormat
from penstock._src.native import Code, Module, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I8, I32, PTR, SIZE, lanes, vec
from penstock._src.util.dataclass import dataclass

from .description import PackedProduct

STEP = 4  # units that are multiplied before their sums are added: a register of sums for each
QUAD = 4  # neighbors that are multiplied together
# Elements of a row that are unpacked before they are turned: whole blocks of every format.
STRETCH = 256
TASKS = 4  # for each thread
_SUMS, _LEFTS, _RIGHTS = (0, 1, 2, 3), (4, 5), (6, 7)  # numbers of registers


@dataclass(frozen=True)
class MatrixGroupsSchedule:
    """A product of rounded rows; `columns` of a task are whole registers."""

    product: PackedProduct
    target: Target
    threads: int
    columns: int

    @property
    def form(self) -> PackedFormat:
        return self.product.right.form

    @property
    def unit(self) -> int:
        """Neighbors that share the scales of both operands."""
        return min(self.form.group, self.product.rounded)

    @property
    def units(self) -> int:
        """Units of a row, with those that fill the last step."""
        return round_up(self.product.k // self.unit, STEP)

    @property
    def shapes(self) -> Shapes:
        """The registers of operands, which are as deep as a unit."""
        quads = self.unit // QUAD
        return dict.fromkeys(_LEFTS, (SIDE, quads)) | dict.fromkeys(_RIGHTS, (quads, SIDE))

    @property
    def has_minima(self) -> bool:
        return self.form.minimum is not None

    @property
    def tasks(self) -> int:
        return ceil_divide(self.product.n, self.columns)

    def stages(self, sizes: Sizes) -> list[KernelStage]:
        rows = number(self.product.m, sizes)
        tiles = ceil_divide(rows, SIDE)
        tasks = self.tasks if rows else 0
        return [KernelStage("round", lambda _: tiles), KernelStage("task", lambda _: tasks)]

    # -- memory, in bytes
    @property
    def numbers_room(self) -> int:
        """Bytes of the numbers of 16 rows of x or 16 columns of W, with one unused step."""
        return (self.units + STEP) * self.unit * SIDE

    @property
    def scales_room(self) -> int:
        """Bytes of one number for each unit of 16 rows or columns."""
        return self.units * SIDE * SIZE[F32]

    @property
    def tile_room(self) -> int:
        """Bytes of 16 rows of x or 16 columns of W: numbers, scales, and sums or minima."""
        return self.numbers_room + (1 + self.has_minima) * self.scales_room

    def scratch(self, sizes: Sizes) -> int:
        """Bytes of rounded x, and of a thread's columns of W."""
        tiles = ceil_divide(number(self.product.m, sizes), SIDE) + self.threads
        return int(tiles) * self.tile_room + 64

    @property
    def facts(self) -> dict[str, Any]:
        return {"cut": "columns", "nc": self.columns, "group": QUAD, "unit": "matrices"}


def suits(product: PackedProduct, target: Target) -> bool:
    """True if rows of x that were rounded by groups can be multiplied by the target's matrix registers."""
    whole = product.left.depth == (1,) and not product.batch and product.k > 0
    return bool(product.rounded) and whole and target.multiplies_matrices


def choose(
    product: PackedProduct, target: Target, threads: int, cut_for: int
) -> MatrixGroupsSchedule:
    """The schedule for a pool of `threads`, with tasks for `cut_for` of them."""
    want = TASKS * cut_for if cut_for > 1 else 1
    columns = round_up(ceil_divide(product.n, want), SIDE)
    return MatrixGroupsSchedule(product, target, threads, columns)


def write(schedule: MatrixGroupsSchedule, epilogue: Epilogue) -> Code:
    """Writes the code of a schedule."""
    module = Module(schedule.target)
    with module.task("round") as f:
        _write_rounding(f, schedule)
    with module.task("task") as f:
        _Task(f, schedule, epilogue).write()
    return Code.of(module)


@dataclass(frozen=True)
class _Tile:
    """The addresses of 16 rows of x or 16 columns of W: whole numbers, and for each unit 16 scales and 16 sums or minima."""

    numbers: Val
    scales: Val
    addends: Val | None


def _tile(f: Fn, s: MatrixGroupsSchedule, address: Val) -> _Tile:
    scales = f.at(address, s.numbers_room)
    return _Tile(address, scales, f.at(scales, s.scales_room) if s.has_minima else None)


def _write_rounding(f: Fn, s: MatrixGroupsSchedule) -> None:
    """A task rounds 16 rows of x; rows past the last one repeat it."""
    product, unit, size = s.product, s.unit, s.product.rounded
    x = f.at(f.load(f.ctx, LEFT, PTR), value(f, product.left.base), F32)
    tile = _tile(f, s, f.at(f.load(f.ctx, SCRATCH, PTR), f.task * s.tile_room))
    shares, last = size // unit, word(f, value(f, product.m)) - 1

    def row(r: Val) -> None:
        source = f.at(
            x, times(f, f.min(f.task * SIDE + r, last), value(f, product.left.cross)), F32
        )

        def group(g: Val) -> None:
            rounded, scale = load_group(f, f.at(source, g * size, F32), size)
            n = lanes(rounded[0].ty)
            for share in range(shares):
                place = (g * shares + share) * SIDE + r
                vectors = rounded[share * unit // n : (share + 1) * unit // n]
                for i, v in enumerate(vectors):
                    f.store(f.convert(v, I8), tile.numbers, place * unit + i * n)
                f.store(scale, tile.scales, place)
                if tile.addends is not None:
                    # Small integers, far below 2^24: their float sum is exact in any order.
                    total = f.reduce("fadd", sum(vectors[1:], vectors[0]))
                    f.store(total * scale, tile.addends, place)

        f.loop(f.i64(0), product.k // size, 1, group)

    f.loop(f.i64(0), SIDE, 1, row)
    _clear_surplus(f, s, tile)


def _clear_surplus(f: Fn, s: MatrixGroupsSchedule, tile: _Tile) -> None:
    """Sets the scales of units past the last one to 0, so that they add nothing."""
    for p in (tile.scales, tile.addends):
        for u in range(s.product.k // s.unit, s.units):
            if p is not None:
                f.store(f.zero(vec(F32, SIDE)), p, u * SIDE)


class _Task:
    """Writes a task: some columns of the output."""

    def __init__(self, f: Fn, schedule: MatrixGroupsSchedule, epilogue: Epilogue) -> None:
        self.f, self.schedule, self.epilogue = f, schedule, epilogue
        self.product = schedule.product
        self.vector = vec(F32, SIDE)
        self.m = word(f, value(f, self.product.m))
        self.output = f.load(f.ctx, OUTPUT, PTR)
        self.weights = f.load(f.ctx, RIGHT, PTR)
        self.partial = f.load(f.ctx, PARTIALS, PTR)
        self.rows = f.load(f.ctx, SCRATCH, PTR)
        tiles = (self.m + (SIDE - 1)) // SIDE
        own = f.at(self.rows, (tiles + f.tid) * schedule.tile_room)
        self.columns = _tile(f, schedule, own)
        self.registers: MatrixRegisters = matrix_registers(f, I32, QUAD, schedule.shapes)
        self.unpacked = f.alloca(I8, SIDE * STRETCH)
        self.dots = f.alloca(I32, 2 * STEP * SIDE * SIDE)  # of the current step and the next
        self.sums = f.alloca(F32, SIDE * SIDE)

    def write(self) -> None:
        f, s, n = self.f, self.schedule, self.product.n
        if self.epilogue.partial_bytes:
            self.partial = f.at(self.partial, f.task * self.epilogue.partial_bytes)
            self.epilogue.clear(f, self.partial)
        begin_matrices(f, s.shapes)
        low = f.task * s.columns
        high = f.min(low + s.columns, n)
        f.loop(low, high, SIDE, self.multiply_columns)
        end_matrices(f)

    def multiply_columns(self, first: Val) -> None:
        """All rows by the 16 columns from `first`; the last of these may not exist."""
        f, s = self.f, self.schedule
        self.unpack(first)
        mask = None if self.product.n % SIDE == 0 else f.mask(SIDE, f.i64(self.product.n) - first)

        def rows(i: Val) -> None:
            tile = _tile(f, s, f.at(self.rows, i // SIDE * s.tile_room))
            self.sum_units(tile)
            f.loop(f.i64(0), f.min(self.m - i, SIDE), 1, lambda r: self.finish(i, r, first, mask))

        f.loop(f.i64(0), self.m, SIDE, rows)

    # -- columns of W
    def unpack(self, first: Val) -> None:
        """Unpacks 16 columns to quads of bytes, the quads of a unit in a register's rows; columns past the last one repeat it."""
        f, s, form, k = self.f, self.schedule, self.schedule.form, self.product.k
        shares = form.block // s.unit  # units of a block

        def stretch(at: Val) -> None:
            left = f.min(f.i64(k) - at, STRETCH)

            def row(c: Val) -> None:
                start = f.min(first + c, self.product.n - 1) * self.product.right.row_bytes
                address = f.at(self.weights, start + at // form.block * form.size)

                def block(b: Val) -> None:
                    p = f.at(address, b * form.size)
                    for run in form.runs:
                        q = integers(f, p, form, run, 0, run.length)
                        f.store(q, self.unpacked, c * STRETCH + b * form.block + run.start)
                    self.store_scales(p, (at // s.unit + b * shares) * SIDE + c)

                f.loop(f.i64(0), left // form.block, 1, block)

            f.loop(f.i64(0), SIDE, 1, row)
            # Quads have the bytes of a float: they are turned as if they were some.
            to = f.at(self.columns.numbers, at * SIDE)
            pack_across(
                f,
                self.unpacked,
                base=0,
                cross_stride=STRETCH // QUAD,
                width=SIDE,
                count=SIDE,
                nk=left // QUAD,
                dst=to,
                dst_stride=SIDE,
                element=F32,
                total=F32,
                lane_count=SIDE,
            )

        f.loop(f.i64(0), k, STRETCH, stretch)
        _clear_surplus(f, s, self.columns)

    def store_scales(self, block: Val, place: Val) -> None:
        """Stores the scales and minima of a block of a column; `place` is that of its first unit."""
        f, form = self.f, self.schedule.form
        found = scales(f, block, form, QUAD)
        shares = form.block // self.schedule.unit
        each = shares // lanes(found.scale.ty) if found.has_factors else shares
        for share in range(shares):
            lane = share // each
            f.store(f.extract(found.scale, lane), self.columns.scales, place + share * SIDE)
            if self.columns.addends is not None and found.minimum is not None:
                minimum = f.extract(found.minimum, lane)
                f.store(minimum, self.columns.addends, place + share * SIDE)

    # -- sums
    def sum_units(self, rows: _Tile) -> None:
        """Sums of 16 rows by the 16 columns, of all units."""
        f, s = self.f, self.schedule
        f.memset(self.sums, 0, SIDE * SIDE * SIZE[F32])
        self.multiply(rows, f.i64(0))

        def step(unit: Val) -> None:
            # The next step's sums are on their way to memory while these are added. Those stored after the last step are not read.
            self.multiply(rows, unit + STEP)
            self.add(rows, unit)

        f.loop(f.i64(0), s.units, STEP, step)

    def dots_of(self, unit: Val) -> Val:
        """The address of the sums of bytes of the step that begins with this unit."""
        return self.f.at(self.dots, unit // STEP % 2 * (STEP * SIDE * SIDE), I32)

    def multiply(self, rows: _Tile, unit: Val) -> None:
        """Stores the sums of bytes of the step that begins with this unit."""
        f, registers, size = self.f, self.registers, self.schedule.unit
        to = self.dots_of(unit)
        for i, total in enumerate(_SUMS):
            at = (unit + i) * (size * SIDE)
            left, right = _LEFTS[i % len(_LEFTS)], _RIGHTS[i % len(_RIGHTS)]
            registers.zero(total)
            registers.load(left, f.at(rows.numbers, at), size // QUAD)
            registers.load(right, f.at(self.columns.numbers, at), SIDE)
            registers.multiply(total, left, right)
        for i, total in enumerate(_SUMS):
            registers.store(total, f.at(to, i * SIDE * SIDE, I32), SIDE)

    def add(self, rows: _Tile, unit: Val) -> None:
        """Adds the scaled sums of a step."""
        f, vector, columns = self.f, self.vector, self.columns
        dots, at = self.dots_of(unit), [(unit + i) * SIDE for i in range(STEP)]
        of_columns = [f.load(columns.scales, place, vector) for place in at]
        minima = [f.load(columns.addends, p, vector) for p in at] if columns.addends else []

        def row(r: Val) -> None:
            total = f.load(self.sums, r * SIDE, vector)
            for i, place in enumerate(at):
                dot = f.load(dots, r * SIDE + i * SIDE * SIDE, vec(I32, SIDE))
                scaled = f.convert(dot, F32) * f.splat(f.load(rows.scales, place + r, F32), SIDE)
                total = f.fma(scaled, of_columns[i], total)
                if rows.addends is not None:
                    of_row = f.splat(f.load(rows.addends, place + r, F32), SIDE)
                    total = f.fma(of_row, minima[i], total)
            f.store(total, self.sums, r * SIDE)

        f.loop(f.i64(0), SIDE, 1, row)

    def finish(self, first_row: Val, r: Val, first: Val, mask: Val | None) -> None:
        """Stores the epilogue's values of row r of the sums."""
        f, product = self.f, self.product
        start = times(f, first_row + r, value(f, product.row)) + first
        tile = RegisterTile(
            f, [(0, 0)], lambda _i, _j: start, lambda _: first, lambda _: mask, product.n,
            FIRST_SIZE + product.sizes,
        )  # fmt: skip
        (v,) = final_values(
            f, self.epilogue, tile, [f.load(self.sums, r * SIDE, self.vector)], self.partial
        )
        store_as(f, v, self.output, start, product.types.output, mask)
