"""Lowers linear solves and factorizations of batches of matrices.

CPUs have kernels for them (`ir/primitives/matrices.py`). Elsewhere they are loops over some columns, and products that carry these over to the rest: every
step processes all matrices of a batch at once. Matrices are [batch, n, n], right-hand sides [batch, n, k].
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, HostKernel
from penstock._src.core.typesets import NARROW
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import Extent, ceil_divide, is_symbolic
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.rules import in_float32

# Rows of matrices; of larger ones LAPACK is faster, on the host, as all threads work on one. A step of QR by primitives goes over all of a matrix.
LARGEST, LARGEST_OF_QR = 2048, 256
LEAST_BLOCK, MOST_BLOCKS = 32, 16
# A kernel serves all sizes, and is faster than LAPACK from some tens of rows on.
COMPILED_EARLY = HostKernel(compiles_from=SLOWEST, opens="all")
# Columns of a block that are worked on step by step: a wider block's left half carries over to the right one. Steps of exchanges and
# substitutions are more kernels, which pays off for large matrices only.
STEPS, STEPS_OF_CHOLESKY = 32, 16
_FEW = 4096  # elements whose squares one thread adds up
_EPSILONS = {np.dtype(kind): np.finfo(kind).eps for kind in (np.float32, np.float64)}


def _as_batch(p: Any, x: Any, largest: int) -> Any:
    """Matrices with one batch axis, of 16-bit floats as float32.

    Raises:
      NotLowerable: they are complex, empty or large.
    """
    if max(x.shape[-2:]) > largest:
        raise NotLowerable(f"matrices of more than {largest} rows are left to LAPACK")
    if x.dtype.is_complex:
        raise NotLowerable("complex matrices")
    return _batched(p, x, (math.prod(x.shape[:-2]), *x.shape[-2:]))


def square_batch(p: Any, x: Any) -> Any:
    """The same of square matrices; that they are is a condition where extents are unknown.

    Raises:
      NotLowerable: they are not square, empty or large, or complex where kernels are made.
    """
    rows, n = x.shape[-2:]
    if rows != n:
        raise NotLowerable("matrices that are not square")
    if n > LARGEST:
        raise NotLowerable(f"matrices of more than {LARGEST} rows are left to LAPACK")
    return _batched(p, x, (math.prod(x.shape[:-2]), n, n))


def right_sides(p: Any, a: Any, x: Any) -> Any:
    """Right-hand sides [batch, n, k] of the equations of matrices [batch, n, n].

    Raises:
      NotLowerable: they do not fit, or are complex or empty.
    """
    batch, n, _ = a.shape
    if x.shape[-2] != n or math.prod(x.shape[:-2]) != batch:
        raise NotLowerable("right-hand sides that do not fit")
    return _batched(p, x, (batch, n, x.shape[-1]))


def _batched(p: Any, x: Any, shape: Sequence[Extent]) -> Any:
    if (x.dtype.is_complex and not isinstance(p, ImmediateBuilder)) or not x.size:
        raise NotLowerable("matrices that are complex or empty")
    wide = p.cast(x, dtypes.float32) if x.dtype in NARROW else x
    return p.reshape(wide, shape)


def computed_now(op: Any, matrix: Any, *others: Any) -> Any:
    """Return the result of an op's lowering if the matrix has infinities or NaN; None for other or unlowered matrices.

    LAPACK takes a NaN for a pivot of 0, and exchanges rows by it. Computed by the same steps, eager calls give what compiled ones do.
    """
    if all_finite(matrix):
        return None
    try:
        return computed_as_lowered(op, matrix, *others)
    except NotLowerable:
        return None


def all_finite(x: np.ndarray) -> bool:
    """True if an array has neither infinities nor NaN."""
    x = in_float32(x)
    if x.size <= _FEW and x.dtype.kind == "f":
        flat = x.reshape(-1)
        # One call instead of two. A sum of squares that overflows says nothing.
        if flat.dot(flat) < np.inf:
            return True
    return bool(np.isfinite(x).all())


def computed_as_lowered(op: Any, *values: Any) -> Any:
    """The result of an op's lowering for some values."""
    p = ImmediateBuilder()
    result = op.lower(p, *map(p.constant, values))
    return tuple(map(p.value, result)) if isinstance(result, tuple) else p.value(result)


