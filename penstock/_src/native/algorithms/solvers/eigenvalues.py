"""Eigenvalues and eigenvectors of many small symmetric matrices, by Jacobi's method (Golub & Van Loan, 8.5)."""

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
    each_pair,
    each_pair_above,
    rotated,
    sweeps,
    symmetric_rotation,
)


class Eigenvalues(NamedTuple):
    """Builtins.

    solve (matrices [batch, n, n], values [batch, n], vectors [batch, n, n], batch, n, room [2, n, n, 8]) -> 1, or 0 if rotations did
        not make all matrices diagonal. Only the lower triangles are read. Values ascend.
    """

    solve: Callable[..., int]


@compiled(Eigenvalues)
def eigenvalues(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled."""
    arguments: Any = dict(matrices=PTR, values=PTR, vectors=PTR, batch=I64, n=I64, room=PTR)
    with m.fn("solve", ret=I64, internal=True, **arguments) as f:
        element = TYPES[dtype]
        lanes = LANES[element]
        own = Matrices(f, f.room, f.n, element)
        vectors = Matrices(f, f.at(f.room, f.n * f.n * lanes, element), f.n, element)

        def group(first: Val, good: Val) -> tuple[Val, ...]:
            # Rotations of one matrix depend on each other: lanes are matrices instead.
            f.loop(f.i64(0), lanes, 1, lambda lane: _read(f, own, first, lane))
            scale = own.normalize()
            vectors.set_to_identity()
            good = good & sweeps(f, own, element, lambda: _sweep(f, own, vectors))
            _sort(f, own, vectors)
            own.scale_diagonal(scale)
            count = f.min(f.batch - first, lanes)
            f.loop(f.i64(0), count, 1, lambda lane: _write(f, own, vectors, first, lane))
            return (good,)

        (good,) = f.loop(f.i64(0), f.batch, lanes, group, f.i64(1))
        f.give(good)
    py.emit_entry(m, "solve", "aaanna")


def _read(f: Fn, own: Matrices, first: Val, lane: Val) -> None:
    """Copies the lower triangle of a matrix to both triangles of a lane; lanes past the last matrix have that one."""
    source = f.min(first + lane, f.batch - 1) * f.n * f.n

    def element(i: Val, j: Val) -> None:
        x = f.load(f.matrices, source + f.max(i, j) * f.n + f.min(i, j), own.element)
        f.store(x, f.room, (i * f.n + j) * LANES[own.element] + lane)

    each_pair(f, f.n, f.n, element)


def _sweep(f: Fn, own: Matrices, vectors: Matrices) -> None:
    """Makes each element off the diagonal zero once."""

    def rotate(p: Val, q: Val) -> None:
        pp, pq, qq = own[p, p], own[p, q], own[q, q]
        cosine, sine, tangent = symmetric_rotation(f, pp, pq, qq)

        def other(k: Val) -> None:
            x, y = rotated((cosine, sine), own[p, k], own[q, k])
            own[p, k] = own[k, p] = x
            own[q, k] = own[k, q] = y

        f.loop(f.i64(0), f.n, 1, other)
        # By the tangent, not as rotated elements: the small change keeps its digits.
        own[p, p], own[q, q] = pp - tangent * pq, qq + tangent * pq
        own[p, q] = own[q, p] = f.zero(own.kind)
        vectors.rotate_rows(p, q, (cosine, sine))

    each_pair_above(f, f.n, rotate)


def _sort(f: Fn, own: Matrices, vectors: Matrices) -> None:
    """Orders the diagonals, and the rows of vectors with them."""

    def order(p: Val, q: Val) -> None:
        x, y = own[p, p], own[q, q]
        # Lanes differ in what they exchange: a fixed order of comparisons, with selects.
        swap = y < x
        own[p, p], own[q, q] = f.select(swap, y, x), f.select(swap, x, y)
        vectors.exchange_rows(p, q, swap)

    each_pair_above(f, f.n, order)


def _write(f: Fn, own: Matrices, vectors: Matrices, first: Val, lane: Val) -> None:
    """Copies the results of a lane to its matrix's."""
    lanes, at = LANES[own.element], first + lane
    room_of_vectors = f.at(f.room, f.n * f.n * lanes, own.element)

    def value(i: Val) -> None:
        x = f.load(f.room, (i * f.n + i) * lanes + lane, own.element)
        f.store(x, f.values, at * f.n + i)

    def component(i: Val, j: Val) -> None:
        x = f.load(room_of_vectors, (j * f.n + i) * lanes + lane, own.element)
        # Rotations were collected as rows, which are neighbors in memory; vectors are columns.
        f.store(x, f.vectors, (at * f.n + i) * f.n + j)

    f.loop(f.i64(0), f.n, 1, value)
    each_pair(f, f.n, f.n, component)
