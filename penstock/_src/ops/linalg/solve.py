"""Inverses, determinants, and solutions of linear equations."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import COMPLEX, FLOAT
from penstock._src.core.values.arrays import name_of
from penstock._src.native.algorithms.solvers.triangular import TYPES, triangular
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.linalg import elimination, lapack, small
from penstock._src.ops.linalg.matrices import (
    adjoint,
    adjoint_array,
    band,
    batch_of,
    mm,
    require_matrices,
    require_square,
    shifted_rows,
    square,
    sum_to_batch,
)
from penstock._src.ops.rules import conj, in_float32, quiet, show


class MatrixInverse(Op):
    """The inverse of each matrix, or of its adjoint."""

    signature = "input: T -> output: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    host_kernel = elimination.COMPILED_EARLY
    adjoint: bool = False
    vectorize = "rows"

    def shape(self, input):
        return square(input)

    def gradient(self, _input, output, dy):
        inner = mm(dy, output, adjoint_a=self.adjoint, adjoint_b=not self.adjoint)
        return -mm(output, inner, adjoint_a=not self.adjoint)

    def eager(self, input):
        require_square(self, input)
        result = elimination.computed_now(self, input)
        if result is not None:
            return result
        x = adjoint_array(input) if self.adjoint else input
        return _inverse(self, x)

    def lower(self, p, input):
        a = _oriented(p, elimination.square_batch(p, input), self.adjoint)
        n = a.shape[1]
        identity = p.eq(p.iota((1, n, n), 1, dtypes.int32), p.iota((1, n, n), 2, dtypes.int32))
        ones = p.broadcast_to(p.cast(identity, a.dtype), a.shape)
        inverse, pivots = elimination.solved(p, a, ones)
        p.check(elimination.are_pivots(p, pivots), f"{self.op_type}: Input is not invertible.")
        return p.cast(p.reshape(inverse, input.shape), input.dtype)


class MatrixDeterminant(Op):
    """The determinant of each matrix."""

    signature = "input: T -> output: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    host_kernel = elimination.COMPILED_EARLY
    vectorize = "rows"

    def shape(self, input):
        both = square(input)
        return None if both.rank is None else both[:-2]

    def gradient(self, input, output, dy):
        inverse = raw.MatrixInverse(input=input, adjoint=True)
        factor = dy * output  # of complex matrices not conjugated, as in TensorFlow
        return raw.ExpandDims(input=raw.ExpandDims(input=factor, axis=-1), axis=-1) * inverse

    @quiet
    def eager(self, input):
        require_square(self, input)
        if elimination.all_finite(input):
            result = lapack.det(in_float32(input))
        else:
            result = elimination.computed_now(self, input)
            if result is None:
                result = _nan_of_nan(input, lapack.det(in_float32(input)))
        return result.astype(input.dtype, copy=False)

    def lower(self, p, input):
        sign, pivots = _sign_and_pivots(p, input)
        determinant = sign * p.reduce_prod(pivots, (1,))
        return p.cast(p.reshape(determinant, input.shape[:-2]), input.dtype)


def _nan_of_nan(matrices, solutions):
    """Return the results, with NaN for each matrix that has a NaN. LAPACK takes a NaN for a pivot of 0."""
    return np.where(np.isnan(in_float32(matrices)).any((-2, -1)), np.nan, solutions)


class LogMatrixDeterminant(Op):
    """The sign of each matrix's determinant, and the logarithm of its magnitude."""

    signature = "input: T -> sign: T, log_abs_determinant: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    host_kernel = elimination.COMPILED_EARLY
    vectorize = "rows"

    def shape(self, input):
        both = square(input)
        batch = None if both.rank is None else both[:-2]
        return batch, batch

    def gradient(self, input, _sign, _log_abs_determinant, _dsign, dlog):
        inverse = raw.MatrixInverse(input=input, adjoint=True)
        return raw.ExpandDims(input=raw.ExpandDims(input=dlog, axis=-1), axis=-1) * inverse

    @quiet
    def eager(self, input):
        require_square(self, input)
        result = elimination.computed_now(self, input)
        if result is not None:
            return result
        sign, log = lapack.slogdet(in_float32(input))
        return tuple(_nan_of_nan(input, x).astype(input.dtype) for x in (sign, log))

    def lower(self, p, input):
        sign, pivots = _sign_and_pivots(p, input)
        sign = sign * p.reduce_prod(p.sign(pivots), (1,))
        log = p.reduce_sum(p.log(p.abs(pivots)), (1,))
        results = (p.cast(p.reshape(x, input.shape[:-2]), input.dtype) for x in (sign, log))
        return tuple(results)