def nearly_singular(matrices: np.ndarray, factors: np.ndarray) -> np.ndarray | None:
    """Marks the small real matrices with a pivot of Cholesky's factorization that may be a rounding error; None if there are none.

    The sign of such a pivot, which decides between NaN and numbers, depends on the order of the steps. Of larger matrices, kernels
    take the steps in an order of their own.
    """
    n = matrices.shape[-1]
    if not 0 < n <= STEPS or matrices.dtype.kind != "f" or not matrices.size:
        return None
    pivots = np.square(factors.diagonal(axis1=-2, axis2=-1))
    largest = matrices.diagonal(axis1=-2, axis2=-1)
    # The comparison is false for NaN, too.
    fine = pivots > 4 * n * _EPSILONS[matrices.dtype] * largest
    return None if fine.all() else ~fine.all(-1)


def steps(p: Any, count: int, body: Callable[..., list[Any]], state: list[Any]) -> list[Any]:
    """The state after body(j, *state) for j of 0, ..., count - 1."""
    counter = p.constant(0, dtypes.int32)
    final = p.while_(
        lambda j, *_: p.lt(j, count),
        lambda j, *carried: [j + 1, *body(j, *carried)],
        [counter, *state],
        max_trips=count,
    )
    return final[1:]


def column(p: Any, x: Any, j: Any) -> Any:
    """[batch, n, 1]: column j."""
    return p.expand_dims(p.dynamic_index(x, j, 2), 2)


def row(p: Any, x: Any, j: Any) -> Any:
    """[batch, 1, k]: row j."""
    return p.expand_dims(p.dynamic_index(x, j, 1), 1)


def _places(p: Any, n: int) -> Any:
    return p.iota((1, n, 1), 1, dtypes.int32)


def blocks(n: Extent) -> list[tuple[Extent, Extent]]:
    """(begin, end) of columns that are worked on step by step, before a product carries them over to the rest.

    Where n is unknown, only how many blocks there are becomes a condition.
    """
    size = max(LEAST_BLOCK, ceil_divide(n, MOST_BLOCKS))
    bounds: list[tuple[Extent, Extent]] = []
    begin: Extent = 0
    while begin < n:
        end = min(begin + size, n)
        bounds.append((begin, end))
        begin = end
    return bounds


def _is_narrow(size: Extent, most: int) -> bool:
    """True if a block is worked on step by step; so is one of unknown size, without a condition."""
    return is_symbolic(size) or size <= most


def _part(p: Any, x: Any, rows: tuple[int, int], columns: tuple[int, int]) -> Any:
    """[batch, rows, columns]: a part of matrices."""
    return p.slice_axis(p.slice_axis(x, 1, *rows), 2, *columns)


def _beneath(p: Any, panel: Any, n: int) -> Any:
    """A panel of n rows: zeros follow its own, so that the panels of all blocks are worked on by the same kernels."""
    batch, rows, columns = panel.shape
    if rows == n:
        return panel
    return p.concat([panel, p.full((batch, n - rows, columns), 0, panel.dtype)], 1)


def factorized(p: Any, a: Any) -> tuple[Any, Any, Any, Any]:
    """LU with row exchanges: (L and U in one [batch, n, n], order of rows, pivots [batch, n], exchanges [batch]).

    If a pivot is 0, the matrix is singular and the rest is meaningless.
    """
    if not p.is_for_cpu:
        return factorized_by_steps(p, a)
    factors, order, exchanges = p.lu(a)
    n = a.shape[1]
    is_pivot = p.eq(_places(p, n), p.iota((1, 1, n), 2, dtypes.int32))
    return factors, order, p.reduce_sum(p.select(is_pivot, factors, 0.0), (2,)), exchanges


