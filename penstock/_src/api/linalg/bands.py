"""Diagonals, bands, transposition, and solvers of structured matrices."""

import numpy as np

from penstock._src.api.debugging.asserts import (
    assert_less,
    assert_less_equal,
    assert_non_negative,
)
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.complex_numbers import conj, imag, real
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw

from .decompositions import adjoint_of
from .products import matmul


@dispatchable("linalg.diag", v1=["linalg.diag", "matrix_diag"], named="diag", direct=True)
def diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0, align="RIGHT_LEFT"):
    """Returns matrices with given diagonals and `padding_value` elsewhere.

    Args:
      diagonal: `[..., n]` for one diagonal, or `[..., d, n]` for a band of d, the highest first.
      name: a name for the operation.
      k: the offset of the diagonal, positive above the main one; or a pair: the lowest and the
        highest.
      num_rows: the rows of the matrices; -1 for the least that is needed.
      num_cols: the columns of the matrices; -1 for the least that is needed.
      padding_value: a scalar: what stands outside of the diagonals.
      align: at which end shorter diagonals of a band are padded: two words of "LEFT" and "RIGHT"
        joined by "_", for those above and below the main one.

    Returns:
      A tensor `[..., rows, columns]`.

    Raises:
      InvalidArgumentError: the sizes do not fit.

    >>> tf.linalg.diag([1, 2, 3]).numpy()
    array([[1, 0, 0],
           [0, 2, 0],
           [0, 0, 3]], dtype=int32)
    >>> tf.linalg.diag([1, 2], k=1).numpy()
    array([[0, 1, 0],
           [0, 0, 2],
           [0, 0, 0]], dtype=int32)
    """
    diagonal = convert_to_tensor(diagonal, name="diagonal")
    is_main = all(map(_is_number, (k, num_rows, num_cols, padding_value), (0, -1, -1, 0)))
    # Another `align` changes nothing here, but MatrixDiagV3 checks it.
    if is_main and align == "RIGHT_LEFT":
        return raw.MatrixDiag(diagonal=diagonal, name=name)
    if diagonal.dtype.is_bool:
        padding_value = bool(padding_value)
    return raw.MatrixDiagV3(
        diagonal=diagonal,
        k=k,
        num_rows=num_rows,
        num_cols=num_cols,
        padding_value=convert_to_tensor(padding_value, dtype=diagonal.dtype, name="padding_value"),
        align=align,
        name=name,
    )


@dispatchable(
    "linalg.diag_part", v1=["linalg.diag_part", "matrix_diag_part"], named="diag_part", direct=True
)
def diag_part(input, name="diag_part", k=0, padding_value=0, align="RIGHT_LEFT"):
    """Returns one diagonal, or a band of them, of each matrix.

    Args:
      input: `[..., m, n]`.
      name: a name for the operation.
      k: the offset of the diagonal, positive above the main one; or a pair: the lowest and the
        highest.
      padding_value: a scalar: what fills up shorter diagonals of a band.
      align: at which end they are filled up, as in `tf.linalg.diag`.

    Returns:
      A tensor `[..., length]`, or `[..., number of diagonals, length]`, the highest first.

    Raises:
      InvalidArgumentError: `k` lies outside the matrix.

    >>> tf.linalg.diag_part([[1, 2, 3], [4, 5, 6], [7, 8, 9]]).numpy()
    array([1, 5, 9], dtype=int32)
    >>> tf.linalg.diag_part([[1, 2, 3], [4, 5, 6], [7, 8, 9]], k=1).numpy()
    array([2, 6], dtype=int32)
    """
    input = convert_to_tensor(input, name="input")
    if input.dtype.is_bool:
        padding_value = bool(padding_value)
    return raw.MatrixDiagPartV3(
        input=input,
        k=k,
        padding_value=convert_to_tensor(padding_value, dtype=input.dtype, name="padding_value"),
        align=align,
        name=name,
    )


