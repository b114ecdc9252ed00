"""Tridiagonal matrices, given by their diagonals: products, and solutions of linear equations."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN
from penstock._src.core.typesets import COMPLEX
from penstock._src.core.values.arrays import name_of
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.algorithms.solvers.tridiagonal import TYPES, tridiagonal
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.linalg import elimination
from penstock._src.ops.linalg.matrices import adjoint, cut, shifted, shifted_rows
from penstock._src.ops.rules import conj, quiet, show


class TridiagonalSolve(Op):
    """X with T X = rhs, where T is given by its super-, main and subdiagonal; NaN where a pivot is 0."""

    signature = "diagonals: T, rhs: T -> output: T"
    extents = {"diagonals": "..., 3, m", "rhs": "..., m, ?"}
    T = COMPLEX | {dtypes.float32, dtypes.float64}
    partial_pivoting: bool = True
    perturb_singular: bool = False
    vectorize = "rows, rows"

    def gradient(self, diagonals, _rhs, output, dy):
        # By the adjoint matrix, as differences have it; TensorFlow takes the transposed one for complex numbers, too.
        upper, main, lower = (conj(cut(diagonals, -2, i, i + 1)) for i in range(3))
        transposed = raw.ConcatV2(values=[shifted(lower, 1), main, shifted(upper, -1)], axis=-2)
        by_rhs = raw.TridiagonalSolve(
            diagonals=transposed,
            rhs=dy,
            partial_pivoting=self.partial_pivoting,
            perturb_singular=self.perturb_singular,
        )
        # d T[i, j] = -by_rhs[i] . conj(x[j]), along each diagonal
        x = conj(output)
        parts = []
        for step in (1, 0, -1):
            moved = shifted_rows(x, step)
            product = raw.Sum(input=by_rhs * moved, axis=np.array([-1], np.int32))
            parts.append(raw.ExpandDims(input=-product, axis=-2))
        return raw.ConcatV2(values=parts, axis=-2), by_rhs

    def shape(self, diagonals, rhs):
        batch = rhs.with_rank_at_least(2)[:-2].merge_with(diagonals.with_rank_at_least(2)[:-2])
        return batch.concatenate(rhs[-2:]) if rhs.rank is not None else UNKNOWN

    @quiet
    def eager(self, diagonals, rhs):
        n, columns = rhs.shape[-2:]
        if diagonals.shape[-2:] != (3, n) or diagonals.shape[:-2] != rhs.shape[:-2]:
            raise self.invalid(
                f"Expected diagonals of shape [..., 3, {n}] for each rhs. Received diagonals {show(diagonals.shape)}, "
                f"rhs {show(rhs.shape)}"
            )
        if not rhs.size:
            return np.zeros(rhs.shape, rhs.dtype)
        if runs_native_code() and name_of(rhs.dtype) in TYPES and not self.perturb_singular:
            return self._native(diagonals, rhs)
        bands = np.moveaxis(diagonals.reshape(-1, 3, n), 2, 0).copy()  # by row
        values = np.moveaxis(rhs.reshape(-1, n, columns), 1, 0).copy()
        upper, solution = _eliminated(bands, values, self.partial_pivoting)
        norms = np.abs(bands).max((0, 2))[:, None] if self.perturb_singular else None
        solution = np.moveaxis(_substituted(upper, solution, norms), 0, 1)
        return solution.reshape(rhs.shape)

    def _native(self, diagonals, rhs):
        n, columns = rhs.shape[-2:]
        solution, room = np.array(rhs, order="C"), np.empty((n, 3), rhs.dtype)
        extents = rhs.size // (n * columns), n, columns
        solve = tridiagonal(name_of(rhs.dtype)).solve
        solve(np.ascontiguousarray(diagonals), solution, *extents, int(self.partial_pivoting), room)
        return solution

    def lower(self, p, diagonals, rhs):
        if self.perturb_singular:
            raise NotLowerable("perturbed pivots")
        *batch, n, columns = rhs.shape
        if rhs.dtype.is_complex or not rhs.size:
            raise NotLowerable("matrices that are complex or empty")
        count = math.prod(batch)
        bands = p.transpose(p.reshape(diagonals, (count, 3, n)), (2, 1, 0))  # by row
        values = p.transpose(p.reshape(rhs, (count, n, columns)), (1, 2, 0))
        upper, solution = _eliminated_steps(p, bands, values, self.partial_pivoting)
        solution = _substituted_steps(p, upper, solution)
        return p.reshape(p.transpose(solution, (2, 0, 1)), rhs.shape)


def _eliminated(
    bands: np.ndarray, values: np.ndarray, exchanges: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of an upper triangular matrix with three bands, [n, batch, 3] from the diagonal on, and the right-hand sides.

    Gaussian elimination, as LAPACK's `gtsv` (Anderson et al., "LAPACK Users' Guide"): a row and the one below may be exchanged.
    """
    n = len(bands)
    bands[-1, :, 0] = 0
    upper = np.zeros_like(bands)
    rows = np.stack([bands[:, :, 2], bands[:, :, 1], bands[:, :, 0]], -1)
    own = np.stack([rows[0, :, 1], rows[0, :, 2], np.zeros_like(rows[0, :, 0])], -1)
    for i in range(1, n):
        below, here, next_ = rows[i], values[i - 1], values[i]
        if exchanges:
            swap = (np.abs(below[:, 0]) > np.abs(own[:, 0]))[:, None]
            own, below = np.where(swap, below, own), np.where(swap, own, below)
            here, next_ = np.where(swap, next_, here), np.where(swap, here, next_)
        pivot = own[:, :1]
        # a pivot is 0 only if the entry below it is
        factor = np.where(pivot == 0, 0, below[:, :1] / pivot)
        upper[i - 1], values[i - 1] = own, here
        values[i] = next_ - factor * here
        own = np.concatenate([below[:, 1:] - factor * own[:, 1:], np.zeros_like(factor)], 1)
    upper[-1] = own
    return upper, values