def factorized_by_steps(p: Any, a: Any) -> tuple[Any, Any, Any, Any]:
    """The same by primitives: Golub & Van Loan, "Matrix Computations", 3.2.11, by blocks of columns."""
    batch, n, _ = a.shape
    order, exchanges = p.iota((batch, n), 1, dtypes.int32), p.full((batch,), 0, dtypes.int32)
    rows, panels, tops, orders, pivots = a, [], [], [], []
    for begin, end in blocks(n):
        size, left = end - begin, n - begin
        panel = _beneath(p, p.slice_axis(rows, 2, 0, size), n)
        panel, places, order, panel_pivots, exchanges = _factorized_panel(
            p, panel, order, exchanges
        )
        panels.append(_by_numbers(p, panel, order))
        top = p.slice_axis(panel, 1, 0, size)
        if end < n:
            places = p.slice_axis(places, 1, 0, left)
            others = p.gather(p.slice_axis(rows, 2, size, left), places, 1, batch_dims=1)
            right = _substituted_corner(p, top, p.slice_axis(others, 1, 0, size), True, unit=True)
            below = p.slice_axis(panel, 1, size, left)
            rows = p.slice_axis(others, 1, size, left) - p.contract(
                "bij,bjk->bik", below, right, is_exact=True
            )
            top = p.concat([top, right], 2)
        tops.append(top)
        orders.append(p.slice_axis(order, 1, 0, size))
        order = p.concat(
            [p.slice_axis(order, 1, size, n), p.full((batch, size), n, dtypes.int32)], 1
        )
        pivots.append(panel_pivots)
    order = p.concat(orders, 1)
    before = p.gather(p.concat(panels, 2), order, 1, batch_dims=1)
    finished = [
        p.concat([_part(p, before, block, (0, block[0])), top], 2)
        for block, top in zip(blocks(n), tops, strict=True)
    ]
    return p.concat(finished, 1), order, p.concat(pivots, 1), exchanges


def _by_numbers(p: Any, panel: Any, order: Any) -> Any:
    """A panel's rows at their numbers in the whole matrix; numbers beyond it are dropped.

    Later exchanges of rows are then one gather, not one for each of the blocks that follow.
    """
    batch, n, size = panel.shape
    matrices = p.iota((batch, n, 1), 0, dtypes.int32)
    places = p.concat([matrices, p.expand_dims(order, 2)], 2)
    return p.scatter(p.full((batch, n, size), 0, panel.dtype), places, panel, "set", unique=True)


def are_pivots(p: Any, pivots: Any) -> Any:
    """Return the condition that no pivot is 0 and the first is not a NaN. A later NaN spreads, as in LAPACK and TensorFlow."""
    first = p.slice(pivots, [0, 0], [pivots.shape[0], 1])
    return p.and_(p.reduce_all(p.ne(pivots, 0)), p.reduce_all(p.eq(first, first)))


def _factorized_panel(
    p: Any, panel: Any, numbers: Any, exchanges: Any
) -> tuple[Any, Any, Any, Any, Any]:
    """The factors of some columns, the order of their rows, the numbers in this order, pivots, and how many rows have been exchanged.

    The left half carries over to the right one (Toledo, "Locality of reference in LU decomposition with partial pivoting", 1997).
    """
    batch, n, size = panel.shape
    if _is_narrow(size, STEPS):
        return _factorized_columns(p, panel, numbers, exchanges)
    half = size // 2
    left, order, numbers, pivots, exchanges = _factorized_panel(
        p, p.slice_axis(panel, 2, 0, half), numbers, exchanges
    )
    right = p.gather(p.slice_axis(panel, 2, half, size), order, 1, batch_dims=1)
    corner = p.slice_axis(left, 1, 0, half)
    top = _substituted_corner(p, corner, p.slice_axis(right, 1, 0, half), True, unit=True)
    below = p.slice_axis(left, 1, half, n)
    right = p.slice_axis(right, 1, half, n) - p.contract("bij,bjk->bik", below, top, is_exact=True)
    beyond = p.full((batch, half), n, dtypes.int32)
    right, places, rest, right_pivots, exchanges = _factorized_panel(
        p,
        _beneath(p, right, n),
        p.concat([p.slice_axis(numbers, 1, half, n), beyond], 1),
        exchanges,
    )
    places = p.slice_axis(places, 1, 0, n - half)

    def rows(x: Any) -> Any:
        """Rows of the left half, those below in the order of the right one."""
        moved = p.gather(p.slice_axis(x, 1, half, n), places, 1, batch_dims=1)
        return p.concat([p.slice_axis(x, 1, 0, half), moved], 1)

    right = p.concat([top, p.slice_axis(right, 1, 0, n - half)], 1)
    numbers = p.concat([p.slice_axis(numbers, 1, 0, half), p.slice_axis(rest, 1, 0, n - half)], 1)
    panel = p.concat([rows(left), right], 2)
    return panel, rows(order), numbers, p.concat([pivots, right_pivots], 1), exchanges