class MatrixSolve(Op):
    """X with matrix X = rhs, or with the adjoint of the matrix."""

    signature = "matrix: T, rhs: T -> output: T"
    ranks = {"rhs": at_least(2)}
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    host_kernel = elimination.COMPILED_EARLY
    adjoint: bool = False
    vectorize = "rows, rows"

    def shape(self, matrix, rhs):
        both = square(matrix)
        if both.rank is None or rhs.rank is None:
            return rhs
        return rhs.merge_with(both[:-1].concatenate([rhs[-1]]))

    def gradient(self, matrix, _rhs, output, dy):
        by_rhs = raw.MatrixSolve(matrix=matrix, rhs=dy, adjoint=not self.adjoint)
        if self.adjoint:
            return -mm(output, by_rhs, adjoint_b=True), by_rhs
        return -mm(by_rhs, output, adjoint_b=True), by_rhs

    def eager(self, matrix, rhs):
        require_square(self, matrix)
        require_matrices(self, rhs, "rhs")
        if matrix.shape[:-1] != rhs.shape[:-1]:
            raise self.invalid(
                "Input matrix and rhs are incompatible. Received matrix "
                f"{show(matrix.shape)}, rhs {show(rhs.shape)}"
            )
        result = elimination.computed_now(self, matrix, rhs)
        if result is not None:
            return result
        a = adjoint_array(matrix) if self.adjoint else matrix
        try:
            return lapack.solve(in_float32(a), in_float32(rhs)).astype(rhs.dtype, copy=False)
        except lapack.LinAlgError:
            raise self.invalid("Input matrix is not invertible.") from None

    def lower(self, p, matrix, rhs):
        a = _oriented(p, elimination.square_batch(p, matrix), self.adjoint)
        solution, pivots = elimination.solved(p, a, elimination.right_sides(p, a, rhs))
        p.check(
            elimination.are_pivots(p, pivots), f"{self.op_type}: Input matrix is not invertible."
        )
        return p.cast(p.reshape(solution, rhs.shape), rhs.dtype)


class MatrixTriangularSolve(Op):
    """X with matrix X = rhs where only one triangle of the matrix is read."""

    signature = "matrix: T, rhs: T -> output: T"
    ranks = {"rhs": at_least(2)}
    T = FLOAT | COMPLEX
    host_kernel = elimination.COMPILED_EARLY
    lower: bool = True
    adjoint: bool = False

    def shape(self, matrix, rhs):
        square(matrix)
        batch = batch_of([matrix, rhs])
        if batch is None:
            return None
        rows = TensorShape([matrix[-1]]).merge_with([rhs[-2]])[0]
        return batch.concatenate([rows, rhs[-1]])

    def gradient(self, matrix, rhs, output, dy):
        by_rhs = raw.MatrixTriangularSolve(
            matrix=matrix, rhs=dy, lower=self.lower, adjoint=not self.adjoint
        )
        if self.adjoint:
            by_matrix = -mm(output, by_rhs, adjoint_b=True)
        else:
            by_matrix = -mm(by_rhs, output, adjoint_b=True)
        by_matrix = band(by_matrix, -1, 0) if self.lower else band(by_matrix, 0, -1)
        return sum_to_batch(by_matrix, matrix), sum_to_batch(by_rhs, rhs)

    def eager(self, matrix, rhs):
        require_square(self, matrix)
        require_matrices(self, rhs, "rhs")
        if matrix.shape[-1] != rhs.shape[-2]:
            raise self.invalid(
                f"Matrix size-incompatible: In[0]: {show(matrix.shape)}, In[1]: {show(rhs.shape)}"
            )
        a, lower = in_float32(matrix), self.lower
        if self.adjoint:
            a, lower = adjoint_array(a), not lower
        return substitute(a, in_float32(rhs), lower).astype(rhs.dtype, copy=False)

    def lower_op(self, p, matrix, rhs):
        batch = p.broadcast_shape(matrix.shape[:-2], rhs.shape[:-2])
        shape = (*batch, *rhs.shape[-2:])
        a = elimination.square_batch(p, p.broadcast_to(matrix, (*batch, *matrix.shape[-2:])))
        b = elimination.right_sides(p, a, p.broadcast_to(rhs, shape))
        lower = self.lower != self.adjoint
        solution = elimination.substituted(p, _oriented(p, a, self.adjoint), b, lower)
        return p.cast(p.reshape(solution, shape), rhs.dtype)