def _substituted(upper: np.ndarray, values: np.ndarray, norms: np.ndarray | None) -> np.ndarray:
    """Solutions from rows of three bands, from the last one back; NaN where a pivot is 0, unless norms are given to perturb it by."""
    zero = np.zeros_like(values[0])
    first, second = zero, zero
    for i in range(len(upper) - 1, -1, -1):
        rest = values[i] - upper[i, :, 1:2] * first - upper[i, :, 2:] * second
        pivots = upper[i, :, :1]
        values[i] = rest / pivots if norms is None else _divided(rest, pivots, norms)
        first, second = values[i], first
    if norms is not None:
        return values
    return np.where((upper[:, :, 0] == 0).any(0)[:, None], np.nan, values)


def _divided(rest: np.ndarray, pivots: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """rest / pivots, where pivots that are too small for that are made larger, as LAPACK's `lagts` does.

    Args:
      rest: [batch, columns].
      pivots: [batch, 1].
      norms: the greatest magnitude of each matrix's elements [batch, 1].
    """
    info = np.finfo(rest.dtype)
    pivots = np.broadcast_to(pivots, rest.shape).copy()
    step = np.where(norms > 0, norms * info.eps, info.tiny) * np.ones_like(pivots, norms.dtype)
    step = np.where(pivots.real < 0, -step, step)
    while True:
        size = np.abs(pivots)
        small = (size < 1) & ((size == 0) | (np.abs(rest) * info.tiny > size))
        if not small.any():
            return rest / pivots
        pivots, step = np.where(small, pivots + step, pivots), np.where(small, 2 * step, step)


def _rows_of(p: Any, x: Any, i: Any) -> list[Any]:
    """The three numbers of row i, each [1, batch]."""
    row = p.dynamic_index(x, i, 0)
    return [p.slice_axis(row, 0, k, k + 1) for k in range(3)]


def _eliminated_steps(p: Any, bands: Any, values: Any, exchanges: bool) -> tuple[Any, Any]:
    """Compute `_eliminated` as a loop: bands [n, 3, batch], values [n, columns, batch]."""
    n, _, batch = bands.shape
    zero = p.full((1, batch), 0, bands.dtype)

    def step(i: Any, main: Any, next_: Any, here: Any, upper: Any, solved: Any) -> list[Any]:
        own = [main, next_, zero]
        below, value = _rows_of(p, bands, i + 1)[::-1], p.dynamic_index(values, i + 1, 0)
        below[2] = p.select(p.eq(i, n - 2), 0.0, below[2])
        if exchanges:
            swap = p.gt(p.abs(below[0]), p.abs(own[0]))
            own, below = (
                [p.select(swap, a, b) for a, b in zip(*pair, strict=True)]
                for pair in ((below, own), (own, below))
            )
            here, value = p.select(swap, value, here), p.select(swap, here, value)
        factor = below[0] / own[0]
        return [
            below[1] - factor * own[1],
            below[2] - factor * own[2],
            value - factor * here,
            p.dynamic_set_index(upper, i, p.concat(own, 0), 0),
            p.dynamic_set_index(solved, i, here, 0),
        ]

    _, main, next_ = _rows_of(p, bands, p.constant(0, dtypes.int32))[::-1]
    if n == 1:
        next_ = zero
    here = p.reshape(p.slice_axis(values, 0, 0, 1), values.shape[1:])
    nothing = p.full(bands.shape, 0, bands.dtype), p.full(values.shape, 0, values.dtype)
    main, next_, here, upper, solved = elimination.steps(
        p, n - 1, step, [main, next_, here, *nothing]
    )
    last = p.constant(n - 1, dtypes.int32)
    upper = p.dynamic_set_index(upper, last, p.concat([main, next_, zero], 0), 0)
    return upper, p.dynamic_set_index(solved, last, here, 0)


def _substituted_steps(p: Any, upper: Any, values: Any) -> Any:
    """Compute `_substituted` as a loop."""
    n = upper.shape[0]
    zero = p.full(values.shape[1:], 0, values.dtype)

    def step(i: Any, first: Any, second: Any, solved: Any) -> list[Any]:
        at = n - 1 - i
        pivot, next_, last = _rows_of(p, upper, at)
        x = (p.dynamic_index(values, at, 0) - next_ * first - last * second) / pivot
        return [x, first, p.dynamic_set_index(solved, at, x, 0)]

    solution = elimination.steps(p, n, step, [zero, zero, values])[2]
    pivots = p.slice_axis(upper, 1, 0, 1)
    return p.select(p.reduce_any(p.eq(pivots, 0), (0,), keepdims=True), float("nan"), solution)


class TridiagonalMatMul(Op):
    """The product of a tridiagonal matrix, given by its diagonals, with rhs."""

    signature = "superdiag: T, maindiag: T, subdiag: T, rhs: T -> output: T"
    T = COMPLEX | {dtypes.float32, dtypes.float64}
    vectorize = "rows, rows, rows, rows"

    def gradient(self, superdiag, maindiag, subdiag, rhs, _output, dy):
        upper, main, lower = (adjoint(d) for d in (superdiag, maindiag, subdiag))
        by_rhs = main * dy + shifted_rows(upper * dy, -1) + shifted_rows(lower * dy, 1)
        diagonals = []
        for step in (1, 0, -1):
            product = raw.Sum(
                input=dy * conj(shifted_rows(rhs, step)), axis=np.array([-1], np.int32)
            )
            diagonals.append(raw.ExpandDims(input=product, axis=-2))
        return *diagonals, by_rhs

    def shape(self, superdiag, maindiag, subdiag, rhs):
        batch = rhs.with_rank_at_least(2)[:-2]
        for diagonal in (superdiag, maindiag, subdiag):
            batch = batch.merge_with(diagonal.with_rank_at_least(2)[:-2])
        return batch.concatenate(rhs[-2:]) if rhs.rank is not None else UNKNOWN

    @quiet
    def eager(self, superdiag, maindiag, subdiag, rhs):
        for name, diagonal in (
            ("superdiag", superdiag),
            ("maindiag", maindiag),
            ("subdiag", subdiag),
        ):
            expected = (*rhs.shape[:-2], 1, *rhs.shape[-2:-1])
            if rhs.ndim < 2 or diagonal.shape != expected:
                raise self.invalid(
                    f"{name} must be [..., 1, M] and rhs [..., M, N], with equal batch dimensions. Received {name} "
                    f"{show(diagonal.shape)}, rhs {show(rhs.shape)}"
                )
        upper, main, lower = (d[..., 0, :, None] for d in (superdiag, maindiag, subdiag))
        out = main * rhs
        out[..., :-1, :] += upper[..., :-1, :] * rhs[..., 1:, :]
        out[..., 1:, :] += lower[..., 1:, :] * rhs[..., :-1, :]
        return out

    def lower(self, p, superdiag, maindiag, subdiag, rhs):
        *_, n, _ = rhs.shape
        upper, main, lower = (
            p.reshape(d, (*d.shape[:-2], n, 1)) for d in (superdiag, maindiag, subdiag)
        )

        def beside(diagonal, step):
            """A diagonal times the rows that follow, or those before."""
            own, other = (0, 1) if step > 0 else (1, 0)
            a = p.slice_axis(diagonal, -2, own, own + n - 1)
            product = a * p.slice_axis(rhs, -2, other, other + n - 1)
            nothing = p.full((*rhs.shape[:-2], 1, rhs.shape[-1]), 0, rhs.dtype)
            return p.concat([product, nothing] if step > 0 else [nothing, product], rhs.rank - 2)

        if n < 2:
            return main * rhs
        return main * rhs + beside(upper, 1) + beside(lower, -1)