def _factorized_columns(
    p: Any, panel: Any, numbers: Any, exchanges: Any
) -> tuple[Any, Any, Any, Any, Any]:
    """The same of few columns, step by step."""
    batch, n, size = panel.shape
    places, across = _places(p, n), p.iota((1, 1, size), 2, dtypes.int32)

    def step(
        j: Any, panel: Any, order: Any, numbers: Any, pivots: Any, exchanges: Any
    ) -> list[Any]:
        # Rows above are done, and a NaN is the pivot only in row j: less than any magnitude, others are never the pivot.
        lengths = p.abs(column(p, panel, j))
        may_be_pivot = p.or_(p.eq(places, j), p.and_(p.gt(places, j), p.eq(lengths, lengths)))
        lengths = p.select(may_be_pivot, lengths, -1.0)
        best = p.reshape(p.arg_max(lengths, 1, dtypes.int32), (batch, 1))
        moves = p.iota((1, n), 1, dtypes.int32)
        moves = p.select(p.eq(moves, j), best, p.select(p.eq(moves, best), j, moves))
        panel, order, numbers = (
            p.gather(x, moves, 1, batch_dims=1) for x in (panel, order, numbers)
        )
        pivot = p.dynamic_index(row(p, panel, j), j, 2)  # [batch, 1]
        # Callers refuse a pivot of 0 in the end; the steps that follow it must only go on.
        divisor = p.expand_dims(p.select(p.eq(pivot, 0), 1.0, pivot), 2)
        factors = column(p, panel, j) / divisor
        changed = p.select(p.eq(across, j), factors, panel - factors * row(p, panel, j))
        below = p.and_(p.gt(places, j), p.ge(across, j))
        exchanged = p.cast(p.ne(p.reshape(best, (batch,)), j), dtypes.int32)
        return [
            p.select(below, changed, panel),
            order,
            numbers,
            p.dynamic_set_index(pivots, j, p.reshape(pivot, (batch,)), 1),
            exchanges + exchanged,
        ]

    order = p.iota((batch, n), 1, dtypes.int32)
    state = [panel, order, numbers, p.full((batch, size), 0, panel.dtype), exchanges]
    panel, order, numbers, pivots, exchanges = steps(p, size, step, state)
    return panel, order, numbers, pivots, exchanges


