"""Panels of A for matrix registers: rows of groups one after the other, each filled with zeros to whole registers."""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, value
from penstock._src.compiler.codegen.contraction.tile import times, transpose, word
from penstock._src.native import Val
from penstock._src.native.language.function import Fn

from .description import Matrix
from .matrix_registers import SIDE
from .pairs import reader
from .schedule import GemmSchedule


def pack_matrix_rows(
    f: Fn, source: Val, matrix: Matrix, base: Any, first: Any, count: Any, start: Any, depth: Any, dst: Val,
    schedule: GemmSchedule,
) -> None:  # fmt: skip
    """dst[r][k] = the group of row first + r at start + k, for r < mr and k < depth; `count` rows exist from `first`."""
    write = _copy if matrix.second is None else _transpose
    cross, along = value(f, matrix.cross), value(f, matrix.depth[0])
    origin = word(f, times(f, first, cross) + base) + times(f, start, along)
    write(f, source, matrix, origin, cross, along, count, depth, dst, schedule)


def _copy(f: Fn, source: Val, matrix: Matrix, origin: Val, cross: Any, along: Any, count: Any, depth: Any,
          dst: Val, s: GemmSchedule) -> None:  # fmt: skip
    """Copies rows that are contiguous; those past the last one repeat it."""
    total = s.types.total

    def row(r: Val) -> None:
        # Rows past the last repeat it: nothing past the operand is read, none of their sums stored.
        at = origin + times(f, f.min(r, word(f, count) - 1), cross)

        def some(k: Any, mask: Val | None) -> None:
            groups = f.load(source, at + k, s.target.vector(matrix.element), mask)
            f.store(f.bits(groups, s.target.vector(total)), dst, r * s.row_of_left + k)

        whole = word(f, depth) // SIDE * SIDE
        f.loop(f.i64(0), whole, SIDE, lambda k: some(k, None))
        # Registers are multiplied whole: groups past the depth are loaded as zeros and add nothing.
        f.when(whole < depth, lambda: some(whole, f.mask(SIDE, word(f, depth) - whole)))

    f.loop(f.i64(0), s.mr, 1, row)


def _transpose(f: Fn, source: Val, matrix: Matrix, origin: Val, cross: Any, along: Any, count: Any, depth: Any,
               dst: Val, s: GemmSchedule) -> None:  # fmt: skip
    """Turns columns that are contiguous in registers; rows past the last one are zeros."""
    read = reader(s.gemm, matrix)
    total = s.types.total

    def rows(r: Any) -> None:
        def square(k: Val) -> None:
            columns = []
            for j in range(SIDE):  # no element past the last row or group is read
                kept = f.mask(SIDE, f.min(word(f, count) - r, (word(f, depth) - k - j) * SIDE))
                at = origin + times(f, k + j, along) + r
                columns.append(read(f, source, at, SIDE, kept, matrix.element, total))
            for i, x in enumerate(transpose(f, columns)):
                f.store(x, dst, (r + i) * s.row_of_left + k)

        f.loop(f.i64(0), ceil_divide(word(f, depth), SIDE) * SIDE, SIDE, square)

    f.loop(f.i64(0), s.mr, SIDE, rows)
