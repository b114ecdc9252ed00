"""Solutions of triangular systems: forward or backward substitution."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import F32, F64, I64, PTR, lanes, vec
from ...language.value import Val

TYPES = {"float32": F32, "float64": F64}
# Of columns: in several registers, so that their sums do not wait for each other, and in one.
BYTES_AT_ONCE = (
    128,
    32,
)


class Triangular(NamedTuple):
    """Builtins.

    solve (matrices, values [batch, n, columns], batch, n, columns, elements from one matrix to the next, from one row to the next,
           from one column to the next, 1 for upper triangles) -> 0
    The values become the solutions. Only the triangle of a matrix is read; a zero on its diagonal is divided by.
    """

    solve: Callable[..., int]


@compiled(Triangular)
def triangular(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled."""
    arguments: Any = dict(
        matrices=PTR,
        values=PTR,
        batch=I64,
        n=I64,
        columns=I64,
        between=I64,
        down=I64,
        along=I64,
        upper=I64,
    )
    with m.fn("solve", ret=I64, internal=True, **arguments) as f:
        ty = TYPES[dtype]
        size = 4 if ty == F32 else 8

        def system(k: Val) -> None:
            matrix = f.at(f.matrices, k * f.between, ty)
            values = f.at(f.values, k * f.n * f.columns, ty)
            first = f.i64(0)
            for width in (*(bytes_ // size for bytes_ in BYTES_AT_ONCE), 1):
                end = f.columns // width * width
                kind = vec(ty, width) if width > 1 else ty
                f.loop(first, end, width, lambda c, kind=kind: chunk(matrix, values, c, kind))
                first = end

        def chunk(matrix: Val, values: Val, c: Val, kind: str) -> None:
            """Solves for some columns."""

            def row(step: Val) -> None:
                # One code for both triangles: only the order of rows and the range of terms differ.
                i = f.select(f.upper.ne(0), f.n - 1 - step, step)
                low = f.select(f.upper.ne(0), i + 1, f.i64(0))
                high = f.select(f.upper.ne(0), f.n, i)

                def subtract(j: Val, total: Val) -> tuple[Val, ...]:
                    factor = f.splat(f.load(matrix, i * f.down + j * f.along, ty), lanes(kind))
                    return (f.fma(f.negative(factor), at(j), total),)

                (total,) = f.loop(low, high, 1, subtract, at(i))
                pivot = f.splat(f.load(matrix, i * f.down + i * f.along, ty), lanes(kind))
                f.store(f.binary("div", total, pivot), values, i * f.columns + c)

            def at(j: Val) -> Val:
                return f.load(values, j * f.columns + c, kind)

            f.loop(f.i64(0), f.n, 1, row)

        f.loop(f.i64(0), f.batch, 1, system)
        f.give(f.i64(0))
    py.emit_entry(m, "solve", "aannnnnnn")
