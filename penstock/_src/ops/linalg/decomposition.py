"""Factorizations of matrices: Cholesky, QR, LU, singular values and eigenvalues."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX, INDEX
from penstock._src.ir.meaning import factorizations
from penstock._src.ops.linalg import elimination, lapack, small
from penstock._src.ops.linalg.matrices import (
    adjoint,
    band,
    cut,
    diagonal,
    diagonal_matrix,
    expand,
    half,
    mm,
    of_finite,
    require_matrices,
    require_square,
    safe_reciprocal,
    square,
    with_diagonal,
    zeros,
)
from penstock._src.ops.linalg.solve import substitute
from penstock._src.ops.rules import in_float32, quiet, show


class Cholesky(Op):
    """The lower triangular L with L L^H = input."""

    signature = "input: T -> output: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    host_kernel = elimination.COMPILED_EARLY
    vectorize = "rows"

    def shape(self, input):
        return square(input)

    def gradient(self, _input, output, dy):
        # Murray 2016, "Differentiation of the Cholesky decomposition", in blocks of the whole matrix
        middle = mm(output, dy, adjoint_a=True)
        middle = band(with_diagonal(middle, half(diagonal(middle))), -1, 0)
        inner = raw.MatrixTriangularSolve(matrix=output, rhs=middle, lower=True, adjoint=True)
        outer = adjoint(
            raw.MatrixTriangularSolve(matrix=output, rhs=adjoint(inner), lower=True, adjoint=True)
        )
        return half(outer + adjoint(outer))

    def eager(self, input):
        require_square(self, input)
        result = elimination.computed_now(self, input)
        if result is not None:
            return result
        x = in_float32(input)
        try:
            factor = lapack.cholesky(x)
        except lapack.LinAlgError:
            flat = [_cholesky_or_nan(m) for m in x.reshape(-1, *x.shape[-2:])]
            factor = np.stack(flat).reshape(x.shape)
        singular = elimination.nearly_singular(x, factor)
        if singular is not None:
            factor[singular] = elimination.computed_as_lowered(self, x[singular])
        return factor.astype(input.dtype, copy=False)

    def lower(self, p, input):
        factor = elimination.cholesky(p, elimination.square_batch(p, input))
        return p.cast(p.reshape(factor, input.shape), input.dtype)


def _cholesky_or_nan(matrix):
    """A matrix that is not positive definite gives NaN, as in TensorFlow."""
    try:
        return lapack.cholesky(matrix)
    except lapack.LinAlgError:
        return np.tril(np.full_like(matrix, np.nan))


class CholeskyGrad(Op):
    """The gradient of Cholesky from its output."""

    signature = "l: T, grad: T -> output: T"
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    vectorize = "rows, rows"

    def shape(self, l, grad):
        return square(l)

    @quiet
    def eager(self, l, grad):
        if l.shape != grad.shape:
            raise self.invalid(
                f"All input tensors must have the same shape. Received l {show(l.shape)}, grad {show(grad.shape)}"
            )
        lower = np.tril(in_float32(l))  # as TensorFlow, which reads nothing above the diagonal
        middle = np.tril(lapack.matmul(np.swapaxes(lower, -1, -2), np.tril(in_float32(grad))))
        at = np.arange(lower.shape[-1])
        middle[..., at, at] *= 0.5
        # Zeros on the diagonal are divided by: NaN for that matrix alone.
        inverse = substitute(lower, np.broadcast_to(np.eye(len(at), dtype=l.dtype), l.shape), True)
        outer = lapack.matmul(lapack.matmul(np.swapaxes(inverse, -1, -2), middle), inverse)
        both = 0.5 * (outer + np.swapaxes(outer, -1, -2))
        return both.astype(l.dtype, copy=False)


class Qr(Op):
    """Q with orthonormal columns and upper triangular R with Q R = input."""

    signature = "input: T -> q: T, r: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    host_kernel = elimination.COMPILED_EARLY
    full_matrices: bool = False
    vectorize = "rows"

    def shape(self, input):
        if input.rank is None:
            return None, None
        batch, (m, n) = input[:-2], input.with_rank_at_least(2).as_list()[-2:]
        k = None if m is None or n is None else min(m, n)
        if self.full_matrices:
            return batch.concatenate([m, m]), batch.concatenate([m, n])
        return batch.concatenate([m, k]), batch.concatenate([k, n])

    def gradient(self, input, q, r, dq, dr):
        unknown = input.shape.rank is None
        rows, columns = (None, None) if unknown else input.shape.as_list()[-2:]
        if rows is None or columns is None:
            raise NotImplementedError("QrGrad not implemented with dynamic shapes.")
        if self.full_matrices and rows > columns:
            raise NotImplementedError(
                "QrGrad not implemented when nrows > ncols and full_matrices is true. "
                f"Received a.shape={input.shape}"
            )
        if rows >= columns:
            return _tall_qr_gradient(q, r, dq, dr)
        # input = [x, y], r = [u, v]: y affects only v
        y, u = cut(input, -1, rows, None), cut(r, -1, 0, rows)
        du, dv = cut(dr, -1, 0, rows), cut(dr, -1, rows, None)
        dx = _tall_qr_gradient(q, u, dq + mm(y, dv, adjoint_b=True), du)
        return raw.ConcatV2(values=[dx, mm(q, dv)], axis=-1)

    def eager(self, input):
        require_matrices(self, input)
        result = elimination.computed_now(self, input)
        if result is not None:
            return result
        mode = "complete" if self.full_matrices else "reduced"
        q, r = lapack.qr(in_float32(input), mode)
        return q.astype(input.dtype, copy=False), r.astype(input.dtype, copy=False)

    def lower(self, p, input):
        *batch, m, n = input.shape
        k = m if self.full_matrices else min(m, n)
        q, r = elimination.qr(p, input, k)
        r = p.slice_axis(r, 1, 0, k)
        return (
            p.cast(p.reshape(q, (*batch, m, k)), input.dtype),
            p.cast(p.reshape(r, (*batch, k, n)), input.dtype),
        )


def _tall_qr_gradient(q, r, dq, dr):
    """The gradient of QR for at least as many rows as columns (Walter & Lehmann 2012)."""

    def solve_right(x):
        return adjoint(
            raw.MatrixTriangularSolve(matrix=r, rhs=adjoint(x), lower=False, adjoint=False)
        )

    qdq = mm(q, dq, adjoint_a=True)
    rdr = mm(r, dr, adjoint_b=True)
    skew = band((qdq - adjoint(qdq)) + (rdr - adjoint(rdr)), -1, 0)
    by_r = mm(q, dr + solve_right(skew))
    by_q = solve_right(dq - mm(q, qdq))
    total = by_r + by_q
    if q.dtype.is_complex:
        m = rdr - adjoint(qdq)
        real_diagonal = raw.Imag(input=diagonal(m), Tout=_real_type(q.dtype))
        # Undoes the phase change that keeps the diagonal of R real.
        correction = raw.Complex(real=zeros(real_diagonal), imag=-real_diagonal, Tout=q.dtype)
        total = total + mm(q, solve_right(diagonal_matrix(correction)))
    return total


def _real_type(dtype):
    return {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}.get(dtype, dtype)


class Lu(Op):
    """L and U packed into one matrix, and the permutation of the rows."""

    signature = "input: T -> lu: T, p: output_idx_type"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    output_idx_type: INDEX = dtypes.int32
    vectorize = "rows"
    host_kernel = elimination.COMPILED_EARLY

    def shape(self, input):
        both = square(input)
        return both, None if both.rank is None else both[:-1]

    def eager(self, input):
        require_square(self, input)
        x = in_float32(input)
        n = x.shape[-1]
        packed = x.reshape(math.prod(x.shape[:-2]), n, n).copy()
        order = np.tile(np.arange(n), (packed.shape[0], 1))
        if not small.factorize(packed, order):
            with np.errstate(all="ignore"):
                packed, order, _ = factorizations.lu(packed)
            pivots = packed.diagonal(axis1=1, axis2=2)
            if not pivots.all() or np.isnan(pivots[:, :1]).any():
                raise self.invalid("Input is not invertible.")
        kind = self.output_idx_type.as_numpy_dtype
        return (
            packed.reshape(x.shape).astype(input.dtype, copy=False),
            order.reshape(x.shape[:-1]).astype(kind),
        )

    def lower(self, p, input):
        factors, order, pivots, _ = elimination.factorized(p, elimination.square_batch(p, input))
        p.check(elimination.are_pivots(p, pivots), f"{self.op_type}: Input is not invertible.")
        order = p.cast(p.reshape(order, input.shape[:-1]), self.output_idx_type)
        return p.cast(p.reshape(factors, input.shape), input.dtype), order


class Svd(Op):
    """Singular values, and with `compute_uv` the singular vectors: input = u diag(s) v^H."""

    signature = "input: T -> s: T, u: T, v: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    compute_uv: bool = True
    full_matrices: bool = False

    def shape(self, input):
        if input.rank is None:
            vectors = None if self.compute_uv else [0]
            return None, vectors, vectors
        batch, (m, n) = input[:-2], input.with_rank_at_least(2).as_list()[-2:]
        k = None if m is None or n is None else min(m, n)
        s = batch.concatenate([k])
        if not self.compute_uv:
            return s, [0], [0]
        if self.full_matrices:
            return s, batch.concatenate([m, m]), batch.concatenate([n, n])
        return s, batch.concatenate([m, k]), batch.concatenate([n, k])

    def gradient(self, input, s, u, v, ds, du, dv):
        if not self.compute_uv:
            _, u, v = raw.Svd(input=input, compute_uv=True)
            ds = raw.Cast(x=ds, DstT=u.dtype)
            return mm(u, mm(diagonal_matrix(ds), v, adjoint_b=True))
        m, n = input.shape.as_list()[-2:]
        if m is None or n is None:
            raise NotImplementedError(
                "SVD gradient has not been implemented for input with unknown inner matrix shape."
            )
        s, ds = raw.Cast(x=s, DstT=self.T), raw.Cast(x=ds, DstT=self.T)
        if self.full_matrices and abs(m - n) > 1:
            raise NotImplementedError(
                "svd gradient is not implemented for abs(m - n) > 1 when full_matrices is True"
            )
        if m > n:
            return adjoint(_wide_svd_gradient(n, m, s, v, u, ds, dv, du, self.full_matrices))
        return _wide_svd_gradient(m, n, s, u, v, ds, du, dv, self.full_matrices)

    def eager(self, input):
        require_matrices(self, input)
        parts = of_finite(self._factors, in_float32(input))
        parts = tuple(part.astype(input.dtype, copy=False) for part in parts)
        if self.compute_uv:
            return parts
        nothing = np.zeros(0, input.dtype)
        return *parts, nothing, nothing

    def _factors(self, x):
        """The singular values of finite matrices, and with `compute_uv` the vectors."""
        result = small.svd(x, self.full_matrices)
        if not self.compute_uv:
            if result is not None:
                return result[:1]
            return (lapack.svd(x, compute_uv=False) if x.size else self._no_values(x),)
        if result is not None:
            return result
        u, s, vh = lapack.svd(x, full_matrices=self.full_matrices)
        return s, u, np.swapaxes(vh, -1, -2).conj()

    def _no_values(self, x):
        return np.zeros((*x.shape[:-2], min(x.shape[-2:])), x.dtype)


def _wide_svd_gradient(m, n, s, u, v, ds, du, dv, full):
    """The gradient for m <= n (Giles 2008, section 3.2; Townsend 2016; of complex matrices Wan, Zhang 2019)."""
    squares = raw.Square(x=s)
    # Vectors of equal singular values are not unique: their terms are 0, as in TensorFlow.
    f = safe_reciprocal(expand(squares, -2) - expand(squares, -1))
    f = with_diagonal(f, zeros(s))
    scale = diagonal_matrix(s)
    v1, dv1 = cut(v, -1, 0, m), cut(dv, -1, 0, m)
    f_u, f_v = f * mm(u, du, adjoint_a=True), f * mm(v1, dv1, adjoint_a=True)
    middle = diagonal_matrix(ds) + mm(f_u + adjoint(f_u), scale) + mm(scale, f_v + adjoint(f_v))
    if s.dtype.is_complex:
        # The phases of the vectors of u follow those of v.
        turned = diagonal(mm(v1, dv1, adjoint_a=True))
        turn = raw.Conj(input=turned) - turned
        middle = middle + diagonal_matrix(half(turn * safe_reciprocal(s)))
    total = mm(u, mm(middle, v1, adjoint_b=True))
    if m == n:
        return total
    # The part of dv that leads out of the rows' space.
    pulled = adjoint(dv1) - mm(mm(dv1, v1, adjoint_a=True), v1, adjoint_b=True)
    if full:
        v2, dv2 = cut(v, -1, m, n), cut(dv, -1, m, n)
        pulled = pulled - mm(mm(v1, dv2, adjoint_a=True), v2, adjoint_b=True)
    return total + mm(mm(u, diagonal_matrix(safe_reciprocal(s))), pulled)


class SelfAdjointEigV2(Op):
    """Eigenvalues in rising order, and with `compute_v` the eigenvectors, of self-adjoint matrices."""

    signature = "input: T -> e: T, v: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    compute_v: bool = True

    def shape(self, input):
        both = square(input)
        values = None if both.rank is None else both[:-1]
        return values, both if self.compute_v else [0]

    def gradient(self, input, e, v, de, dv):
        if self.compute_v:
            f = with_diagonal(safe_reciprocal(expand(e, -2) - expand(e, -1)), zeros(e))
            middle = diagonal_matrix(de) + f * mm(v, dv, adjoint_a=True)
        else:
            _, v = raw.SelfAdjointEigV2(input=input, compute_v=True)
            middle = diagonal_matrix(de)
        total = mm(v, mm(middle, v, adjoint_b=True))
        # only the lower triangle is read
        both = band(total + adjoint(total), -1, 0)
        return with_diagonal(both, half(diagonal(both)))

    def eager(self, input):
        require_square(self, input)
        x = in_float32(input)
        result = small.symmetric_eigen(x, self.compute_v)
        if result is None:
            # Only the lower triangle is read.
            finite = np.isfinite(np.tril(x)).all((-2, -1))
            result = self._of_finite(x) if finite.all() else self._of_any(x, finite)
        values, vectors = result
        vectors = vectors if self.compute_v else np.zeros(0, input.dtype)
        return values.astype(input.dtype), vectors.astype(input.dtype, copy=False)

    def _of_finite(self, x):
        """The eigenvalues of finite matrices, and with `compute_v` the vectors."""
        result = small.eigh(x)
        if result is not None:
            return result
        return lapack.eigh(x) if self.compute_v else (lapack.eigvalsh(x), None)

    def _of_any(self, x, finite):
        """The same, with NaN for those of the matrices with infinities or NaN whose reduction to a diagonal ends, as in TensorFlow."""
        values = np.empty(x.shape[:-1], x.real.dtype)
        vectors = np.tile(np.eye(x.shape[-1], dtype=x.dtype), (*x.shape[:-2], 1, 1))
        for at in map(tuple, np.argwhere(~finite)):
            values[at] = self._values_of_infinite(x[at])
        if finite.any():
            values[finite], own = self._of_finite(x[finite])
            if self.compute_v:
                vectors[finite] = own
        return values, vectors

    def _values_of_infinite(self, x):
        """What TensorFlow's reduction gives for a matrix with infinities or NaN in its lower triangle.

        It divides by the largest magnitude, which a NaN is only in the first place, so that infinities become NaN, and other numbers beside
        them 0. The reduction ends if the numbers below the diagonal are 0 then: NaN reach them from everywhere but the first place, and
        the second of two.

        Raises:
          InvalidArgumentError: the reduction does not end.
        """
        n = len(x)
        diagonal, sizes = x.diagonal(), np.abs(np.tril(x))
        diagonal = np.where(np.isnan(diagonal), np.nan, diagonal.real)
        if n == 1:
            return diagonal
        has_infinity = np.isinf(sizes).any()
        below = np.isfinite(sizes[1, 0]) if has_infinity else sizes[1, 0] == 0
        others = np.count_nonzero(~np.isfinite(sizes.reshape(-1)[1:]))
        if np.isnan(sizes[0, 0]) or not (below if n == 2 else has_infinity and not others):
            raise self.invalid(
                "Self-adjoint eigen decomposition was not successful. The input might not be valid."
            )
        return np.full(n, np.nan) if has_infinity else diagonal


class Eig(Op):
    """Eigenvalues, and with `compute_v` the eigenvectors, of square matrices."""

    signature = "input: T -> e: Tout, v: Tout"
    T = COMPLEX | {dtypes.float32, dtypes.float64}
    compute_v: bool = True
    Tout: COMPLEX

    def shape(self, input):
        both = square(input)
        values = None if both.rank is None else both[:-1]
        return values, both if self.compute_v else [0]

    def gradient(self, input, e, v, de, dv):
        if self.compute_v:
            f = with_diagonal(safe_reciprocal(expand(e, -2) - expand(e, -1)), zeros(e))
            vh = adjoint(v)
            vdv = mm(v, dv, adjoint_a=True)
            own = diagonal_matrix(
                diagonal(raw.Cast(x=raw.Real(input=vdv, Tout=_real_type(v.dtype)), DstT=v.dtype))
            )
            middle = diagonal_matrix(de) + raw.Conj(input=f) * (vdv - mm(mm(vh, v), own))
        else:
            _, v = raw.Eig(input=input, compute_v=True, Tout=e.dtype)
            vh, middle = adjoint(v), diagonal_matrix(de)
        return raw.Cast(x=raw.MatrixSolve(matrix=vh, rhs=mm(middle, vh)), DstT=input.dtype)

    def eager(self, input):
        require_square(self, input)
        kind = self.Tout.as_numpy_dtype
        if np.result_type(input.dtype, np.complex64) != kind:
            raise self.invalid(
                f"Invalid output dtype {self.Tout.name} for an input of {self.T.name}"
            )
        if input.shape[-1] == 1 and self.T.is_complex:  # of any number, infinities and NaN included
            values = input[..., 0]
            return values, np.ones_like(input) if self.compute_v else np.zeros(0, kind)
        if not self.compute_v:
            return lapack.eigvals(input).astype(kind), np.zeros(0, kind)
        values, vectors = lapack.eig(input)
        return values.astype(kind), vectors.astype(kind)