def _oriented(p, a, adjoint):
    """The matrices, or their adjoints."""
    if not adjoint:
        return a
    turned = p.transpose(a, (0, 2, 1))
    return p.conj(turned) if a.dtype.is_complex else turned


def _sign_and_pivots(p, input):
    """1 or -1 by the row exchanges of the elimination [batch], and the pivots [batch, n]."""
    _, _, pivots, exchanges = elimination.factorized(p, elimination.square_batch(p, input))
    return p.cast(1 - 2 * p.mod(exchanges, 2), pivots.dtype), pivots


BLOCK = 64  # rows of a triangle that are solved row by row; products carry the solution over to the others
WHOLE = 128  # rows of matrices that are solved as one triangle


def substitute(a, b, lower):
    """Forward or backward substitution; a zero on the diagonal is divided by without an error."""
    dtype = a.dtype if a.dtype == b.dtype else np.result_type(a, b)
    shape = b.shape
    if a.shape[:-2] != b.shape[:-2]:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        shape = (*batch, *b.shape[-2:])
        a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, shape)
    x = np.array(b, dtype, order="C")
    is_native = name_of(dtype) in TYPES and runs_native_code()
    if is_native and shape[-2] <= WHOLE:
        _solve_natively(a, x, lower)
    elif x.size:
        _substitute_blocks(_solve_natively if is_native else _solve_rows, a, x, lower)
    return x


@quiet
def _substitute_blocks(solve, a, x, lower):
    """Solves for blocks of rows, and carries each solution over to the other rows by a product."""
    n = a.shape[-1]
    begins = range(0, n, BLOCK)
    for begin in begins if lower else reversed(begins):
        end = min(begin + BLOCK, n)
        rows = np.ascontiguousarray(x[..., begin:end, :])
        solve(a[..., begin:end, begin:end], rows, lower)
        x[..., begin:end, :] = rows
        rest = slice(end, n) if lower else slice(0, begin)
        x[..., rest, :] -= lapack.matmul(a[..., rest, begin:end], rows)