@dispatchable("linalg.tensor_diag_part", v1=["linalg.tensor_diag_part", "diag_part"])
def tensor_diag_part(input, name=None):
    """Returns the diagonal of a tensor of even rank: its entries [i..., i...].

    Args:
      input: a tensor of rank 2n whose first and last n axes have equal sizes.
      name: a name for the operation.

    Returns:
      A tensor of rank n.

    Raises:
      InvalidArgumentError: the rank is odd, or the sizes differ.

    >>> tf.linalg.tensor_diag_part([[1, 2], [3, 4]]).numpy()
    array([1, 4], dtype=int32)
    """
    input = convert_to_tensor(input, name="input")
    if input.shape.rank == 0:
        return input
    return raw.DiagPart(input=input, name=name)


@dispatchable("linalg.trace", v1=["linalg.trace", "trace"], named="Trace")
def trace(x, name=None):
    """Returns the sum of the main diagonal of each matrix.

    Args:
      x: numbers, `[..., m, n]`.
      name: a name for the operation.

    Returns:
      A tensor `[...]`.

    >>> tf.linalg.trace([[1, 2], [3, 4]]).numpy()
    np.int32(5)
    """
    x = convert_to_tensor(x, name="x")
    return reduce_sum(diag_part(x), [-1], name=name)


@dispatchable(
    "linalg.matrix_transpose",
    v1=["linalg.matrix_transpose", "linalg.transpose", "matrix_transpose"],
    scope="matrix_transpose",
)
def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """Returns `a` with its last two axes exchanged.

    Args:
      a: a tensor of rank 2 or more.
      name: a name for the operation.
      conjugate: if True, complex numbers are conjugated too.

    Returns:
      A tensor `[..., n, m]` for `[..., m, n]`.

    Raises:
      ValueError: `a` has a lower rank.

    >>> tf.linalg.matrix_transpose([[1, 2, 3], [4, 5, 6]]).numpy()
    array([[1, 4],
           [2, 5],
           [3, 6]], dtype=int32)
    """
    a = convert_to_tensor(a, name="a")
    rank = a.shape.rank
    op = raw.ConjugateTranspose if conjugate and a.dtype.is_complex else raw.Transpose
    if rank is not None:
        if rank < 2:
            raise ValueError(
                "Argument `a` should be a (batch) matrix with rank >= 2.  Received `a` = "
                f"{a} with shape: {a.shape}"
            )
        perm = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
        return op(x=a, perm=perm, name="transpose")
    rank = raw.Rank(input=a)
    head = raw.Range(start=0, limit=rank - 2, delta=1)
    perm = raw.ConcatV2(values=[head, raw.Pack(values=[rank - 1, rank - 2])], axis=0)
    return op(x=a, perm=perm, name="transpose")


@dispatchable("linalg.adjoint", scope="adjoint")
def adjoint(matrix, name=None):
    """Returns each matrix transposed and conjugated.

    Args:
      matrix: `[..., m, n]`.
      name: a name for the operation.

    Returns:
      A tensor `[..., n, m]`.

    >>> tf.linalg.adjoint([[1.0 + 1.0j, 2.0 + 0.0j]]).numpy()
    array([[1.-1.j],
           [2.-0.j]])
    """
    return matrix_transpose(convert_to_tensor(matrix, name="matrix"), name=name, conjugate=True)


