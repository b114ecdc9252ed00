"""Decompositions, determinants, inverses and solvers of (stacks of) matrices."""

import functools

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import abs, cast, conj
from penstock._src.api.math.reduction import norm, reduce_max, reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw

from .products import matmul


@dispatchable("linalg.logdet")
def logdet(matrix, name=None):
    """The logarithm of the determinant of each Hermitian positive definite matrix."""
    factor = raw.Cholesky(input=matrix)
    diagonal = (
        raw.Real(input=factor, Tout=factor.dtype.real_dtype) if factor.dtype.is_complex else factor
    )
    logs = raw.Log(x=raw.MatrixDiagPart(input=diagonal))
    return raw.Mul(x=np.asarray(2, logs.dtype.as_numpy_dtype), y=reduce_sum(logs, [-1]), name=name)


@dispatchable("linalg.cholesky_solve", v1=[], scope="cholesky_solve")
def cholesky_solve(chol, rhs, name=None):
    """The X with L L* X = rhs, for the Cholesky factor L = `chol`."""
    first = raw.MatrixTriangularSolve(matrix=chol, rhs=rhs, adjoint=False, lower=True)
    return raw.MatrixTriangularSolve(matrix=chol, rhs=first, adjoint=True, lower=True, name=name)


@dispatchable("linalg.lstsq", v1=["linalg.lstsq", "matrix_solve_ls"], scope="matrix_solve_ls")
def lstsq(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
    """The X that minimizes |matrix X - rhs|**2 + l2_regularizer |X|**2.

    Args:
      matrix: `[..., m, n]`.
      rhs: `[..., m, k]`.
      l2_regularizer: weight of the solution's own norm.
      fast: solve the normal equations by Cholesky; otherwise by a complete decomposition.
      name: a name for the operation.
    """
    matrix = convert_to_tensor(matrix, name="matrix")
    rhs = convert_to_tensor(rhs, dtype_hint=matrix.dtype, name="rhs")
    if not fast:
        return raw.MatrixSolveLs(
            matrix=matrix, rhs=rhs, l2_regularizer=l2_regularizer, fast=False, name=name
        )
    known = [None, None] if matrix.shape.rank is None else matrix.shape.as_list()[-2:]
    if None not in known:
        wide = known[0] < known[1]
        return _by_normal_equations(matrix, rhs, l2_regularizer, wide, name)
    extents = raw.Shape(input=matrix)
    either = [
        functools.partial(_by_normal_equations, matrix, rhs, l2_regularizer, wide, name)
        for wide in (True, False)
    ]
    result = cond(raw.Less(x=extents[-2], y=extents[-1]), *either)
    if None not in (matrix.shape.rank, rhs.shape.rank):
        result.set_shape(matrix.shape[:-2].concatenate([known[1], rhs.shape[-1]]))
    return result


def _by_normal_equations(matrix, rhs, l2_regularizer, wide, name):
    """The least squares of matrices with more columns than rows (`wide`), or not."""
    gram = matmul(matrix, matrix, adjoint_a=not wide, adjoint_b=wide)
    if l2_regularizer:
        weight = np.asarray(l2_regularizer, matrix.dtype.as_numpy_dtype)
        gram = raw.MatrixSetDiag(input=gram, diagonal=raw.MatrixDiagPart(input=gram) + weight)
    factor = raw.Cholesky(input=gram)
    if wide:
        return matmul(matrix, cholesky_solve(factor, rhs), adjoint_a=True, name=name)
    return cholesky_solve(factor, matmul(matrix, rhs, adjoint_a=True), name=name)


@dispatchable("linalg.svd", v1=["linalg.svd", "svd"])
def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """Singular values s (descending), and u, v with tensor = u diag(s) v*.

    Returns:
      `(s, u, v)`, or `s` alone without `compute_uv`.
    """
    s, u, v = raw.Svd(input=tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    if compute_uv:
        return cast(s, s.dtype.real_dtype), u, v
    return cast(s, s.dtype.real_dtype)


@dispatchable("linalg.eigh", v1=["linalg.eigh", "self_adjoint_eig"])
def eigh(tensor, name=None):
    """Eigenvalues (ascending) and eigenvectors of Hermitian matrices; only the lower triangle is read."""
    e, v = raw.SelfAdjointEigV2(input=tensor, compute_v=True, name=name)
    return e, v


@dispatchable("linalg.eigvalsh", v1=["linalg.eigvalsh", "self_adjoint_eigvals"])
def eigvalsh(tensor, name=None):
    """Eigenvalues (ascending) of Hermitian matrices."""
    return raw.SelfAdjointEigV2(input=tensor, compute_v=False, name=name)[0]


_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


@dispatchable("linalg.eig", "eig")
def eig(tensor, name=None):
    """Eigenvalues and eigenvectors of square matrices, as complex numbers."""
    tensor = convert_to_tensor(tensor)
    kind = _COMPLEX.get(tensor.dtype, tensor.dtype)
    e, v = raw.Eig(input=tensor, Tout=kind, compute_v=True, name=name)
    return e, v


@dispatchable("linalg.eigvals", "eigvals")
def eigvals(tensor, name=None):
    """Eigenvalues of square matrices, as complex numbers."""
    tensor = convert_to_tensor(tensor)
    kind = _COMPLEX.get(tensor.dtype, tensor.dtype)
    return raw.Eig(input=tensor, Tout=kind, compute_v=False, name=name)[0]


@dispatchable("linalg.expm", scope="matrix_exponential")
def expm(input, name=None):
    """The exponential of each matrix, by scaling, squaring and a Padé approximant of order 13.

    Source: Higham, The Scaling and Squaring Method for the Matrix Exponential Revisited, 2005.
    """
    a = convert_to_tensor(input, name="input")
    if a.dtype == dtypes.float16:
        # the precision of the sums is used throughout
        a = cast(a, dtypes.float32)
    if a.dtype not in (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128):
        raise ValueError(f"tf.linalg.expm does not support matrices of type {a.dtype!r}")
    extents = a.shape[-2:] if a.shape.rank is not None else [None, None]
    if len(extents) < 2 or None not in extents and extents[0] != extents[1]:
        message = f"input must be (batches of) square matrices. Received shape {a.shape}."
        raise InvalidArgumentError(message) if executing_eagerly() else ValueError(message)
    real = a.dtype.real_dtype
    size = reduce_max(reduce_sum(abs(a), [-2]), None)
    log2 = raw.Log(x=size / np.asarray(5.371920351148152, real.as_numpy_dtype)) / np.asarray(
        np.log(2.0), real.as_numpy_dtype
    )
    squarings = raw.Maximum(x=raw.Ceil(x=log2), y=np.asarray(0, real.as_numpy_dtype))
    a = a / cast(raw.Pow(x=np.asarray(2.0, real.as_numpy_dtype), y=squarings), a.dtype)
    b = (
        64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
        129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
        40840800.0, 960960.0, 16380.0, 182.0, 1.0,
    )  # fmt: skip
    c = [np.asarray(x, a.dtype.as_numpy_dtype) for x in b]
    order = next((n for n in extents if n is not None), None)
    length = raw.Shape(input=a)[-1:] if order is None else np.array([order], np.int32)
    eye = raw.MatrixDiag(diagonal=raw.Fill(dims=length, value=np.ones((), a.dtype.as_numpy_dtype)))
    a2 = matmul(a, a)
    a4 = matmul(a2, a2)
    a6 = matmul(a4, a2)
    odd = matmul(a6, c[13] * a6 + c[11] * a4 + c[9] * a2)
    u = matmul(a, odd + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * eye)
    even = matmul(a6, c[12] * a6 + c[10] * a4 + c[8] * a2)
    v = even + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * eye
    result = raw.MatrixSolve(matrix=v - u, rhs=v + u)
    state = [np.asarray(0, real.as_numpy_dtype), result]
    return _square_repeatedly(state[1], squarings, name)


def _square_repeatedly(matrix, times, name):
    """matrix ** (2 ** times) for each matrix, with at most 64 squarings in total."""
    limit = times
    steps = 32
    static = getattr(times, "numpy", None)
    if static is not None:
        steps = int(times.numpy()) if np.isfinite(times.numpy()) else 0
    for i in range(steps):
        squared = matmul(matrix, matrix)
        if static is not None:
            matrix = squared
        else:
            due = limit > np.asarray(i, times.dtype.as_numpy_dtype)
            matrix = raw.SelectV2(condition=due, t=squared, e=matrix)
    return raw.Identity(input=matrix, name=name) if name else matrix


def _check_matrices(a):
    if a.shape.rank is not None and a.shape.rank < 2:
        raise ValueError(
            f"Input `a` must have at least 2 dimensions (saw: {a.shape.rank} dimensions)."
        )


@dispatchable("linalg.pinv", scope="pinv")
def pinv(a, rcond=None, validate_args=False, name=None):
    """The Moore-Penrose pseudo-inverse of each matrix.

    Args:
      a: `[..., m, n]`, float.
      rcond: singular values below rcond * the largest one count as zero; by default
        10 * max(m, n) * eps.
      validate_args: check the rank at run time.
      name: a name for the operation.
    """
    a = convert_to_tensor(a, name="a")
    if not a.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    _check_matrices(a)
    real = a.dtype.as_numpy_dtype
    if rcond is None:
        extent = max(a.shape[-2] or 1, a.shape[-1] or 1)
        rcond = 10.0 * extent * np.finfo(real).eps
    rcond = convert_to_tensor(rcond, dtype=a.dtype, name="rcond")
    s, u, v = svd(a)
    cutoff = rcond * reduce_max(s, -1)
    cutoff = raw.ExpandDims(input=cutoff, axis=-1)
    s = raw.SelectV2(condition=s > cutoff, t=s, e=np.asarray(np.inf, real))
    scaled = v / raw.ExpandDims(input=s, axis=-2)
    result = matmul(scaled, u, adjoint_b=True, name=name)
    if a.shape.rank is not None:
        extents = a.shape.as_list()
        result.set_shape([*extents[:-2], extents[-1], extents[-2]])
    return result


@dispatchable("linalg.matrix_rank", scope="matrix_rank")
def matrix_rank(a, tol=None, validate_args=False, name=None):
    """How many singular values exceed `tol` (by default: eps * max(m, n) * the largest one)."""
    a = convert_to_tensor(a, name="a")
    if not a.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    _check_matrices(a)
    s = svd(a, compute_uv=False)
    if tol is None:
        extent = max(a.shape[-2] or 1, a.shape[-1] or 1)
        eps = np.asarray(np.finfo(a.dtype.as_numpy_dtype).eps * extent, a.dtype.as_numpy_dtype)
        tol = eps * reduce_max(s, -1, keepdims=True)
    return reduce_sum(cast(s > tol, dtypes.int32), -1, name=name)


@dispatchable("linalg.normalize")
def normalize(tensor, ord="euclidean", axis=None, name=None):
    """`tensor` divided by its norm, and the norm; arguments as `tf.norm`'s."""
    tensor = convert_to_tensor(tensor)
    size = norm(tensor, ord, axis, keepdims=True)
    size = cast(size, tensor.dtype)
    return raw.RealDiv(x=tensor, y=size, name=name), size


def adjoint_of(x):
    """`x` transposed in its last two axes and conjugated."""
    rank = x.shape.rank
    perm = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    return conj(raw.Transpose(x=x, perm=perm))


__getattr__ = op_functions(
    globals(),
    dispatchable="""
linalg.det +matrix_determinant = MatrixDeterminant(input)
    The determinant of each matrix.
linalg.slogdet = LogMatrixDeterminant(input)
    Sign and logarithm of the absolute value of each determinant.
linalg.inv +matrix_inverse = MatrixInverse(input, adjoint=False)
    The inverse of each matrix (of its adjoint, if `adjoint`).
linalg.cholesky +cholesky = Cholesky(input)
    The lower triangular L with L L* = input, of positive definite matrices.
linalg.triangular_solve +matrix_triangular_solve = MatrixTriangularSolve(matrix, rhs, lower=True, adjoint=False) in triangular_solve
    The X with matrix X = rhs, of a triangular matrix whose other half is not read.
linalg.solve +matrix_solve = MatrixSolve(matrix, rhs, adjoint=False)
    The X with matrix X = rhs (adjoint(matrix) X = rhs, if `adjoint`).
linalg.qr +qr = Qr(input, full_matrices=False)
    The factors q (orthonormal columns) and r (upper triangular) of each matrix.
linalg.logm = MatrixLogarithm(input)
    The principal logarithm of each complex matrix.
linalg.sqrtm matrix_square_root = MatrixSquareRoot(input)
    The square root S of each matrix, S S = input.
linalg.lu = Lu(input, output_idx_type=dtypes.int32)
    L and U in one matrix, and the row permutation of the pivots.
""",
)
