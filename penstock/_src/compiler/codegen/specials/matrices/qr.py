"""QR factors of matrices by blocks of Householder's reflections: a task for each matrix.

The product of a block's reflections is I - V T V^T (Schreiber, Van Loan, "A storage-efficient WY representation for products of Householder
transformations", 1989), so that it is carried over to the rest by products. V stays below the diagonal of R until Q is made.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.codegen.specials.matrices.blocks import (
    BLOCK,
    clear_rows,
    copy_rows,
    minus_product,
    panel_stride,
    write_block_functions,
)
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I32, I64, PTR, SIZE, vec
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

COLUMNS = 256  # to which a block is carried over at once
# By bytes of a number: sums of squares that have lost nothing to underflow or overflow; others are of scaled numbers.
USUAL = {4: (2.0**-64, 2.0**120), 8: (2.0**-900, 2.0**1000)}


def launch(node: Node, outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch that factorizes matrices. Unused results go to scratch memory."""
    (a,) = node.args
    batch, m, n = a.shape
    ty = memory_type(a.dtype)
    columns = node.attrs["columns"]
    items = {item.attrs["index"]: item for item in outputs}
    sizes = batch * m * columns * SIZE[ty], a.size * SIZE[ty]
    arrays = [items.get(i, Scratch(size)) for i, size in enumerate(sizes)]
    blocks = dims.ceil_divide(dims.minimum(m, n), BLOCK)
    elements = BLOCK * m + 2 * BLOCK * panel_stride(COLUMNS, target, ty) + blocks * BLOCK * BLOCK
    return SpecialLaunch(
        ("qr", ty), lambda target: emit(ty, target), batch if m and n else 0,
        (m, n, columns, Scratch(elements * SIZE[ty] * dims.minimum(batch, threads)), elements, a, *arrays), f"qr[{batch}, {m}, {n}]",
    )  # fmt: skip


def emit(ty: str, target: Target) -> Code:
    """Context: m, n, columns of Q, scratch for each thread, its elements, matrices, Q, R."""
    module = Module(target)
    write_block_functions(module, ty)
    with module.fn("reflect", internal=True, noalias=False, a=PTR, rows=I64, size=I64, t=PTR) as f:
        _Reflections(f, ty).write()
    with module.fn(
        "carry_over", internal=True, noalias=False,
        v=PTR, rows=I64, size=I64, t=PTR, stride_t=I64, step_t=I64, c=PTR, stride=I64, columns=I64, panels=PTR,
    ) as f:  # fmt: skip
        _carry_over(f, ty)
    with module.task("task") as f:
        _Matrix(f, ty).write()
    return Code.of(module)


class _Matrix:
    """Writes the code for the task's matrix."""

    def __init__(self, f: Any, ty: str) -> None:
        self.f, self.ty = f, ty
        self.m, self.n, self.columns = (f.load(f.ctx, i, I64) for i in range(3))
        self.v = f.at(f.load(f.ctx, 3, PTR), f.tid * f.load(f.ctx, 4, I64), ty)
        self.panels = f.at(self.v, self.m * BLOCK, ty)
        self.t = f.at(self.panels, 2 * BLOCK * panel_stride(COLUMNS, f.target, ty), ty)
        source, q, r = (f.load(f.ctx, 5 + i, PTR) for i in range(3))
        self.source, self.r = (f.at(x, f.task * self.m * self.n, ty) for x in (source, r))
        self.q = f.at(q, f.task * self.m * self.columns, ty)

    def write(self) -> None:
        """Writes the factors."""
        f, m, n = self.f, self.m, self.n
        f.memcpy(self.r, self.source, m * n * SIZE[self.ty])
        f.memset(self.q, 0, m * self.columns * SIZE[self.ty])
        one = f.const(1.0, self.ty)
        diagonal = f.min(m, self.columns)
        f.loop(f.i64(0), diagonal, 1, lambda i: f.store(one, self.q, i * self.columns + i))
        count = f.min(m - 1, n)
        f.loop(
            f.i64(0),
            count,
            BLOCK,
            lambda begin: unless_dropped(f, lambda: self._block(begin, count)),
        )
        blocks = (count + (BLOCK - 1)) // BLOCK
        f.loop(
            f.i64(0), blocks, 1,
            lambda i: unless_dropped(f, lambda: self._unit((blocks - 1 - i) * BLOCK, count)),
        )  # fmt: skip

        def clear(i: Val) -> None:
            f.memset(f.at(self.r, i * n, self.ty), 0, f.min(i, n) * SIZE[self.ty])

        f.loop(f.i64(1), m, 1, clear)

    def _own(self, begin: Val, count: Val) -> tuple[Val, Val, Val, Val]:
        """The block in R, its rows and columns, and its T."""
        f = self.f
        own = f.at(self.r, begin * self.n + begin, self.ty)
        return (
            own,
            self.m - begin,
            f.min(count - begin, BLOCK),
            f.at(self.t, begin * BLOCK, self.ty),
        )

    def _block(self, begin: Val, count: Val) -> None:
        f, n, width = self.f, self.n, self.f.i64(BLOCK)
        own, rows, size, t = self._own(begin, count)
        copy_rows(f, self.v, width, own, n, (rows, size), self.ty)
        f.call("reflect", self.v, rows, size, t)
        copy_rows(f, own, n, self.v, width, (rows, size), self.ty)
        self._clean(size)
        rest = n - begin - size
        # The reflections are undone in their order: by the transpose of T.
        f.call(
            "carry_over",
            self.v,
            rows,
            size,
            t,
            1,
            BLOCK,
            f.at(own, size, self.ty),
            n,
            rest,
            self.panels,
        )

    def _unit(self, begin: Val, count: Val) -> None:
        f = self.f
        own, rows, size, t = self._own(begin, count)
        copy_rows(f, self.v, f.i64(BLOCK), own, self.n, (rows, size), self.ty)
        self._clean(size)
        # Columns before the block's are still those of the unit matrix, with zeros in the block's rows.
        to = f.at(self.q, begin * self.columns + begin, self.ty)
        f.call(
            "carry_over",
            self.v,
            rows,
            size,
            t,
            BLOCK,
            1,
            to,
            self.columns,
            self.columns - begin,
            self.panels,
        )

    def _clean(self, size: Val) -> None:
        """Makes V of a block's columns: ones on the diagonal, and zeros above it."""
        f = self.f
        zero, one = (f.const(x, self.ty) for x in (0.0, 1.0))

        def row(i: Val) -> None:
            f.store(one, self.v, i * BLOCK + i)
            f.loop(i + 1, size, 1, lambda j: f.store(zero, self.v, i * BLOCK + j))

        f.loop(f.i64(0), size, 1, row)


