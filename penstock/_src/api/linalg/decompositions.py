"""Decompositions, determinants, inverses and solvers of (stacks of) matrices."""

import functools

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.arithmetic import truediv
from penstock._src.api.math.complex_numbers import conj, real
from penstock._src.api.math.elementwise import abs, cast
from penstock._src.api.math.norms import norm
from penstock._src.api.math.reduction import reduce_max, reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw

from .products import matmul


@dispatchable("linalg.logdet")
def logdet(matrix, name=None):
    """Returns the logarithm of the determinant of each matrix.

    Args:
      matrix: floats or complex numbers, `[..., n, n]`, Hermitian and positive definite.
      name: a name for the operation.

    Returns:
      A tensor `[...]`.

    Raises:
      InvalidArgumentError: a matrix is not positive definite.

    >>> tf.linalg.logdet([[2.0, 0.0], [0.0, 8.0]]).numpy().round(4)
    np.float32(2.7726)
    """
    factor = raw.Cholesky(input=matrix)
    diagonal = (
        raw.Real(input=factor, Tout=factor.dtype.real_dtype) if factor.dtype.is_complex else factor
    )
    logs = raw.Log(x=raw.MatrixDiagPart(input=diagonal))
    return raw.Mul(x=np.asarray(2, logs.dtype.as_numpy_dtype), y=reduce_sum(logs, [-1]), name=name)


@dispatchable("linalg.cholesky_solve", v1=[], scope="cholesky_solve")
def cholesky_solve(chol, rhs, name=None):
    """Returns the X with A X = rhs, for the Cholesky factor of A.

    Args:
      chol: `[..., n, n]`: what `tf.linalg.cholesky(A)` returns.
      rhs: `[..., n, k]`.
      name: a name for the operation.

    Returns:
      A tensor `[..., n, k]`.

    >>> chol = tf.linalg.cholesky([[4.0, 0.0], [0.0, 9.0]])
    >>> tf.linalg.cholesky_solve(chol, [[8.0], [18.0]]).numpy()
    array([[2.],
           [2.]], dtype=float32)
    """
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

    Returns:
      `[..., n, k]` of the dtype of `matrix`.
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