@dispatchable("eye", "linalg.eye", scope="eye")
def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
    """Returns identity matrices.

    Args:
      num_rows: the number of rows, not negative.
      num_columns: the number of columns, by default as many.
      batch_shape: the leading axes of the result, by default none.
      dtype: the dtype of the result.
      name: a name for the operation.

    Returns:
      A tensor `[*batch_shape, num_rows, num_columns]`.

    Raises:
      TypeError: a number is not an integer.
      InvalidArgumentError: a number is negative.

    >>> tf.eye(2, 3).numpy()
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    kind = dtypes.as_dtype(dtype)
    columns = num_rows if num_columns is None else num_columns
    if not all(isinstance(n, (int, np.integer)) or is_tensor_like(n) for n in (num_rows, columns)):
        raise TypeError(
            "Arguments `num_rows` and `num_columns` must be positive integer values. Received: "
            f"num_rows={num_rows}, num_columns={num_columns}"
        )
    batch = [] if batch_shape is None else batch_shape
    known = [_static_extent(b) for b in batch] if isinstance(batch, (list, tuple)) else None
    static = [_static_extent(num_rows), _static_extent(columns)]
    if (
        None not in static
        and isinstance(batch, (list, tuple))
        and all(isinstance(b, (int, np.integer)) for b in batch)
    ):
        if min(static) < 0:
            raise InvalidArgumentError(f"Dimension {min(static)} must be >= 0 [Op:Fill]")
        matrix = np.zeros(static, kind.as_numpy_dtype)
        width = static[1]
        # The diagonal of the first rows, as many as there are columns.
        matrix.reshape(-1)[: width * width : width + 1] = 1
        if not batch:
            return convert_to_tensor(matrix, dtype=kind, name=name)
        shape = np.array([*batch, *static], np.int32)
        return raw.BroadcastTo(input=convert_to_tensor(matrix, dtype=kind), shape=shape, name=name)
    rows = convert_to_tensor(num_rows, dtype_hint=dtypes.int32)
    columns = convert_to_tensor(columns, dtype_hint=dtypes.int32)
    batch = convert_to_tensor(batch, dtype=dtypes.int32)
    rows, columns = cast(rows, dtypes.int32), cast(columns, dtypes.int32)
    length = raw.Minimum(x=rows, y=columns)
    dims = raw.ConcatV2(values=[batch, raw.Reshape(tensor=length, shape=[1])], axis=0)
    ones = raw.Fill(dims=dims, value=np.ones((), kind.as_numpy_dtype))
    identity = raw.MatrixDiagV3(
        diagonal=ones,
        k=0,
        num_rows=rows,
        num_cols=columns,
        padding_value=np.zeros((), kind.as_numpy_dtype),
        name=name,
    )
    if known is not None:
        identity.set_shape([*known, *static])
    return identity


def _is_number(argument, number):
    """True if an argument is a number of Python's, and this one: a tensor of a graph cannot be compared yet."""
    return isinstance(argument, (int, float, complex, np.number)) and argument == number


def _static_extent(n):
    return int(n) if isinstance(n, (int, np.integer)) else None


@dispatchable("linalg.lu_reconstruct", scope="lu_reconstruct")
def lu_reconstruct(lower_upper, perm, validate_args=False, name=None):
    """The matrices that `tf.linalg.lu` decomposed.

    Args:
      lower_upper: `[..., n, n]`, as `tf.linalg.lu` returns it.
      perm: integers `[..., n]`, the same.
      validate_args: without effect: arguments are always checked.
      name: of the operation.

    Returns:
      `[..., n, n]` of the dtype of `lower_upper`.
    """
    both = convert_to_tensor(lower_upper, name="lower_upper")
    perm = convert_to_tensor(perm, dtype_hint=dtypes.int32, name="perm")
    _check_decomposition(both, perm)
    lower, upper = _lower_and_upper(both)
    product = matmul(lower, upper)
    return _take_rows(product, _inverse_permutations(perm), name)


def _check_decomposition(both, perm):
    """Raises ValueError unless these are valid LU decompositions and permutations."""
    rank, permuted = both.shape.rank, perm.shape.rank
    if rank is None:
        return
    if rank < 2:
        raise ValueError(
            f"Input `lower_upper` must have at least 2 dimensions. Received shape {both.shape}."
        )
    if permuted is not None and rank != permuted + 1:
        raise ValueError(
            "`rank(lower_upper)` must equal `rank(perm) + 1`. Received shapes "
            f"{both.shape} and {perm.shape}."
        )
    if None not in (both.shape[-1], both.shape[-2]) and both.shape[-1] != both.shape[-2]:
        raise ValueError(f"`lower_upper` must be square. Received shape {both.shape}.")


def _lower_and_upper(both):
    upper = raw.MatrixBandPart(input=both, num_lower=0, num_upper=-1)
    lower = raw.MatrixBandPart(input=both, num_lower=-1, num_upper=0)
    diagonal = raw.OnesLike(x=raw.MatrixDiagPart(input=both))
    return raw.MatrixSetDiag(input=lower, diagonal=diagonal), upper


