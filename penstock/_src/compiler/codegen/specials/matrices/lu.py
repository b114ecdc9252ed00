"""LU factors of matrices by exchanges of rows: a task for some matrices."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.codegen.specials.matrices.blocks import (
    BLOCK,
    copy_rows,
    matrices_of_tasks,
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


def launch(node: Node, outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch that factorizes matrices. Unused results go to scratch memory."""
    (a,) = node.args
    batch, n, _ = a.shape
    ty = memory_type(a.dtype)
    items = {item.attrs["index"]: item for item in outputs}
    sizes = a.size * a.dtype.size, batch * n * 4, batch * 4
    arrays = [items.get(i, Scratch(size)) for i, size in enumerate(sizes)]
    each, tasks = matrices_of_tasks(batch, n)
    size = BLOCK * (panel_stride(n, target, ty) + n) * SIZE[ty]
    return SpecialLaunch(
        ("lu", ty), lambda target: emit(ty, target), tasks,
        (n, batch, each, Scratch(size * dims.minimum(tasks, threads)), a, *arrays), f"lu[{batch}, {n}, {n}]",
    )  # fmt: skip


def emit(ty: str, target: Target) -> Code:
    """Context: n, number of matrices, matrices of a task, scratch for each thread, matrices, factors, orders int32, exchanges int32.

    A thread's scratch holds a block's columns, row by row without gaps, and the rows that it carries over.
    """
    m = Module(target)
    write_block_functions(m, ty)
    with m.fn(
        "factorize_columns", internal=True, noalias=False, a=PTR, rows=I64, size=I64, others=PTR
    ) as f:
        _factorize_columns(f, ty)
    with m.task("task") as f:
        n, batch, each = (f.load(f.ctx, i, I64) for i in range(3))
        room = panel_stride(n, target, ty)
        columns = f.at(f.load(f.ctx, 3, PTR), f.tid * ((room + n) * BLOCK), ty)
        panel = f.at(columns, n * BLOCK, ty)
        source, factors, orders, exchanges = (f.load(f.ctx, 4 + i, PTR) for i in range(4))
        others = f.alloca(I64, BLOCK)
        first = f.task * each

        def one(k: Val) -> None:
            a, order = f.at(factors, k * n * n, ty), f.at(orders, k * n, I32)
            f.memcpy(a, f.at(source, k * n * n, ty), n * n * SIZE[ty])
            f.loop(f.i64(0), n, 1, lambda i: f.store(f.convert(i, I32), order, i))

            def block(begin: Val, count: Val) -> tuple[Val, ...]:
                return f.when(_is_dropped(f), lambda: (count,), lambda: (work(begin, count),))

            def work(begin: Val, count: Val) -> Val:
                end = f.min(begin + BLOCK, n)
                size, rest, rows = end - begin, n - end, n - begin
                own = f.at(a, begin * n + begin, ty)
                width = f.i64(BLOCK)
                copy_rows(f, columns, width, own, n, (rows, size), ty)
                f.call("factorize_columns", columns, rows, size, others)
                count = _exchanged(f, a, order, (begin, end, n), others, count, ty)
                copy_rows(f, own, n, columns, width, (rows, size), ty)
                right = f.at(a, begin * n + end, ty)
                copy_rows(f, panel, room, right, n, (size, rest), ty)
                f.call("substitute", columns, BLOCK, size, panel, room, rest, 1, 1)
                copy_rows(f, right, n, panel, room, (size, rest), ty)
                to, left = f.at(a, end * n + end, ty), f.at(columns, size * BLOCK, ty)
                f.call("subtract", to, n, left, BLOCK, 1, panel, room, rest, rest, size)
                return count

            (count,) = f.loop(f.i64(0), n, BLOCK, block, f.i64(0))
            f.store(f.convert(count, I32), exchanges, k)

        f.loop(first, f.min(first + each, batch), 1, one)
    return Code.of(m)


def _is_dropped(f: Any) -> Val:
    return f.call("penstock_task_is_dropped", f.tid, ret=I64).ne(0)