def solved(p: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """(the solution of a x = b, the pivots [batch, n]): if one of these is 0, the matrix is singular and the solution is meaningless."""
    factors, order, pivots, _ = factorized(p, a)
    inner = substituted(p, factors, p.gather(b, order, 1, batch_dims=1), lower=True, unit=True)
    return substituted(p, factors, inner, lower=False), pivots


def substituted(p: Any, a: Any, b: Any, lower: bool, unit: bool = False) -> Any:
    """The solution of a x = b for triangular matrices; zeros on the diagonal are divided by. `unit`: it is taken for ones."""
    if p.is_for_cpu:
        return p.triangular_solve(a, b, lower, unit)
    n = a.shape[1]
    solutions: list[Any] = []
    parts = blocks(n)
    for begin, end in parts if lower else reversed(parts):
        size, count = end - begin, b.shape[1]
        own, others = ((0, size), (size, count)) if lower else ((begin, end), (0, begin))
        corner = _part(p, a, (begin, end), (begin, end))
        solutions.append(_substituted_corner(p, corner, p.slice_axis(b, 1, *own), lower, unit))
        if others[0] < others[1]:
            rows = (end, n) if lower else (0, begin)
            known = p.contract(
                "bij,bjk->bik", _part(p, a, rows, (begin, end)), solutions[-1], is_exact=True
            )
            b = p.slice_axis(b, 1, *others) - known
    return p.concat(solutions if lower else solutions[::-1], 1)


def _substituted_corner(p: Any, a: Any, b: Any, lower: bool, unit: bool) -> Any:
    """The solution of a x = b for triangular matrices: the first half carries over to the second one."""
    n = a.shape[1]
    if _is_narrow(n, STEPS):
        return _substituted_rows(p, a, b, lower, unit)
    half = n // 2 if lower else n - n // 2
    first, second = ((0, half), (half, n)) if lower else ((half, n), (0, half))
    x = _substituted_corner(p, _part(p, a, first, first), p.slice_axis(b, 1, *first), lower, unit)
    known = p.contract("bij,bjk->bik", _part(p, a, second, first), x, is_exact=True)
    rest = p.slice_axis(b, 1, *second) - known
    y = _substituted_corner(p, _part(p, a, second, second), rest, lower, unit)
    return p.concat([x, y] if lower else [y, x], 1)


def _substituted_rows(p: Any, a: Any, b: Any, lower: bool, unit: bool) -> Any:
    """The same of few rows, step by step."""
    n = a.shape[1]
    places = _places(p, n)

    def step(j: Any, x: Any) -> list[Any]:
        at = j if lower else n - 1 - j
        solved_row = row(p, x, at)
        if not unit:
            solved_row = solved_row / row(p, column(p, a, at), at)
        rest = p.gt(places, at) if lower else p.lt(places, at)
        x = p.select(rest, x - column(p, a, at) * solved_row, x)
        return [x if unit else p.select(p.eq(places, at), solved_row, x)]

    return steps(p, n, step, [b])[0]


def cholesky(p: Any, a: Any) -> Any:
    """The lower triangular factors; NaN where a matrix is not positive definite. Upper triangles are not read."""
    if p.is_for_cpu:
        return p.cholesky(a)
    batch, n, _ = a.shape
    places, across = _places(p, n), p.iota((1, 1, n), 2, dtypes.int32)
    rest = p.select(p.ge(places, across), a, p.transpose(a, (0, 2, 1)))
    panels = []
    for begin, end in blocks(n):
        size, left = end - begin, n - begin
        panel = _cholesky_panel(p, _beneath(p, p.slice_axis(rest, 2, 0, size), n))
        panel = p.slice_axis(panel, 1, 0, left)
        if begin:
            panel = p.concat([p.full((batch, begin, size), 0, a.dtype), panel], 1)
        panels.append(panel)
        if end < n:
            below = p.slice_axis(panel, 1, end, n)
            rest = _part(p, rest, (size, left), (size, left))
            rest = rest - p.contract("bik,bjk->bij", below, below, is_exact=True)
    factor = p.concat(panels, 2)
    # The root of a negative pivot is NaN; TensorFlow's whole factor is, then.
    wrong = p.reduce_any(p.is_nan(factor), (1, 2), keepdims=True)
    return p.select(p.and_(wrong, p.ge(places, across)), float("nan"), factor)


def _cholesky_panel(p: Any, panel: Any) -> Any:
    """The factor's columns of some columns of symmetric matrices: the left half carries over to the right one."""
    _, n, size = panel.shape
    if _is_narrow(size, STEPS_OF_CHOLESKY):
        return _cholesky_columns(p, panel)
    half = size // 2
    left = _cholesky_panel(p, p.slice_axis(panel, 2, 0, half))
    top = p.slice_axis(left, 1, half, size)
    right = p.slice_axis(panel, 2, half, size) - p.contract(
        "bik,bjk->bij", left, top, is_exact=True
    )
    right = _cholesky_panel(p, _beneath(p, p.slice_axis(right, 1, half, n), n))
    above = p.full((panel.shape[0], half, size - half), 0, panel.dtype)
    right = p.concat([above, p.slice_axis(right, 1, 0, n - half)], 1)
    return p.concat([left, right], 2)


def _cholesky_columns(p: Any, panel: Any) -> Any:
    """The factor's columns of few columns, step by step."""
    _, n, size = panel.shape
    places, across = _places(p, n), p.iota((1, 1, size), 2, dtypes.int32)

    def step(j: Any, panel: Any) -> list[Any]:
        pivot = row(p, column(p, panel, j), j)
        root = p.sqrt(p.select(p.gt(pivot, 0), pivot, float("nan")))
        scaled = p.select(p.ge(places, j), column(p, panel, j) / root, 0.0)
        changed = panel - scaled * (row(p, panel, j) / root)
        return [p.select(p.eq(across, j), scaled, p.select(p.gt(across, j), changed, panel))]

    return steps(p, size, step, [panel])[0]


def qr(p: Any, x: Any, columns: Extent) -> tuple[Any, Any]:
    """The first columns of Q [batch, m, columns], and R [batch, m, n], by Householder's reflections with LAPACK's signs."""
    if p.is_for_cpu:
        q, r = p.qr(_as_batch(p, x, LARGEST), columns)
        return q, r
    q, r = qr_by_steps(p, _as_batch(p, x, LARGEST_OF_QR))
    return p.slice_axis(q, 2, 0, columns), r


def _scale_of_squares(p: Any, x: Any) -> Any:
    """The divisors of columns [batch, m, 1] before their squares are added up: 1 if the squares neither vanish nor overflow."""
    limits = np.finfo(x.dtype.np)
    largest = p.reduce_max(p.abs(x), (1,), keepdims=True)
    is_usual = p.and_(
        p.ge(largest, float(limits.tiny) ** 0.25), p.le(largest, float(limits.max) ** 0.25)
    )
    is_scale = p.and_(p.gt(largest, 0.0), p.le(largest, float(limits.max)))
    return p.select(p.or_(is_usual, p.not_(is_scale)), 1.0, largest)


def qr_by_steps(p: Any, a: Any) -> tuple[Any, Any]:
    """Q [batch, m, m] and R [batch, m, n] by primitives."""
    batch, m, n = a.shape
    places = _places(p, m)
    across, rows = (p.iota((1, 1, size), 2, dtypes.int32) for size in (n, m))
    identity = p.cast(p.eq(places, rows), a.dtype)

    def step(j: Any, q: Any, r: Any) -> list[Any]:
        x = column(p, r, j)
        below = p.select(p.gt(places, j), x, 0.0)
        first = row(p, x, j)
        scale = _scale_of_squares(p, p.select(p.ge(places, j), x, 0.0))
        scaled, small = below / scale, first / scale
        rest = p.reduce_sum(scaled * scaled, (1,), keepdims=True)
        norm = p.sqrt(small * small + rest)
        beta = p.select(p.ge(first, 0), -norm, norm)
        done = p.eq(rest, 0)  # nothing below the diagonal: no reflection
        head = p.select(done, 1.0, first - beta * scale)
        v = p.select(p.eq(places, j), 1.0, below / head)
        tau = p.select(done, 0.0, (beta - small) / p.select(done, 1.0, beta))
        # Not multiplied by 0 where nothing is reflected: a NaN stays in its column.
        change = tau * v * p.contract("bio,bij->boj", v, r, is_exact=True)
        r = p.select(done, r, r - change)
        change = tau * p.contract("bij,bjo->bio", q, v, is_exact=True) * p.transpose(v, (0, 2, 1))
        q = p.select(done, q, q - change)
        return [q, r]

    count = min(m - 1, n)
    q, r = p.broadcast_to(identity, (batch, m, m)), a
    if count:
        q, r = steps(p, count, step, [q, r])
    return q, p.select(p.le(places, across), r, 0.0)