def _inverse_permutations(perm):
    if perm.shape.rank == 1:
        return raw.InvertPermutation(x=perm)
    last = perm.shape[-1] if perm.shape[-1] is not None else raw.Shape(input=perm)[-1]
    descending = raw.TopKV2(input=-cast(perm, dtypes.int32), k=last, sorted=True)[1]
    return descending


def _take_rows(matrices, rows, name=None):
    if rows.shape.rank is None:
        # Counted from the end of the matrices and of the permutations.
        return raw.GatherV2(params=matrices, indices=rows, axis=-2, batch_dims=-1, name=name)
    batch = rows.shape.rank - 1
    return raw.GatherV2(params=matrices, indices=rows, axis=batch, batch_dims=batch, name=name)


def _with_one_batch(matrices, perm):
    """Returns matrices and permutations with their batch dimensions broadcast to each other."""
    batch, rows = matrices.shape[:-2], perm.shape[:-1]
    if batch.is_fully_defined() and rows.is_fully_defined() and batch == rows:
        return matrices, perm
    shape, length = raw.Shape(input=matrices), raw.Shape(input=perm)
    common = raw.BroadcastArgs(s0=shape[:-2], s1=length[:-1])
    whole = raw.ConcatV2(values=[common, shape[-2:]], axis=0)
    several = raw.ConcatV2(values=[common, length[-1:]], axis=0)
    return raw.BroadcastTo(input=matrices, shape=whole), raw.BroadcastTo(input=perm, shape=several)


@dispatchable("linalg.lu_solve")
def lu_solve(lower_upper, perm, rhs, validate_args=False, name=None):
    """The X with A X = rhs, for the decomposition of A by `tf.linalg.lu`.

    Args:
      lower_upper, perm, name: as `tf.linalg.lu_reconstruct`'s.
      rhs: `[..., n, k]`; its batch dimensions and those of the others broadcast.
      validate_args: without effect: arguments are always checked.

    Returns:
      `[..., n, k]` of the dtype of `lower_upper`.

    Raises:
      ValueError: `rhs` has fewer than 2 dimensions, or another number of rows.
    """
    both = convert_to_tensor(lower_upper, name="lower_upper")
    perm = convert_to_tensor(perm, dtype_hint=dtypes.int32, name="perm")
    rhs = convert_to_tensor(rhs, dtype=both.dtype, name="rhs")
    _check_decomposition(both, perm)
    if rhs.shape.rank is not None and rhs.shape.rank < 2:
        raise ValueError(
            f"Input `rhs` must have at least 2 dimensions. Received shape {rhs.shape}."
        )
    if rhs.shape.rank and not both.shape[-1:].is_compatible_with(rhs.shape[-2:-1]):
        raise ValueError(
            "`lower_upper.shape[-1]` must equal `rhs.shape[-2]`. Received shapes "
            f"{both.shape} and {rhs.shape}."
        )
    permuted = _take_rows(*_with_one_batch(rhs, perm))
    lower, _ = _lower_and_upper(both)
    half = raw.MatrixTriangularSolve(matrix=lower, rhs=permuted)
    return raw.MatrixTriangularSolve(matrix=both, rhs=half, lower=False, name=name)


@dispatchable("linalg.lu_matrix_inverse", scope="lu_matrix_inverse")
def lu_matrix_inverse(lower_upper, perm, validate_args=False, name=None):
    """The inverse of A, for the decomposition of A by `tf.linalg.lu`.

    Args:
      lower_upper, perm, validate_args, name: as `tf.linalg.lu_reconstruct`'s.

    Returns:
      `[..., n, n]` of the dtype of `lower_upper`.
    """
    both = convert_to_tensor(lower_upper, name="lower_upper")
    perm = convert_to_tensor(perm, dtype_hint=dtypes.int32, name="perm")
    _check_decomposition(both, perm)
    shape = raw.Shape(input=both)
    identity = eye(shape[-1], batch_shape=shape[:-2], dtype=both.dtype)
    if STATE.graph is not None:
        identity.set_shape(both.shape)
    return lu_solve(both, perm, identity, validate_args=validate_args, name=name)


