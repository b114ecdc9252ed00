"""Triangular factors of small matrices, by Gaussian elimination with partial pivoting (Golub & Van Loan, "Matrix Computations", 3.4)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I64, PTR
from ...language.value import Val

TYPES = {"float32": F32, "float64": F64}


class Factors(NamedTuple):
    """Builtins.

    factorize (matrices [batch, n, n], order int64 [batch, n], batch, n) -> the number of matrices before the first one that is singular
        or begins with a column that has a NaN
    A matrix becomes both of its factors, and its order, from 0 to n - 1 before, that of its rows.
    """

    factorize: Callable[..., int]


@compiled(Factors)
def factors(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled."""
    arguments: Any = dict(matrices=PTR, order=PTR, batch=I64, n=I64)
    with m.fn("factorize", ret=I64, internal=True, **arguments) as f:
        ty = TYPES[dtype]

        def one(k: Val, _: Val) -> tuple[Val, ...]:
            matrix = f.at(f.matrices, k * f.n * f.n, ty)
            order = f.at(f.order, k * f.n, I64)

            def step(j: Val, _: Val) -> tuple[Val, ...]:
                pivot, size = _pivot(f, matrix, j, ty)
                is_nan = f.compare("uno", size, size)
                is_bad = size.eq(0.0) | (is_nan & j.eq(0))
                _exchange(f, matrix, order, j, pivot, ty)
                f.loop(j + 1, f.n, 1, lambda i: _eliminate(f, matrix, i, j, ty))
                return j + 1, is_bad ^ 1

            def goes_on(j: Val, is_good: Val) -> Val:
                return (j < f.n) & is_good

            _, is_good = f.loop_while(goes_on, step, f.i64(0), f.const(1, "i1"))
            return k + f.convert(is_good, I64, signed=False), is_good

        def remains(k: Val, is_good: Val) -> Val:
            return (k < f.batch) & is_good

        done, _ = f.loop_while(remains, one, f.i64(0), f.const(1, "i1"))
        f.give(done)
    py.emit_entry(m, "factorize", "aann")


def _pivot(f: Fn, matrix: Val, j: Val, ty: str) -> tuple[Val, Val]:
    """The row of column j's largest magnitude from row j on, the first NaN if there is one, and the magnitude."""

    def size_at(i: Val) -> Val:
        return f.intrinsic("fabs", f.load(matrix, i * f.n + j, ty))

    def compare(i: Val, best: Val, largest: Val) -> tuple[Val, ...]:
        size = size_at(i)
        is_nan = f.compare("uno", size, size) & f.compare("ord", largest, largest)
        is_better = (size > largest) | is_nan
        return f.select(is_better, i, best), f.select(is_better, size, largest)

    best, largest = f.loop(j + 1, f.n, 1, compare, j, size_at(j))
    return best, largest


def _exchange(f: Fn, matrix: Val, order: Val, j: Val, pivot: Val, ty: str) -> None:
    """Exchanges two rows and their numbers."""

    def swap(array: Val, a: Val, b: Val, ty: str) -> None:
        x, y = f.load(array, a, ty), f.load(array, b, ty)
        f.store(y, array, a)
        f.store(x, array, b)

    f.loop(f.i64(0), f.n, 1, lambda c: swap(matrix, j * f.n + c, pivot * f.n + c, ty))
    swap(order, j, pivot, I64)


def _eliminate(f: Fn, matrix: Val, i: Val, j: Val, ty: str) -> None:
    """Subtracts a multiple of row j from row i, and stores the factor in its place."""
    # A division, not a product with a reciprocal: the factor is at most 1, and rounded once.
    factor = f.binary("div", f.load(matrix, i * f.n + j, ty), f.load(matrix, j * f.n + j, ty))
    f.store(factor, matrix, i * f.n + j)

    def column(c: Val) -> None:
        rest = f.load(matrix, i * f.n + c, ty) - factor * f.load(matrix, j * f.n + c, ty)
        f.store(rest, matrix, i * f.n + c)

    f.loop(j + 1, f.n, 1, column)