@dispatchable("linalg.svd", v1=["linalg.svd", "svd"], direct=True)
def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """Returns the singular values of matrices, and singular vectors.

    The gradient of the vectors needs singular values that differ.

    Args:
      tensor: floats or complex numbers, `[..., m, n]`.
      full_matrices: if True, `u` and `v` are square; otherwise they have min(m, n) columns.
      compute_uv: if False, only the singular values are computed.
      name: a name for the operation.

    Returns:
      A triple `(s, u, v)` with tensor = u diag(s) adjoint(v) and `s` descending, or `s` alone
      without `compute_uv`. Note that NumPy returns adjoint(v).

    Raises:
      InvalidArgumentError: `tensor` has a rank below 2.

    >>> s, u, v = tf.linalg.svd([[3.0, 0.0], [0.0, 4.0]])
    >>> s.numpy()
    array([4., 3.], dtype=float32)
    """
    s, u, v = raw.Svd(input=tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    if compute_uv:
        return real(s), u, v
    return real(s)


@dispatchable("linalg.eigh", v1=["linalg.eigh", "self_adjoint_eig"], direct=True)
def eigh(tensor, name=None):
    """Returns the eigenvalues and eigenvectors of Hermitian matrices.

    Args:
      tensor: floats or complex numbers, `[..., n, n]`; only the lower triangle is read.
      name: a name for the operation.

    Returns:
      A pair: eigenvalues `[..., n]` in ascending order, and eigenvectors `[..., n, n]` in its
      columns.

    Raises:
      InvalidArgumentError: the matrices are not square.

    >>> values, vectors = tf.linalg.eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.numpy()
    array([1., 2.], dtype=float32)
    """
    e, v = raw.SelfAdjointEigV2(input=tensor, compute_v=True, name=name)
    return e, v


@dispatchable("linalg.eigvalsh", v1=["linalg.eigvalsh", "self_adjoint_eigvals"])
def eigvalsh(tensor, name=None):
    """Returns the eigenvalues of Hermitian matrices in ascending order.

    Args:
      tensor: floats or complex numbers, `[..., n, n]`; only the lower triangle is read.
      name: a name for the operation.

    Returns:
      A tensor `[..., n]`.

    Raises:
      InvalidArgumentError: the matrices are not square.

    >>> tf.linalg.eigvalsh([[2.0, 1.0], [1.0, 2.0]]).numpy().round(4)
    array([1., 3.], dtype=float32)
    """
    return raw.SelfAdjointEigV2(input=tensor, compute_v=False, name=name)[0]


_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


@dispatchable("linalg.eig", "eig")
def eig(tensor, name=None):
    """Returns the eigenvalues and eigenvectors of square matrices.

    They are complex and in no particular order; for Hermitian matrices `tf.linalg.eigh` is faster
    and real.

    Args:
      tensor: floats or complex numbers, `[..., n, n]`.
      name: a name for the operation.

    Returns:
      A pair of complex tensors: eigenvalues `[..., n]`, and eigenvectors `[..., n, n]` in its
      columns.

    Raises:
      InvalidArgumentError: the matrices are not square.

    >>> values, vectors = tf.eig(tf.constant([[0.0, 1.0], [-1.0, 0.0]]))
    >>> sorted(values.numpy().imag.tolist())
    [-1.0, 1.0]
    """
    tensor = convert_to_tensor(tensor)
    kind = _COMPLEX.get(tensor.dtype, tensor.dtype)
    e, v = raw.Eig(input=tensor, Tout=kind, compute_v=True, name=name)
    return e, v


@dispatchable("linalg.eigvals", "eigvals")
def eigvals(tensor, name=None):
    """Returns the eigenvalues of square matrices, as complex numbers.

    Args:
      tensor: floats or complex numbers, `[..., n, n]`.
      name: a name for the operation.

    Returns:
      A complex tensor `[..., n]`, in no particular order.

    Raises:
      InvalidArgumentError: the matrices are not square.

    >>> sorted(tf.eigvals(tf.constant([[2.0, 0.0], [0.0, 5.0]])).numpy().real.tolist())
    [2.0, 5.0]
    """
    tensor = convert_to_tensor(tensor)
    kind = _COMPLEX.get(tensor.dtype, tensor.dtype)
    return raw.Eig(input=tensor, Tout=kind, compute_v=False, name=name)[0]


@dispatchable("linalg.expm", scope="matrix_exponential")
def expm(input, name=None):
    """Returns the exponential of each matrix.

    It is computed by scaling, squaring and a Padé approximant of order 13.

    Source: Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005.

    Args:
      input: floats or complex numbers, `[..., n, n]`.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      ValueError: the dtype is another, or the matrices are not square.
      InvalidArgumentError: the matrices of an eager call are not square.

    >>> tf.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).numpy()
    array([[1., 1.],
           [0., 1.]], dtype=float32)
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
    # For non-finite elements: NaN everywhere, which a solve would reject.
    is_finite = raw.IsFinite(x=size)
    result = raw.MatrixSolve(
        matrix=raw.SelectV2(condition=is_finite, t=v - u, e=eye),
        rhs=raw.SelectV2(condition=is_finite, t=v + u, e=np.asarray(np.nan, c[0].dtype)),
    )
    return _square_repeatedly(result, squarings, name)


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
    """Returns the Moore-Penrose pseudo-inverse of each matrix.

    Args:
      a: floats, `[..., m, n]`.
      rcond: singular values below `rcond` times the greatest one count as 0; by default 10 *
        max(m, n) * epsilon.
      validate_args: without effect: the rank is always checked.
      name: a name for the operation.

    Returns:
      A tensor `[..., n, m]`.

    Raises:
      TypeError: `a` is not of floats.

    >>> tf.linalg.pinv([[2.0, 0.0], [0.0, 0.0]]).numpy()
    array([[0.5, 0. ],
           [0. , 0. ]], dtype=float32)
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
    """Returns how many singular values of each matrix exceed a tolerance.

    Args:
      a: floats or complex numbers, `[..., m, n]`.
      tol: the tolerance; by default epsilon * max(m, n) * the greatest singular value.
      validate_args: without effect: the rank is always checked.
      name: a name for the operation.

    Returns:
      An int32 tensor `[...]`.

    Raises:
      TypeError: `a` is of other numbers.

    >>> tf.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).numpy()
    np.int32(1)
    """
    a = convert_to_tensor(a, name="a", dtype_hint=dtypes.float32)
    if not (a.dtype.is_floating or a.dtype.is_complex):
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    _check_matrices(a)
    s = svd(a, compute_uv=False)
    if tol is None:
        extent = max(a.shape[-2] or 1, a.shape[-1] or 1)
        eps = np.asarray(np.finfo(s.dtype.as_numpy_dtype).eps * extent, s.dtype.as_numpy_dtype)
        tol = eps * reduce_max(s, -1, keepdims=True)
    return reduce_sum(cast(s > tol, dtypes.int32), -1, name=name)


@dispatchable("linalg.normalize")
def normalize(tensor, ord="euclidean", axis=None, name=None):
    """`tensor` divided by its norm, and the norm; arguments as `tf.norm`'s.

    Args:
      tensor: floats or complex numbers.
      ord, axis: as `tf.norm`'s.
      name: of the operation.

    Returns:
      (normalized, norm): tensors of the dtype of `tensor`, the first of integers of floats (float64 of those of more than
      16 bits); the norm keeps its axes with length 1.
    """
    tensor = convert_to_tensor(tensor)
    size = norm(tensor, ord, axis, keepdims=True)
    size = cast(size, tensor.dtype)
    return truediv(tensor, size, name=name), size


def adjoint_of(x):
    """`x` transposed in its last two axes and conjugated."""
    rank = x.shape.rank
    perm = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    return conj(raw.Transpose(x=x, perm=perm))


__getattr__ = op_functions(
    globals(),
    dispatchable="""
linalg.det +matrix_determinant = MatrixDeterminant(input)
    Returns the determinant of each matrix.

    Args:
      input: floats or complex numbers, `[..., n, n]`.
      name: a name for the operation.

    Returns:
      A tensor `[...]`.

    Raises:
      InvalidArgumentError: the matrices are not square.

    >>> tf.linalg.det([[2.0, 0.0], [0.0, 3.0]]).numpy().round(4)
    np.float32(6.0)
linalg.slogdet = LogMatrixDeterminant(input)
    Returns the sign and the logarithm of the absolute value of each determinant.

    Unlike `tf.linalg.det` it neither overflows nor underflows.

    Args:
      input: floats or complex numbers, `[..., n, n]`.
      name: a name for the operation.

    Returns:
      A pair of tensors `[...]`; a sign of 0 goes with a logarithm of minus infinity.

    Raises:
      InvalidArgumentError: the matrices are not square.

    >>> sign, logarithm = tf.linalg.slogdet([[0.0, 2.0], [1.0, 0.0]])
    >>> sign.numpy(), logarithm.numpy().round(4)
    (np.float32(-1.0), np.float32(0.6931))
linalg.inv +matrix_inverse = MatrixInverse(input, adjoint=False)
    Returns the inverse of each matrix.

    To solve equations, `tf.linalg.solve` is faster and more accurate.

    Args:
      input: floats or complex numbers, `[..., n, n]`.
      adjoint: if True, the inverse of the adjoint.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      InvalidArgumentError: a matrix is not invertible, or not square.

    >>> tf.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).numpy()
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
linalg.cholesky +cholesky = Cholesky(input)
    Returns the lower triangular L with L adjoint(L) = input.

    Args:
      input: floats or complex numbers, `[..., n, n]`, Hermitian and positive definite; only the
        lower triangle is read.
      name: a name for the operation.

    Returns:
      A tensor of the same shape, 0 above the diagonal.

    Raises:
      InvalidArgumentError: a matrix is not positive definite, or not square.

    >>> tf.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]]).numpy()
    array([[2., 0.],
           [1., 2.]], dtype=float32)
linalg.triangular_solve +matrix_triangular_solve = MatrixTriangularSolve(matrix, rhs, lower=True, adjoint=False) in triangular_solve
    Returns the X with matrix X = rhs, for triangular matrices.

    Args:
      matrix: floats or complex numbers, `[..., n, n]`; the other half is not read.
      rhs: `[..., n, k]`. The leading axes broadcast.
      lower: whether the lower half is the one that counts.
      adjoint: if True, adjoint(matrix) X = rhs is solved.
      name: a name for the operation.

    Returns:
      A tensor `[..., n, k]`.

    Raises:
      InvalidArgumentError: a diagonal has a 0, or the sizes do not fit.

    >>> tf.linalg.triangular_solve([[2.0, 0.0], [1.0, 1.0]], [[4.0], [5.0]]).numpy()
    array([[2.],
           [3.]], dtype=float32)
linalg.solve +matrix_solve = MatrixSolve(matrix, rhs, adjoint=False)
    Returns the X with matrix X = rhs.

    Args:
      matrix: floats or complex numbers, `[..., n, n]`.
      rhs: `[..., n, k]`.
      adjoint: if True, adjoint(matrix) X = rhs is solved.
      name: a name for the operation.

    Returns:
      A tensor `[..., n, k]`.

    Raises:
      InvalidArgumentError: a matrix is not invertible, or the sizes do not fit.

    >>> tf.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [[2.0], [8.0]]).numpy()
    array([[1.],
           [2.]], dtype=float32)
linalg.qr +qr = Qr(input, full_matrices=False)
    Returns the factors of input = q r, with orthonormal columns and an upper triangle.

    The signs of the columns of `q` are those that LAPACK chooses.

    Args:
      input: floats or complex numbers, `[..., m, n]`.
      full_matrices: if True, `q` is `[..., m, m]`; otherwise it has min(m, n) columns.
      name: a name for the operation.

    Returns:
      A pair `(q, r)`.

    >>> q, r = tf.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> tf.abs(r).numpy().round(4)
    array([[5. , 2.2],
           [0. , 0.4]], dtype=float32)
    >>> tf.matmul(q, r).numpy().round(4)
    array([[3., 1.],
           [4., 2.]], dtype=float32)
linalg.logm = MatrixLogarithm(input)
    The principal logarithm of each complex matrix.

    Args:
      input: complex `[..., n, n]`.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
linalg.sqrtm matrix_square_root = MatrixSquareRoot(input)
    The square root S of each matrix, S S = input.

    Args:
      input: floats or complex numbers `[..., n, n]`.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
linalg.lu = Lu(input, output_idx_type=dtypes.int32)
    Returns the triangular factors of each matrix and the order of its rows.

    Args:
      input: floats or complex numbers, `[..., n, n]`.
      output_idx_type: the dtype of `p`: int32 or int64.
      name: a name for the operation.

    Returns:
      A pair `(lu, p)`: L without its diagonal of ones below U, in one matrix; and `[..., n]`,
      with row i of L U being row `p[i]` of `input`.

    Raises:
      InvalidArgumentError: a matrix is not invertible, or not square.

    >>> lu, p = tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]])
    >>> lu.numpy(), p.numpy()
    (array([[4.  , 4.  ],
           [0.25, 1.  ]], dtype=float32), array([1, 0], dtype=int32))
""",
)