def _three_diagonals(diagonals, layout):
    """(superdiagonal, main, subdiagonal), each `[..., m]`."""
    if layout == "compact":
        d = convert_to_tensor(diagonals, name="diagonals")
        if d.shape.rank is not None and d.shape[-2] not in (None, 3):
            raise ValueError(
                f"Expected 3 diagonals got {d.shape[-2]}: diagonals have shape {d.shape}"
            )
        return [d[..., i, :] for i in range(3)]
    if layout == "sequence":
        upper, main, lower = (convert_to_tensor(d, name="diagonals") for d in diagonals)
        m = main.shape[-1]
        shorter = None if m is None else m - 1
        if shorter is not None and upper.shape[-1] == shorter:
            upper = _padded_row(upper, 0, 1)
        if shorter is not None and lower.shape[-1] == shorter:
            lower = _padded_row(lower, 1, 0)
        return [upper, main, lower]
    if layout == "matrix":
        matrix = convert_to_tensor(diagonals, name="diagonals")
        band = raw.MatrixDiagPartV3(
            input=matrix,
            k=np.array([-1, 1], np.int32),
            padding_value=np.zeros((), matrix.dtype.as_numpy_dtype),
            align="LEFT_RIGHT",
        )
        return [band[..., i, :] for i in range(3)]
    raise ValueError(f"Unrecognized diagonals_format: {layout}")


def _require_same_systems(diagonals, rhs):
    """Raises ValueError unless diagonals [..., 3, m] and right-hand sides [..., m, n] have the same m and batch."""
    if diagonals.rank is None or rhs.rank is None:
        return
    if not diagonals[-1:].is_compatible_with(rhs[-2:-1]):
        raise ValueError(
            f"Expected number of left-hand sided and right-hand sides to be equal, got {diagonals[-1]} and {rhs[-2]}: diagonals "
            f"have shape {diagonals}, rhs {rhs}"
        )
    if not diagonals[:-2].is_compatible_with(rhs[:-2]):
        raise ValueError(f"Batch shapes {diagonals[:-2]} and {rhs[:-2]} are incompatible")


def _padded_row(x, before, after):
    paddings = [[0, 0]] * (x.shape.rank - 1) + [[before, after]]
    return raw.Pad(input=x, paddings=np.array(paddings, np.int32))