def _factorize_columns(f: Any, ty: str) -> None:
    """Factorizes a block of columns [rows, size], and writes the row that each was exchanged with."""
    lanes = f.target.lanes(ty)
    wide = vec(ty, lanes)
    for first in range(0, BLOCK, lanes):
        # Steps of these columns change no vector before theirs.
        starts = range(first, BLOCK, lanes)

        def step(j: Val, starts: range = starts) -> None:
            best = _pivot(f, j, ty)
            f.store(best, f.others, j)
            f.when(best.ne(j), lambda: _swap(f, f.a, (j, best), BLOCK, f.i64(BLOCK), ty))
            pivot = f.load(f.a, j * BLOCK + j, ty)
            divisor = f.select(pivot.eq(0.0), f.const(1.0, ty), pivot)
            # The first vector has columns that are done.
            is_later = f.lane_numbers(lanes, I64) + starts[0] > f.splat(j, lanes)
            own = [f.load(f.a, j * BLOCK + start, wide) for start in starts]

            def eliminate(i: Val) -> None:
                factor = f.load(f.a, i * BLOCK + j, ty) / divisor
                spread = f.splat(factor, lanes)
                for number, (start, x) in enumerate(zip(starts, own, strict=True)):
                    y = f.load(f.a, i * BLOCK + start, wide)
                    changed = minus_product(f, y, spread, x)
                    f.store(
                        changed if number else f.select(is_later, changed, y),
                        f.a,
                        i * BLOCK + start,
                    )
                f.store(factor, f.a, i * BLOCK + j)

            f.loop(j + 1, f.rows, 1, eliminate)

        f.loop(f.i64(first), f.min(f.size, first + lanes), 1, step)


def _pivot(f: Any, j: Val, ty: str) -> Val:
    """The row with the largest number of column j among row j and those below; a NaN counts in row j alone."""
    word = {4: I32, 8: I64}[SIZE[ty]]
    lanes = f.target.lanes(ty)
    wide, bits = vec(word, lanes), 8 * SIZE[ty]
    # Bits of numbers without sign order as the numbers do, those of NaN come after them.
    magnitude, nan = (1 << (bits - 1)) - 1, {4: 0x7F800001, 8: 0x7FF0000000000001}[SIZE[ty]]
    offsets = f.lane_numbers(lanes, I64) * BLOCK
    numbers = f.lane_numbers(lanes, I64)

    def look(i: Val, best: Val, largest: Val) -> tuple[Val, Val]:
        mask = f.mask(lanes, f.rows - i)
        key = f.gather(f.at(f.a, i * BLOCK + j, ty), offsets, wide, mask) & magnitude
        rows = numbers + f.splat(i, lanes)
        is_pivot = (key < f.splat(f.const(nan, word), lanes)) | rows.eq(f.splat(j, lanes))
        is_larger = (key > largest) & mask & is_pivot
        return f.select(is_larger, rows, best), f.select(is_larger, key, largest)

    best, largest = f.loop(
        j, f.rows, lanes, look, f.splat(j, lanes), f.splat(f.const(-1, word), lanes)
    )
    most = f.splat(f.reduce("smax", largest), lanes)
    return f.reduce("smin", f.select(largest.eq(most), best, f.splat(f.rows, lanes)))


def _swap(f: Any, a: Val, rows: tuple[Val, Val], stride: Any, columns: Val, ty: str) -> None:
    """Exchanges two rows."""
    lanes = f.target.lanes(ty)

    def swap(at: Val) -> None:
        mask = f.mask(lanes, columns - at)
        places = [row * stride + at for row in rows]
        values = [f.load(a, place, vec(ty, lanes), mask) for place in places]
        for value, place in zip(values, reversed(places), strict=True):
            f.store(value, a, place, mask)

    f.loop(f.i64(0), columns, lanes, swap)


def _exchanged(
    f: Any, a: Val, order: Val, places: tuple[Val, Val, Val], others: Val, count: Val, ty: str
) -> Val:
    """Exchanges rows in the columns outside of a block like those of the block; returns how many have been exchanged."""
    begin, end, n = places

    def one(j: Val, count: Val) -> tuple[Val]:
        other = f.load(others, j, I64)

        def exchange() -> tuple[Val]:
            rows = j + begin, other + begin
            _swap(f, a, rows, n, begin, ty)
            _swap(f, f.at(a, end, ty), rows, n, n - end, ty)
            numbers = [f.load(order, row, I32) for row in rows]
            f.store(numbers[0], order, rows[1])
            f.store(numbers[1], order, rows[0])
            return (count + 1,)

        return f.when(other.ne(j), exchange, lambda: (count,))

    return f.loop(f.i64(0), end - begin, 1, one, count)[0]
