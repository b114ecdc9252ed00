"""Lowers linear solves and factorizations to loops over the columns of batches of matrices.

Every step processes all matrices of a batch at once. Matrices are [batch, n, n], right-hand sides [batch, n, k].
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.linalg.matrices import widened

# A loop takes n steps over n^2 elements; for much larger matrices LAPACK on the host is faster.
LARGEST = 256


def as_batch(p: Any, x: Any) -> Any:
    """Matrices with one batch axis, of 16-bit floats as float32.

    Raises:
      NotLowerable: they are complex, empty or large.
    """
    if x.dtype.is_complex or not x.size:
        raise NotLowerable("matrices that are complex or empty")
    if max(x.shape[-2:]) > LARGEST:
        raise NotLowerable(f"matrices of more than {LARGEST} rows are left to LAPACK")
    wide = x if x.dtype in (dtypes.float32, dtypes.float64) else p.cast(x, dtypes.float32)
    return p.reshape(wide, (math.prod(x.shape[:-2]), *x.shape[-2:]))


def computed_now(op: Any, matrix: Any, *others: Any) -> Any:
    """What an op's lowering gives where the matrix has infinities or NaN; None for other matrices, and those that are not lowered.

    LAPACK takes a NaN for a pivot of 0, and exchanges rows by it. Computed by the same steps, eager calls give what compiled ones do.
    """
    if np.isfinite(widened(matrix)).all():
        return None
    p = ImmediateBuilder()
    try:
        found = op.lower(p, *map(p.constant, (matrix, *others)))
    except NotLowerable:
        return None
    return tuple(map(p.value, found)) if isinstance(found, tuple) else p.value(found)


def steps(p: Any, count: int, body: Callable[..., list[Any]], state: list[Any]) -> list[Any]:
    """The state after body(j, *state) for j of 0, ..., count - 1."""
    counter = p.constant(0, dtypes.int32)
    found = p.while_(
        lambda j, *_: p.lt(j, count),
        lambda j, *held: [j + 1, *body(j, *held)],
        [counter, *state],
        max_trips=count,
    )
    return found[1:]


def column(p: Any, x: Any, j: Any) -> Any:
    """[batch, n, 1]: column j."""
    return p.expand_dims(p.dynamic_index(x, j, 2), 2)


def row(p: Any, x: Any, j: Any) -> Any:
    """[batch, 1, k]: row j."""
    return p.expand_dims(p.dynamic_index(x, j, 1), 1)


def _places(p: Any, n: int) -> Any:
    return p.iota((1, n, 1), 1, dtypes.int32)


def eliminated(p: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Gauss-Jordan elimination with row exchanges: (solution of a x = b, pivots [batch, n], exchanges [batch]).

    If a pivot is 0, the matrix is singular and the solution is meaningless.
    """
    batch, n, _ = a.shape
    places = _places(p, n)

    def step(j: Any, a: Any, b: Any, pivots: Any, exchanges: Any) -> list[Any]:
        size = p.select(p.ge(places, j), p.abs(column(p, a, j)), -1.0)
        best = p.reshape(p.arg_max(size, 1, dtypes.int32), (batch, 1))
        order = p.iota((1, n), 1, dtypes.int32)
        order = p.select(p.eq(order, j), best, p.select(p.eq(order, best), j, order))
        a, b = (p.gather(x, order, 1, batch_dims=1) for x in (a, b))
        pivot = p.dynamic_index(row(p, a, j), j, 2)  # [batch, 1]
        divisor = p.expand_dims(p.select(p.eq(pivot, 0), 1.0, pivot), 2)
        factors = p.select(p.eq(places, j), 0.0, column(p, a, j) / divisor)
        scale = p.select(p.eq(places, j), 1.0 / divisor, 1.0)
        a, b = ((x - factors * row(p, x, j)) * scale for x in (a, b))
        exchanged = p.cast(p.ne(p.reshape(best, (batch,)), j), dtypes.int32)
        return [
            a,
            b,
            p.dynamic_set_index(pivots, j, p.reshape(pivot, (batch,)), 1),
            exchanges + exchanged,
        ]

    state = [a, b, p.full((batch, n), 0, a.dtype), p.full((batch,), 0, dtypes.int32)]
    _, solution, pivots, exchanges = steps(p, n, step, state)
    return solution, pivots, exchanges


def substituted(p: Any, a: Any, b: Any, lower: bool) -> Any:
    """The solution of a x = b for triangular matrices; zeros on the diagonal are divided by."""
    n = a.shape[1]
    places = _places(p, n)

    def step(j: Any, x: Any) -> list[Any]:
        at = j if lower else n - 1 - j
        found = row(p, x, at) / row(p, column(p, a, at), at)
        rest = p.gt(places, at) if lower else p.lt(places, at)
        x = p.select(rest, x - column(p, a, at) * found, x)
        return [p.select(p.eq(places, at), found, x)]

    return steps(p, n, step, [b])[0]


def cholesky(p: Any, a: Any) -> Any:
    """The lower triangular factors; NaN where a matrix is not positive definite."""
    n = a.shape[1]
    places, across = _places(p, n), p.iota((1, 1, n), 2, dtypes.int32)

    def step(j: Any, rest: Any, factor: Any) -> list[Any]:
        pivot = row(p, column(p, rest, j), j)
        root = p.sqrt(p.select(p.gt(pivot, 0), pivot, float("nan")))
        made = p.select(p.ge(places, j), column(p, rest, j) / root, 0.0)
        rest = rest - made * p.transpose(made, (0, 2, 1))
        return [rest, p.select(p.eq(across, j), made, factor)]

    factor = steps(p, n, step, [a, p.full(a.shape, 0, a.dtype)])[1]
    wrong = p.reduce_any(p.is_nan(factor), (1, 2), keepdims=True)
    return p.select(p.and_(wrong, p.ge(places, across)), float("nan"), factor)


def qr(p: Any, a: Any) -> tuple[Any, Any]:
    """Q [batch, m, m] and R [batch, m, n], by Householder's reflections with LAPACK's signs."""
    batch, m, n = a.shape
    places = _places(p, m)
    across, rows = (p.iota((1, 1, size), 2, dtypes.int32) for size in (n, m))
    identity = p.cast(p.eq(places, rows), a.dtype)

    def step(j: Any, q: Any, r: Any) -> list[Any]:
        x = column(p, r, j)
        below = p.select(p.gt(places, j), x, 0.0)
        first = row(p, x, j)
        rest = p.reduce_sum(below * below, (1,), keepdims=True)
        norm = p.sqrt(first * first + rest)
        beta = p.select(p.ge(first, 0), -norm, norm)
        done = p.eq(rest, 0)  # nothing below the diagonal: no reflection
        head = p.select(done, 1.0, first - beta)
        v = p.select(p.eq(places, j), 1.0, below / head)
        tau = p.select(done, 0.0, (beta - first) / p.select(done, 1.0, beta))
        # Not multiplied by 0 where nothing is reflected: a NaN stays in its column.
        change = tau * v * p.contract("bio,bij->boj", v, r)
        r = p.select(done, r, r - change)
        change = tau * p.contract("bij,bjo->bio", q, v) * p.transpose(v, (0, 2, 1))
        q = p.select(done, q, q - change)
        return [q, r]

    count = min(m - 1, n)
    q, r = p.broadcast_to(identity, (batch, m, m)), a
    if count:
        q, r = steps(p, count, step, [q, r])
    return q, p.select(p.le(places, across), r, 0.0)