@dispatchable("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals, rhs, diagonals_format="compact", name=None):
    """The product of tridiagonal matrices and `rhs`.

    Args:
      diagonals: "compact": `[..., 3, m]` of superdiagonal, diagonal and subdiagonal; "sequence": a
        list of the three; "matrix": `[..., m, m]`.
      rhs: `[..., m, n]`.
      diagonals_format: the form of `diagonals`.
      name: a name for the operation.

    Returns:
      `[..., m, n]` of the dtype of `rhs`.
    """
    upper, main, lower = _three_diagonals(diagonals, diagonals_format)
    return raw.TridiagonalMatMul(
        superdiag=raw.ExpandDims(input=upper, axis=-2),
        maindiag=raw.ExpandDims(input=main, axis=-2),
        subdiag=raw.ExpandDims(input=lower, axis=-2),
        rhs=rhs,
        name=name,
    )


@dispatchable("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals,
    rhs,
    diagonals_format="compact",
    transpose_rhs=False,
    conjugate_rhs=False,
    name=None,
    partial_pivoting=True,
    perturb_singular=False,
):
    """The X with A X = rhs, for tridiagonal A; forms of `diagonals` as in `tridiagonal_matmul`.

    Args:
      diagonals, diagonals_format: as `tf.linalg.tridiagonal_matmul`'s.
      rhs: `[..., m]` or `[..., m, n]`.
      transpose_rhs: whether to transpose `rhs` first, if it is a matrix.
      conjugate_rhs: whether to conjugate `rhs` first.
      name: of the operation.
      partial_pivoting: whether rows are exchanged, without which small pivots make results
        inexact.
      perturb_singular: whether a zero pivot is replaced by a small number.

    Returns:
      A tensor of the dtype of `rhs` and its shape, which for `transpose_rhs` is the transposed
      one; NaN where a pivot is zero.

    Raises:
      ValueError: `perturb_singular` without `partial_pivoting`, or shapes that do not fit.
    """
    if perturb_singular and not partial_pivoting:
        raise ValueError("partial_pivoting must be True if perturb_singular is True.")
    packed = raw.Pack(values=_three_diagonals(diagonals, diagonals_format), axis=-2)
    rhs = convert_to_tensor(rhs, dtype=packed.dtype, name="rhs")
    ranks = rhs.shape.rank, packed.shape.rank
    vector = None not in ranks and ranks[0] == ranks[1] - 1
    if vector:
        if conjugate_rhs:
            rhs = conj(rhs)
        rhs = raw.ExpandDims(input=rhs, axis=-1)
    elif transpose_rhs:
        rhs = adjoint_of(rhs) if conjugate_rhs else matrix_transpose(rhs)
    elif conjugate_rhs:
        rhs = conj(rhs)
    _require_same_systems(packed.shape, rhs.shape)
    result = raw.TridiagonalSolve(
        diagonals=packed,
        rhs=rhs,
        partial_pivoting=partial_pivoting,
        perturb_singular=perturb_singular,
        name=name,
    )
    if vector:
        return raw.Squeeze(input=result, axis=[-1])
    return result


@dispatchable("linalg.eigh_tridiagonal")
def eigh_tridiagonal(
    alpha, beta, eigvals_only=True, select="a", select_range=None, tol=None, name=None
):
    """Eigenvalues (and, unless `eigvals_only`, vectors) of Hermitian tridiagonal matrices.

    Args:
      alpha: `[n]`, the diagonal.
      beta: `[n - 1]`, the superdiagonal.
      eigvals_only: omit the vectors.
      select: "a" all, "v" those in the interval `select_range`, "i" those of these indices.
      select_range: a pair.
      tol: the requested accuracy; ignored, as the solver always works to machine precision.
      name: a name for the operation.

    Returns:
      The eigenvalues `[m]`, ascending, of the real dtype of `alpha`; unless `eigvals_only`, a
      tuple of them and the eigenvectors `[n, m]` of the dtype of `alpha`, as columns. They are NaN
      if a number of the matrix is not finite. If the first extent of `alpha` is known to be at most
      1, the result is `alpha`, as in TensorFlow.

    Raises:
      ValueError: `select` is something else, or the dtypes differ.
      InvalidArgumentError: `select_range` selects nothing by its order, or has indices that no
        eigenvalue has.
    """
    del tol
    if select not in ("a", "i", "v"):
        raise ValueError("'select must have a value in {'a', 'i', 'v'}.")
    alpha = convert_to_tensor(alpha, name="alpha")
    beta = convert_to_tensor(beta, name="beta")
    if alpha.dtype != beta.dtype:
        raise ValueError(
            "'alpha' and 'beta' must have the same type. "
            f"Received alpha {alpha.dtype.name}, beta {beta.dtype.name}"
        )
    if alpha.shape.rank and (alpha.shape[0] or 0) <= 1 and alpha.shape[0] is not None:
        return real(alpha)
    finite = raw.LogicalAnd(x=_is_finite(alpha), y=_is_finite(beta))
    alpha, beta = (raw.SelectV2(condition=finite, t=x, e=raw.ZerosLike(x=x)) for x in (alpha, beta))
    matrix = raw.MatrixDiag(diagonal=alpha)
    # shifted down by padding, which also works for a single row and an unknown number of rows
    below = raw.MatrixDiag(diagonal=conj(beta))
    lower = raw.Pad(input=below, paddings=np.array([[1, 0], [0, 1]], np.int32))
    upper = adjoint_of(lower)
    values, vectors = raw.SelfAdjointEigV2(
        input=matrix + lower + upper, compute_v=not eigvals_only, name=name
    )
    values = cast(values, values.dtype.real_dtype)
    nan = convert_to_tensor(np.nan, values.dtype)
    values = raw.SelectV2(condition=finite, t=values, e=nan)
    if not eigvals_only:
        vectors = raw.SelectV2(condition=finite, t=vectors, e=cast(nan, vectors.dtype))
    if select == "a":
        return values if eigvals_only else (values, vectors)
    low, high = select_range
    if select == "i":
        low, high = (convert_to_tensor(n, dtypes.int32) for n in (low, high))
        assert_less_equal(low, high, message="empty index range in select_range")
        assert_non_negative(low, message="negative index in select_range")
        count = raw.Size(input=values)
        assert_less(high, count, message="index in select_range beyond the eigenvalues")
        inside = raw.Range(start=low, limit=high + 1, delta=1)
    else:
        low, high = (convert_to_tensor(v, dtype=values.dtype) for v in (low, high))
        assert_less(low, high, message="empty interval in select_range")
        inside = raw.Where(condition=raw.LogicalAnd(x=values > low, y=values <= high))[:, 0]
    values = raw.GatherV2(params=values, indices=inside, axis=0)
    if eigvals_only:
        return values
    return values, raw.GatherV2(params=vectors, indices=inside, axis=1)


def _is_finite(x):
    """A scalar: whether all numbers of a tensor are finite."""
    parts = [real(x), imag(x)] if x.dtype.is_complex else [x]
    every = [
        raw.All(input=raw.IsFinite(x=p), axis=raw.Range(start=0, limit=raw.Rank(input=p), delta=1))
        for p in parts
    ]
    return every[0] if len(every) == 1 else raw.LogicalAnd(x=every[0], y=every[1])


__getattr__ = op_functions(
    globals(),
    dispatchable="""
linalg.band_part +matrix_band_part = MatrixBandPart(input, num_lower, num_upper)
    Returns matrices with zeros outside of a band around the main diagonal.

    Args:
      input: `[..., m, n]`.
      num_lower: how many diagonals below the main one are kept; a negative number keeps all.
      num_upper: how many diagonals above the main one are kept; a negative number keeps all.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `input`.

    Raises:
      InvalidArgumentError: a number exceeds the size of the matrices.

    >>> tf.linalg.band_part(tf.ones([3, 3]), -1, 0).numpy()
    array([[1., 0., 0.],
           [1., 1., 0.],
           [1., 1., 1.]], dtype=float32)
linalg.tensor_diag +diag = Diag(diagonal)
    A tensor of twice the rank with `diagonal` on its diagonal.

    Args:
      diagonal: `[...]` of numbers.
      name: of the operation.

    Returns:
      `[..., ...]` of the same dtype, zero elsewhere.
linalg.cross +cross = Cross(a, b)
    Returns the cross products of vectors with three entries.

    Args:
      a: real numbers, `[..., 3]`.
      b: numbers of the same shape and dtype.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      InvalidArgumentError: the last axis is not of length 3, or the shapes differ.

    >>> tf.linalg.cross([1, 0, 0], [0, 1, 0]).numpy()
    array([0, 0, 1], dtype=int32)
linalg.banded_triangular_solve = BandedTriangularSolve(bands: matrix, rhs, lower=True, adjoint=False) in banded_triangular_solve
    The X with A X = rhs, for a triangular band matrix given by its diagonals.

    Args:
      bands: `[..., bands, m]`: the main diagonal first for a lower triangular matrix, last for an
        upper one; entries of other diagonals that are outside of the matrix are not read.
      rhs: `[..., m, n]` of the same dtype.
      lower: whether the matrix is lower triangular.
      adjoint: whether to solve with the adjoint.
      name: of the operation.

    Returns:
      `[..., m, n]` of the same dtype.
linalg.set_diag +matrix_set_diag = MatrixSetDiagV3(input, diagonal, name="set_diag", k=0, align="RIGHT_LEFT")
    Returns matrices with some diagonals replaced.

    Args:
      input: `[..., m, n]`.
      diagonal: `[..., length]`, or `[..., number of diagonals, length]`, the highest first.
      name: a name for the operation.
      k: the offset of the diagonal, positive above the main one; or a pair: the lowest and the
        highest.
      align: at which end shorter diagonals are padded, as in `tf.linalg.diag`.

    Returns:
      A tensor of the shape of `input`.

    Raises:
      InvalidArgumentError: the sizes do not fit.

    >>> tf.linalg.set_diag([[1, 2], [3, 4]], [7, 9]).numpy()
    array([[7, 2],
           [3, 9]], dtype=int32)
""",
)