class _Reflections:
    """Makes a block [rows, size] upper triangular, with V below the diagonal, and writes T: a reflection for each column."""

    def __init__(self, f: Any, ty: str) -> None:
        self.f, self.ty = f, ty
        self.lanes = f.target.lanes(ty)
        self.starts = range(0, BLOCK, self.lanes)  # of the vectors of a row
        self.products = f.alloca(ty, BLOCK)  # of a column's v with each column of the block

    def write(self) -> None:
        f = self.f
        f.memset(f.t, 0, f.size * (BLOCK * SIZE[self.ty]))
        f.loop(f.i64(0), f.size, 1, self.column)

    def row(self, i: Val) -> list[Val]:
        """A row of the block, in vectors."""
        wide = vec(self.ty, self.lanes)
        return [self.f.load(self.f.a, i * BLOCK + start, wide) for start in self.starts]

    def column(self, j: Val) -> None:
        """Reflects column j if it is not zero below the diagonal."""
        f, ty = self.f, self.ty
        least, most = USUAL[SIZE[ty]]
        one = f.const(1.0, ty)
        first, rest = f.load(f.a, j * BLOCK + j, ty), _squares(f, j, one, ty)
        total = first * first + rest
        is_usual = f.compare("ge", total, f.const(least, ty)) & (
            f.compare("le", total, f.const(most, ty))
        )

        def scaled() -> tuple[Val, Val]:
            power = _power_of_two(f, j, ty)
            return power, _squares(f, j, one / power, ty)

        power, rest = f.when(is_usual, lambda: (one, rest), scaled)
        is_reflected = rest.ne(0.0) | f.compare("uno", rest, rest)
        f.when(is_reflected, lambda: self.reflect(j, first, rest, power))

    def reflect(self, j: Val, first: Val, rest: Val, power: Val) -> None:
        """Applies the reflection I - tau v v' of column j; `rest` is its sum of squares below the diagonal, scaled."""
        f, ty = self.f, self.ty
        small = first / power
        norm = f.intrinsic("sqrt", small * small + rest)
        scaled = f.select(f.compare("ge", first, f.const(0.0, ty)), -norm, norm)
        tau, beta = (scaled - small) / scaled, scaled * power
        sums = self.multiply(j, first - beta)
        self.subtract(j, tau, sums)
        f.store(beta, f.a, j * BLOCK + j)
        f.store(tau, f.t, j * BLOCK + j)
        self.extend_t(j, tau)

    def multiply(self, j: Val, head: Val) -> list[Val]:
        """Divides column j by `head`, which makes it v, and returns v' times the block; stores these products, too."""
        f, ty, lanes = self.f, self.ty, self.lanes
        own = self.row(j)

        def add(i: Val, *sums: Val) -> list[Val]:
            row = self.row(i)
            v = f.load(f.a, i * BLOCK + j, ty) / head
            f.store(v, f.a, i * BLOCK + j)
            return [f.fma(f.splat(v, lanes), x, s) for x, s in zip(row, sums, strict=True)]

        sums = f.loop(j + 1, f.rows, 1, add, *own)
        for start, s in zip(self.starts, sums, strict=True):
            f.store(s, self.products, start)
        return sums

    def subtract(self, j: Val, tau: Val, sums: list[Val]) -> None:
        """Subtracts tau v (v' A) from the columns after j."""
        f, ty, lanes = self.f, self.ty, self.lanes
        wide = vec(ty, lanes)
        later = [f.lane_numbers(lanes, I64) + start > f.splat(j, lanes) for start in self.starts]

        def change(i: Val, factor: Val) -> None:
            spread = f.splat(factor, lanes)
            for start, mask, s in zip(self.starts, later, sums, strict=True):
                x = f.load(f.a, i * BLOCK + start, wide)
                f.store(f.select(mask, minus_product(f, x, spread, s), x), f.a, i * BLOCK + start)

        change(j, tau)
        f.loop(j + 1, f.rows, 1, lambda i: change(i, tau * f.load(f.a, i * BLOCK + j, ty)))

    def extend_t(self, j: Val, tau: Val) -> None:
        """Writes column j of T, of the compact WY form of the reflections: -tau T (V' v)."""
        f, ty = self.f, self.ty

        def row(p: Val) -> None:
            def take(k: Val, s: Val) -> tuple[Val]:
                t, product = f.load(f.t, p * BLOCK + k, ty), f.load(self.products, k, ty)
                return (f.fma(t, product, s),)

            (s,) = f.loop(p, j, 1, take, f.const(0.0, ty))
            f.store(-tau * s, f.t, p * BLOCK + j)

        f.loop(f.i64(0), j, 1, row)


