"""Cholesky factors of matrices: a task for some matrices."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.codegen.specials.matrices.blocks import (
    BLOCK,
    matrices_of_tasks,
    panel_stride,
    write_block_functions,
)
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR, SIZE
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

STRIP = 64  # rows whose products are subtracted at once, from the columns up to the last of them


def launch(node: Node, _outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch that factorizes matrices."""
    (a,) = node.args
    batch, n, _ = a.shape
    ty = memory_type(a.dtype)
    each, tasks = matrices_of_tasks(batch, n)
    size = BLOCK * panel_stride(n, target, ty) * SIZE[ty]
    return SpecialLaunch(
        ("cholesky", ty), lambda target: emit(ty, target), tasks if n else 0,
        (n, batch, each, Scratch(size * dims.minimum(tasks, threads)), a, node), f"cholesky[{batch}, {n}, {n}]",
    )  # fmt: skip


def emit(ty: str, target: Target) -> Code:
    """Context: n, number of matrices, matrices of a task, scratch for each thread, matrices, factors."""
    m = Module(target)
    write_block_functions(m, ty)
    with m.fn("corner", internal=True, noalias=False, a=PTR, n=I64, size=I64, ret=I64) as f:
        _corner(f, ty)
    with m.task("task") as f:
        n, batch, each = (f.load(f.ctx, i, I64) for i in range(3))
        stride = panel_stride(n, target, ty)
        panel = f.at(f.load(f.ctx, 3, PTR), f.tid * stride * BLOCK, ty)
        source, factors = (f.load(f.ctx, 4 + i, PTR) for i in range(2))
        first = f.task * each

        def one(k: Val) -> None:
            factor = f.at(factors, k * n * n, ty)
            _Factorization(f, ty, factor, n, panel, stride).write(source, k)

        f.loop(first, f.min(first + each, batch), 1, one)
    return Code.of(m)


class _Factorization:
    """Writes the factorization of one matrix: a lower triangle in place, a block of columns at a time."""

    def __init__(self, f: Any, ty: str, a: Val, n: Val, panel: Val, stride: Val) -> None:
        """`a` is the factor [n, n]; `panel` holds the columns of a block, `stride` elements apart."""
        self.f, self.ty, self.a, self.n, self.panel, self.stride = f, ty, a, n, panel, stride

    def write(self, source: Val, k: Val) -> None:
        """Factorizes matrix `k` of those at `source`; all NaN below the diagonal if it is not positive definite."""
        f, a, n, ty = self.f, self.a, self.n, self.ty

        def copy_row(i: Val) -> None:
            f.memcpy(f.at(a, i * n, ty), f.at(source, (k * n + i) * n, ty), (i + 1) * SIZE[ty])

        def remains(begin: Val, good: Val) -> Val:
            return (begin < n) & good.ne(0)

        _fill(f, a, n, copy_row, ty)
        _, good = f.loop_while(remains, self.block, f.i64(0), f.i64(1))
        f.when(good.eq(0), self.fill_with_nan)
        # Products have changed what is right of the diagonal, too.
        _fill(f, a, n, None, ty)

    def block(self, begin: Val, good: Val) -> tuple[Val, Val]:
        """Factorizes the columns from `begin`, and returns the next block's first column and whether to go on."""
        f, n = self.f, self.n
        end = f.min(begin + BLOCK, n)
        corner = f.at(self.a, begin * n + begin, self.ty)
        good = f.call("corner", corner, n, end - begin, ret=I64)
        f.when(good.ne(0), lambda: self.update_below(begin, end))
        return end, good

    def update_below(self, begin: Val, end: Val) -> None:
        """Solves for the rows below a factorized corner, and subtracts their products from later columns."""
        f, a, n, ty, panel, stride = self.f, self.a, self.n, self.ty, self.panel, self.stride
        size, rest = end - begin, n - end
        below = f.at(a, end * n + begin, ty)
        # The rows of the panel are the columns below the corner.
        _turn(f, below, n, panel, stride, (rest, size), ty, to_panel=True)
        corner = f.at(a, begin * n + begin, ty)
        f.call("substitute", corner, n, size, panel, stride, rest, 1, 0)
        _turn(f, below, n, panel, stride, (rest, size), ty, to_panel=False)

        def strip(low: Val) -> None:
            rows = f.min(rest - low, STRIP)
            to = f.at(a, (end + low) * n + end, ty)
            left = f.at(below, low * n, ty)
            f.call("subtract", to, n, left, n, 1, panel, stride, rows, low + rows, size)

        f.loop(f.i64(0), rest, STRIP, lambda low: unless_dropped(f, lambda: strip(low)))

    def fill_with_nan(self) -> None:
        """Marks the factor of a matrix that is not positive definite."""
        f, n = self.f, self.n
        nan = f.const(float("nan"), self.ty)

        def row(i: Val) -> None:
            f.loop(f.i64(0), i + 1, 1, lambda j: f.store(nan, self.a, i * n + j))

        f.loop(f.i64(0), n, 1, row)


def _fill(f: Any, a: Val, n: Val, row: Any, ty: str) -> None:
    """Fills the upper triangle with zeros, after `row(i)`."""

    def one(i: Val) -> None:
        if row is not None:
            row(i)
        f.memset(f.at(a, i * n + i + 1, ty), 0, (n - i - 1) * SIZE[ty])

    f.loop(f.i64(0), n, 1, one)


def _turn(
    f: Any, a: Val, n: Val, panel: Val, room: Val, extents: tuple[Val, Val], ty: str, to_panel: bool
) -> None:
    """Copies a block [rows, columns] to the panel [columns, rows], or back."""
    rows, columns = extents

    def element(i: Val, j: Val) -> None:
        if to_panel:
            f.store(f.load(a, i * n + j, ty), panel, j * room + i)
        else:
            f.store(f.load(panel, j * room + i, ty), a, i * n + j)

    f.loop(f.i64(0), rows, 1, lambda i: f.loop(f.i64(0), columns, 1, lambda j: element(i, j)))


def _corner(f: Any, ty: str) -> None:
    """Factorizes few rows and columns; returns 0 where a pivot is 0 or negative, else 1."""

    def step(j: Val, _: Val) -> tuple[Val, Val]:
        pivot = f.load(f.a, j * f.n + j, ty)
        good = ~f.compare("le", pivot, f.const(0.0, ty))  # a NaN spreads
        root = f.intrinsic("sqrt", pivot)
        f.store(root, f.a, j * f.n + j)

        def scale(i: Val) -> None:
            f.store(f.load(f.a, i * f.n + j, ty) / root, f.a, i * f.n + j)

        f.loop(j + 1, f.size, 1, scale)

        def row(i: Val) -> None:
            factor = f.load(f.a, i * f.n + j, ty)

            def element(k: Val) -> None:
                x = f.load(f.a, i * f.n + k, ty)
                # Rounded twice, as elsewhere: the sign of a singular matrix's pivot is that of a rounding error.
                product = factor * f.load(f.a, k * f.n + j, ty)
                f.store(f.unfused("sub", x, product), f.a, i * f.n + k)

            f.loop(j + 1, i + 1, 1, element)

        f.loop(j + 1, f.size, 1, row)
        return j + 1, f.convert(good, I64, signed=False)

    def goes_on(j: Val, good: Val) -> Val:
        return (j < f.size) & good.ne(0)

    f.give(f.loop_while(goes_on, step, f.i64(0), f.i64(1))[1])