def _solve_natively(a, x, lower):
    """Replaces the values of one contiguous array by the solutions of triangular systems."""
    *batch, n, columns = x.shape
    if len(batch) > 1 or a.dtype != x.dtype:
        a = np.ascontiguousarray(a, x.dtype)
    count, size = math.prod(batch), a.itemsize
    between = a.strides[-3] // size if len(batch) == 1 else n * n
    down, along = (stride // size for stride in a.strides[-2:])
    solve = triangular(name_of(x.dtype)).solve
    solve(a, x, count, n, columns, between, down, along, 0 if lower else 1)


def _solve_rows(a, x, lower):
    """The same, row by row."""
    n = a.shape[-1]
    for i in range(n) if lower else reversed(range(n)):
        x[..., i, :] /= a[..., i, i, None]
        rest = slice(i + 1, n) if lower else slice(0, i)
        x[..., rest, :] -= a[..., rest, i, None] * x[..., i : i + 1, :]


class MatrixSolveLs(Op):
    """The least-squares solution of matrix X = rhs, with a penalty on its norm."""

    signature = "matrix: T, rhs: T, l2_regularizer: float64 -> output: T"
    ranks = {"matrix": at_least(2), "rhs": at_least(2), "l2_regularizer": (0,)}
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    fast: bool = True
    vectorize = "rows, rows, shared"

    def shape(self, matrix, rhs, l2_regularizer):
        if matrix.rank is None or rhs.rank is None:
            return None
        return matrix[:-2].concatenate([matrix[-1], rhs[-1]])

    def gradient(self, matrix, rhs, l2_regularizer, output, dy):
        if not self.fast:
            raise ValueError("Gradient not defined for fast=False")
        rows, columns = matrix.shape.as_list()[-2:]
        if rows >= columns:
            chol = _regularized(mm(matrix, matrix, adjoint_a=True), l2_regularizer)
            z = _cholesky_solve(chol, dy)
            xz = mm(output, z, adjoint_b=True)
            by_matrix = mm(rhs, z, adjoint_b=True) - mm(matrix, xz + adjoint(xz))
            return by_matrix, mm(matrix, z), None
        chol = _regularized(mm(matrix, matrix, adjoint_b=True), l2_regularizer)
        by_rhs = _cholesky_solve(chol, mm(matrix, dy))
        dual = _cholesky_solve(chol, rhs)
        first = -mm(by_rhs, mm(dual, matrix, adjoint_a=True))
        second = mm(dual, dy - mm(matrix, by_rhs, adjoint_a=True), adjoint_b=True)
        return first + second, by_rhs, None

    def eager(self, matrix, rhs, l2_regularizer):
        require_matrices(self, matrix, "matrix")
        if matrix.shape[:-1] != rhs.shape[:-1]:
            raise self.invalid(
                "Input matrix and rhs are incompatible. Received matrix "
                f"{show(matrix.shape)}, rhs {show(rhs.shape)}"
            )
        a, b, penalty = matrix, rhs, float(l2_regularizer)
        rows, columns = a.shape[-2:]
        if rows == 0 or columns == 0:
            return np.zeros((*a.shape[:-2], columns, b.shape[-1]), b.dtype)
        if not self.fast:
            return _least_squares(in_float32(a), in_float32(b)).astype(b.dtype, copy=False)
        h = adjoint_array(a)
        try:
            if rows >= columns:
                gram = lapack.matmul(h, a) + penalty * np.eye(columns, dtype=a.dtype)
                return lapack.solve(gram, lapack.matmul(h, b))
            gram = lapack.matmul(a, h) + penalty * np.eye(rows, dtype=a.dtype)
            return lapack.matmul(h, lapack.solve(gram, b))
        except lapack.LinAlgError:
            raise self.invalid(
                "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or "
                "provide a larger l2_regularizer > 0."
            ) from None


FEW = 128  # elements of matrices whose singular values take less time than the calls for their triangles


def _least_squares(a, b):
    """The least-squares solutions of smallest norm; zeros for matrices with infinities or NaN, whose rank counts as 0."""
    # Singular values below this share count as zeros.
    least = np.finfo(a.dtype).eps * min(a.shape[-2:])
    if a.size <= FEW and np.isfinite(a).all():
        found = small.svd(a, full=False)
        return (
            lapack.matmul(lapack.pinv(a, least), b) if found is None else _solved(found, b, least)
        )
    solution, growth = _by_triangle(a, b)
    has_full_rank = growth * least < 1  # false for NaN
    for at in map(tuple, np.argwhere(~has_full_rank)):
        is_finite = np.isfinite(a[at]).all()
        solution[at] = lapack.matmul(lapack.pinv(a[at], least), b[at]) if is_finite else 0
    return solution


@quiet
def _solved(triple, b, least):
    """The solutions by singular values, those below a share of the largest counting as zeros, and left and right vectors."""
    values, left, right = triple
    are_large = values > least * values[..., :1]
    factors = np.where(are_large, 1 / values, values.dtype.type(0))
    return np.matmul(right, factors[..., None] * np.matmul(left.swapaxes(-1, -2), b))


@quiet
def _by_triangle(a, b):
    """The solutions for matrices of full rank by their QR factors, and bounds of the condition numbers of the triangles."""
    is_tall = a.shape[-2] >= a.shape[-1]
    q, r = lapack.qr(a if is_tall else adjoint_array(a))
    inverse = substitute(r, np.broadcast_to(np.eye(r.shape[-1], dtype=r.dtype), r.shape), False)
    growth = np.linalg.norm(r, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    if is_tall:
        return substitute(r, lapack.matmul(adjoint_array(q), b), False), growth
    return lapack.matmul(q, substitute(adjoint_array(r), b, True)), growth


def _regularized(gram, penalty):
    diagonal = raw.MatrixDiagPart(input=gram)
    shifted = diagonal + raw.Cast(x=penalty, DstT=gram.dtype)
    return raw.Cholesky(input=raw.MatrixSetDiag(input=gram, diagonal=shifted))


def _cholesky_solve(chol, rhs):
    inner = raw.MatrixTriangularSolve(matrix=chol, rhs=rhs, lower=True)
    return raw.MatrixTriangularSolve(matrix=chol, rhs=inner, lower=True, adjoint=True)


def _inverse(op, x):
    try:
        return lapack.inv(in_float32(x)).astype(x.dtype, copy=False)
    except lapack.LinAlgError:
        raise op.invalid("Input is not invertible.") from None


class BandedTriangularSolve(Op):
    """X with matrix X = rhs, the matrix triangular and given by its bands."""

    signature = "matrix: T, rhs: T -> output: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    lower: bool = True
    adjoint: bool = False

    def shape(self, matrix, rhs):
        matrix, rhs = matrix.with_rank_at_least(2), rhs.with_rank_at_least(2)
        if matrix.rank is None or rhs.rank is None:
            return None
        batch = infer.broadcast(matrix[:-2], rhs[:-2])
        return [*batch, *rhs[-2:-1].merge_with(matrix[-1:]), rhs[-1]]

    def gradient(self, matrix, rhs, output, dy):
        by_rhs = raw.BandedTriangularSolve(
            matrix=matrix, rhs=dy, lower=self.lower, adjoint=not self.adjoint
        )
        first, second = (output, by_rhs) if self.adjoint else (by_rhs, output)
        bands = None if matrix.shape.rank is None else matrix.shape.as_list()[-2]
        if bands is None:
            by_matrix = self._bands_of_product(matrix, first, second)
            return sum_to_batch(by_matrix, matrix), sum_to_batch(by_rhs, rhs)
        parts = []
        for k in range(bands):
            # At i, row k of the bands holds element [i, i - k] of a lower matrix; for an upper one, row bands - 1 - k holds
            # [i, i + k].
            step = -k if self.lower else bands - 1 - k
            product = raw.Sum(
                input=first * conj(shifted_rows(second, step)), axis=np.array([-1], np.int32)
            )
            parts.append(raw.ExpandDims(input=-product, axis=-2))
        return sum_to_batch(raw.ConcatV2(values=parts, axis=-2), matrix), sum_to_batch(by_rhs, rhs)

    def _bands_of_product(self, matrix, first, second):
        """The bands of -first second^H, as many as the matrix has."""
        product = -raw.BatchMatMulV2(x=first, y=second, adj_y=True)
        shape = raw.Shape(input=matrix)
        last = raw.StridedSlice(input=shape, begin=[-2], end=[-1], strides=[1]) - 1
        zero = np.zeros(1, np.int32)
        k = raw.ConcatV2(values=[-last, zero] if self.lower else [zero, last], axis=0)
        fill = np.zeros((), matrix.dtype.as_numpy_dtype)
        bands = raw.MatrixDiagPartV3(product, k, fill, align="LEFT_RIGHT")
        lead = raw.StridedSlice(input=raw.Shape(input=product), begin=[0], end=[-2], strides=[1])
        rows = raw.StridedSlice(input=shape, begin=[-2], end=[0], strides=[1], end_mask=1)
        # One band loses its axis.
        return raw.Reshape(tensor=bands, shape=raw.ConcatV2(values=[lead, rows], axis=0))

    def eager(self, matrix, rhs):
        require_matrices(self, matrix, "matrix")
        bands, n = matrix.shape[-2:]
        if rhs.shape[-2] != n:
            raise self.invalid(
                f"Matrix size-incompatible: In[0]: {show(matrix.shape)}, In[1]: {show(rhs.shape)}"
            )
        dense = np.zeros((*matrix.shape[:-2], n, n), matrix.dtype)
        at = np.arange(n)
        for k in range(min(bands, n)):
            if self.lower:
                dense[..., at[k:], at[: n - k]] = matrix[..., k, k:]
            else:
                band_k = matrix[..., bands - 1 - k, :]
                dense[..., at[: n - k], at[k:]] = band_k[..., : n - k]
        if (np.diagonal(dense, axis1=-2, axis2=-1) == 0).any():
            raise self.invalid("Input matrix is not invertible.")
        lower = self.lower
        if self.adjoint:
            dense, lower = adjoint_array(dense), not lower
        return substitute(dense, rhs, lower)
