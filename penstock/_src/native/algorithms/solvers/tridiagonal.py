"""Solutions of tridiagonal systems: elimination from the first row on, substitution from the last."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I64, PTR
from ...language.value import Val

TYPES = {"float32": F32, "float64": F64}


class Tridiagonal(NamedTuple):
    """Builtins.

    solve (diagonals [batch, 3, n], values [batch, n, columns], batch, n, columns, True if rows may be exchanged, room [n, 3]) -> 0
    The values become the solutions, NaN where a pivot is 0. No extent is 0.
    """

    solve: Callable[..., int]


@compiled(Tridiagonal)
def tridiagonal(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled.

    Anderson et al., "LAPACK Users' Guide", the algorithm of `gtsv`: a row and the one below may be exchanged.
    """
    arguments: Any = dict(
        diagonals=PTR, values=PTR, batch=I64, n=I64, columns=I64, exchanges=I64, room=PTR
    )
    with m.fn("solve", ret=I64, internal=True, **arguments) as f:
        ty = TYPES[dtype]

        def system(k: Val) -> None:
            bands = [f.at(f.diagonals, (k * 3 + band) * f.n, ty) for band in range(3)]
            values = f.at(f.values, k * f.n * f.columns, ty)
            _eliminate(f, bands, values, ty)
            _substitute(f, values, ty)

        f.loop(f.i64(0), f.batch, 1, system)
        f.give(f.i64(0))
    py.emit_entry(m, "solve", "aannnna")


def _eliminate(f: Fn, bands: list[Val], values: Val, ty: str) -> None:
    """Leaves an upper triangle's three bands in the room, row by row."""
    upper, main, lower = bands
    zero, last = f.const(0.0, ty), f.n - 1

    def next_to(i: Val) -> Val:
        """The number to the right of row i's diagonal."""
        # The index stays valid where the number is not used.
        return f.select(i < last, f.load(upper, f.min(i, last), ty), zero)

    def row(i: Val, own: Val, right: Val) -> tuple[Val, ...]:
        # An exchange brings a third band: the row below reaches one column further.
        below = [f.load(lower, i + 1, ty), f.load(main, i + 1, ty), next_to(i + 1)]
        magnitudes = [f.intrinsic("fabs", x) for x in (below[0], own)]
        # The larger pivot, so that the factor is at most 1.
        swap = f.exchanges.ne(0) & f.compare("gt", *magnitudes)
        pairs = list(zip(below, [own, right, zero], strict=True))
        pivots = [f.select(swap, b, a) for b, a in pairs]
        others = [f.select(swap, a, b) for b, a in pairs]
        # A zero pivot makes NaN or infinity here; `_substitute` clears the whole system then.
        factor = f.binary("div", others[0], pivots[0])
        for j, x in enumerate(pivots):
            f.store(x, f.room, i * 3 + j)

        def column(c: Val) -> None:
            at, next_ = i * f.columns + c, (i + 1) * f.columns + c
            x, y = f.load(values, at, ty), f.load(values, next_, ty)
            here = f.select(swap, y, x)
            f.store(here, values, at)
            f.store(f.select(swap, x, y) - factor * here, values, next_)

        f.loop(f.i64(0), f.columns, 1, column)
        return others[1] - factor * pivots[1], others[2] - factor * pivots[2]

    own, _ = f.loop(f.i64(0), last, 1, row, f.load(main, 0, ty), next_to(f.i64(0)))
    for j, x in enumerate((own, zero, zero)):
        f.store(x, f.room, last * 3 + j)


def _substitute(f: Fn, values: Val, ty: str) -> None:
    """Makes values the solutions."""
    zero, last = f.const(0.0, ty), f.n - 1

    def row(back: Val, singular: Val) -> tuple[Val, ...]:
        i = last - back
        pivot, next_, after = (f.load(f.room, i * 3 + j, ty) for j in range(3))

        def column(c: Val) -> None:
            def term(factor: Val, ahead: int) -> Val:
                x = f.load(values, f.min(i + ahead, last) * f.columns + c, ty)
                return f.select(back >= ahead, factor * x, zero)

            at = i * f.columns + c
            rest = f.load(values, at, ty) - term(next_, 1) - term(after, 2)
            f.store(f.binary("div", rest, pivot), values, at)

        f.loop(f.i64(0), f.columns, 1, column)
        return (singular | f.convert(f.compare("eq", pivot, zero), I64, signed=False),)

    (singular,) = f.loop(f.i64(0), f.n, 1, row, f.i64(0))
    nan = f.const(float("nan"), ty)
    clear = lambda: f.loop(f.i64(0), f.n * f.columns, 1, lambda at: f.store(nan, values, at))  # noqa: E731
    f.when(singular.ne(0), clear)
