"""Singular values and vectors of many small matrices, by Kogbetliantz's method: Jacobi's with a rotation on each side.

Source: Golub & Van Loan, "Matrix Computations", 8.6.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val
from .rotations import (
    LANES,
    TYPES,
    Matrices,
    Pair,
    each_pair,
    each_pair_above,
    sweeps,
    symmetric_rotation,
)


class SingularValues(NamedTuple):
    """Builtins.

    solve (matrices, values [batch, columns], left [batch, rows, rows], right [batch, columns, columns], batch, rows, columns,
        elements from one row to the next, from one column to the next, room [3, rows, rows, 8])
        -> 1, or 0 if rotations did not make all matrices diagonal
    There are at least as many rows as columns. Values descend; column k of `left` and of `right` is the k-th singular vector.
    """

    solve: Callable[..., int]


@compiled(SingularValues)
def singular_values(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled.

    A matrix becomes square by columns of zeros, whose right-hand vectors stay unit vectors and whose values come last.
    """
    arguments: Any = dict(
        **dict.fromkeys(("matrices", "values", "left", "right"), PTR),
        **dict.fromkeys(("batch", "rows", "columns", "down", "along"), I64),
        room=PTR,
    )
    with m.fn("solve", ret=I64, internal=True, **arguments) as f:
        element = TYPES[dtype]
        lanes = LANES[element]
        rooms = [f.at(f.room, f.rows * f.rows * (lanes * k), element) for k in range(3)]
        own, left, right = (Matrices(f, room, f.rows, element) for room in rooms)

        def group(first: Val, good: Val) -> tuple[Val, ...]:
            f.loop(f.i64(0), lanes, 1, lambda lane: _read(f, own, first, lane))
            scale = own.normalize()
            left.set_to_identity()
            right.set_to_identity()
            good = good & sweeps(f, own, element, lambda: _sweep(f, own, left, right))
            f.loop(f.i64(0), f.rows, 1, lambda i: _make_positive(f, own, left, i))
            each_pair_above(f, f.rows, lambda p, q: _order(f, own, left, right, p, q))
            own.scale_diagonal(scale)
            count = f.min(f.batch - first, lanes)
            f.loop(f.i64(0), count, 1, lambda lane: _write(f, element, rooms, first + lane, lane))
            return (good,)

        (good,) = f.loop(f.i64(0), f.batch, lanes, group, f.i64(1))
        f.give(good)
    py.emit_entry(m, "solve", "aaaannnnna")


def _read(f: Fn, own: Matrices, first: Val, lane: Val) -> None:
    """Copies a matrix to a lane; lanes past the last matrix have that one."""
    source = f.min(first + lane, f.batch - 1) * f.rows * f.columns
    place = LANES[own.element]

    def element(i: Val, j: Val) -> None:
        x = f.load(f.matrices, source + i * f.down + j * f.along, own.element)
        f.store(x, f.room, (i * f.rows + j) * place + lane)

    def nothing(i: Val, j: Val) -> None:
        f.store(f.const(0.0, own.element), f.room, (i * f.rows + f.columns + j) * place + lane)

    each_pair(f, f.rows, f.columns, element)
    each_pair(f, f.rows, f.rows - f.columns, nothing)


def _sweep(f: Fn, own: Matrices, left: Matrices, right: Matrices) -> None:
    """Makes each two elements at opposite sides of the diagonal zero once."""

    def rotate(p: Val, q: Val) -> None:
        on_left, on_right = _rotations(f, own, p, q)
        own.rotate_rows(p, q, on_left)
        own.rotate_columns(p, q, on_right)
        # Exact zeros in place of what rounding left, which later sweeps would rotate again.
        own[p, q] = own[q, p] = f.zero(own.kind)
        # Rows here too, neighbors in memory; `_write` transposes them.
        left.rotate_rows(p, q, on_left)
        right.rotate_rows(p, q, on_right)

    each_pair_above(f, f.rows, rotate)


def _rotations(f: Fn, own: Matrices, p: Val, q: Val) -> tuple[Pair, Pair]:
    """The rotations of the rows and of the columns p and q after which both elements off the diagonal are zero.

    A first rotation of the rows makes the 2x2 matrix symmetric, and a second one of both sides makes it diagonal.
    """
    pp, pq, qp, qq = own[p, p], own[p, q], own[q, p], own[q, q]
    # tan(angle) = difference / trace makes the rotated matrix symmetric.
    trace, difference = pp + qq, qp - pq
    length = f.intrinsic("sqrt", trace * trace + difference * difference)
    # No rotation instead of 0/0.
    is_symmetric = difference.eq(0.0) | length.eq(0.0)
    one, zero = f.const(1.0, own.kind), f.zero(own.kind)
    c = f.select(is_symmetric, one, f.binary("div", trace, length))
    s = f.select(is_symmetric, zero, f.binary("div", difference, length))
    cosine, sine, _ = symmetric_rotation(f, c * pp + s * qp, c * pq + s * qq, c * qq - s * pq)
    return (cosine * c + sine * s, sine * c - cosine * s), (cosine, sine)


def _make_positive(f: Fn, own: Matrices, left: Matrices, i: Val) -> None:
    """Changes the signs of a negative value and of its left vector."""
    # Rotations leave signs: a singular value takes none, so its left vector takes it.
    is_negative = own[i, i] < 0.0
    own[i, i] = f.intrinsic("fabs", own[i, i])

    def component(k: Val) -> None:
        left[i, k] = f.select(is_negative, f.negative(left[i, k]), left[i, k])

    f.loop(f.i64(0), f.rows, 1, component)


def _order(f: Fn, own: Matrices, left: Matrices, right: Matrices, p: Val, q: Val) -> None:
    """Exchanges two values and their vectors if the first is less."""
    x, y = own[p, p], own[q, q]
    swap = x < y
    own[p, p], own[q, q] = f.select(swap, y, x), f.select(swap, x, y)
    left.exchange_rows(p, q, swap)
    right.exchange_rows(p, q, swap)


def _write(f: Fn, element: str, rooms: list[Val], at: Val, lane: Val) -> None:
    """Copies the results of a lane to its matrix's."""

    def value(i: Val) -> None:
        f.store(number(0, i, i), f.values, at * f.columns + i)

    def number(room: int, i: Val, j: Val) -> Val:
        return f.load(rooms[room], (i * f.rows + j) * LANES[element] + lane, element)

    def of_left(i: Val, j: Val) -> None:
        f.store(number(1, j, i), f.left, (at * f.rows + i) * f.rows + j)

    def of_right(i: Val, j: Val) -> None:
        f.store(number(2, j, i), f.right, (at * f.columns + i) * f.columns + j)

    f.loop(f.i64(0), f.columns, 1, value)
    each_pair(f, f.rows, f.rows, of_left)
    each_pair(f, f.columns, f.columns, of_right)