def _squares(f: Any, j: Val, scale: Val, ty: str) -> Val:
    """The sum of the squares of column j below its diagonal, multiplied by a factor first."""
    lanes = f.target.lanes(ty)
    offsets, factor = f.lane_numbers(lanes, I64) * BLOCK, f.splat(scale, lanes)

    def add(i: Val, s: Val) -> tuple[Val]:
        x = f.gather(
            f.at(f.a, i * BLOCK + j, ty), offsets, vec(ty, lanes), f.mask(lanes, f.rows - i)
        )
        x = x * factor
        return (f.fma(x, x, s),)

    (s,) = f.loop(j + 1, f.rows, lanes, add, f.splat(f.const(0.0, ty), lanes))
    return f.reduce("fadd", s)


def _power_of_two(f: Any, j: Val, ty: str) -> Val:
    """The largest power of two up to the largest number of column j from its diagonal on, whose inverse is a normal number too; 1 if one is not finite."""
    word, bits_of_fraction = {4: (I32, 23), 8: (I64, 52)}[SIZE[ty]]
    exponents = (1 << (8 * SIZE[ty] - 1)) - (1 << bits_of_fraction)

    def look(i: Val, largest: Val) -> tuple[Val]:
        return (f.intrinsic("umax", f.load(f.a, i * BLOCK + j, word) & exponents, largest),)

    smallest = f.const(1 << bits_of_fraction, word)
    (largest,) = f.loop(j, f.rows, 1, look, smallest)
    most = f.const(exponents - (2 << bits_of_fraction), word)
    power = f.bits(f.intrinsic("umin", largest, most), ty)
    return f.select(largest.eq(exponents), f.const(1.0, ty), power)


def _carry_over(f: Any, ty: str) -> None:
    """c [rows, columns] becomes (I - V T V^T) c, some columns at a time."""
    room = panel_stride(COLUMNS, f.target, ty)
    first, second = f.panels, f.at(f.panels, BLOCK * room, ty)

    def part(at: Val) -> None:
        width, c = f.min(f.columns - at, COLUMNS), f.at(f.c, at, ty)
        # Only what is worked on: the panels have room for many columns, which small matrices lack.
        for panel in (first, second):
            clear_rows(f, panel, room, (f.size, width), ty)
        f.call("subtract", first, room, f.v, 1, BLOCK, c, f.stride, f.size, width, f.rows)
        f.call(
            "subtract", second, room, f.t, f.stride_t, f.step_t, first, room, f.size, width, f.size
        )
        f.call("subtract", c, f.stride, f.v, BLOCK, 1, second, room, f.rows, width, f.size)

    f.loop(f.i64(0), f.columns, COLUMNS, part)
