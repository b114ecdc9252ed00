"""Diagonals, bands, transposition, and solvers of structured matrices."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import cast, conj
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.util.export import export

from .decompositions import adjoint_of
from .products import matmul


@dispatchable("linalg.diag", v1=["linalg.diag", "matrix_diag"], named="diag")
def diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0, align="RIGHT_LEFT"):
    """Matrices with given diagonals.

    Args:
      diagonal: `[..., n]`, or `[..., d, n]` for a band of d diagonals.
      name: a name for the operation.
      k: offset of the diagonal (positive: above the main one), or a pair of lowest and highest.
      num_rows: rows of the matrices; -1: the minimum.
      num_cols: columns of the matrices; -1: the minimum.
      padding_value: the value outside the diagonals.
      align: how diagonals of different lengths are stored in a band.
    """
    diagonal = convert_to_tensor(diagonal, name="diagonal")
    if k == 0 and num_rows == -1 and num_cols == -1 and padding_value == 0:
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


@dispatchable("linalg.diag_part", v1=["linalg.diag_part", "matrix_diag_part"], named="diag_part")
def diag_part(input, name="diag_part", k=0, padding_value=0, align="RIGHT_LEFT"):
    """The diagonals `k` of matrices; see `tf.linalg.diag`."""
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
    """The diagonal of a tensor of even rank whose two halves have equal shapes."""
    input = convert_to_tensor(input, name="input")
    if input.shape.rank == 0:
        return input
    return raw.DiagPart(input=input, name=name)


@dispatchable("linalg.trace", v1=["linalg.trace", "trace"], named="Trace")
def trace(x, name=None):
    """The sum of each matrix's diagonal."""
    x = convert_to_tensor(x, name="x")
    return reduce_sum(diag_part(x), [-1], name=name)


@dispatchable(
    "linalg.matrix_transpose",
    v1=["linalg.matrix_transpose", "linalg.transpose", "matrix_transpose"],
    scope="matrix_transpose",
)
def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """`a` with its last two axes exchanged."""
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
    """Each matrix transposed and conjugated."""
    return matrix_transpose(convert_to_tensor(matrix, name="matrix"), name=name, conjugate=True)


@dispatchable("eye", "linalg.eye", scope="eye")
def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
    """Identity matrices `[*batch_shape, num_rows, num_columns]`."""
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
        matrix = np.eye(*static, dtype=kind.as_numpy_dtype)
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
    made = raw.MatrixDiagV3(
        diagonal=ones,
        k=0,
        num_rows=rows,
        num_cols=columns,
        padding_value=np.zeros((), kind.as_numpy_dtype),
        name=name,
    )
    if known is not None:
        made.set_shape([*known, *static])
    return made


def _static_extent(n):
    return int(n) if isinstance(n, (int, np.integer)) else None


@dispatchable("linalg.lu_reconstruct", scope="lu_reconstruct")
def lu_reconstruct(lower_upper, perm, validate_args=False, name=None):
    """The matrices that `tf.linalg.lu` decomposed."""
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
    rank = rows.shape.rank if rows.shape.rank is not None else matrices.shape.rank
    if rank is None:
        raise ValueError("The rank of the permutations or of the matrices must be known.")
    batch = rows.shape.rank - 1 if rows.shape.rank is not None else rank - 2
    return raw.GatherV2(params=matrices, indices=rows, axis=batch, batch_dims=batch, name=name)


@dispatchable("linalg.lu_solve")
def lu_solve(lower_upper, perm, rhs, validate_args=False, name=None):
    """The X with A X = rhs, for the decomposition of A by `tf.linalg.lu`."""
    both = convert_to_tensor(lower_upper, name="lower_upper")
    perm = convert_to_tensor(perm, dtype_hint=dtypes.int32, name="perm")
    rhs = convert_to_tensor(rhs, dtype=both.dtype, name="rhs")
    _check_decomposition(both, perm)
    permuted = _take_rows(rhs, perm)
    lower, _ = _lower_and_upper(both)
    half = raw.MatrixTriangularSolve(matrix=lower, rhs=permuted)
    return raw.MatrixTriangularSolve(matrix=both, rhs=half, lower=False, name=name)


@dispatchable("linalg.lu_matrix_inverse", scope="lu_matrix_inverse")
def lu_matrix_inverse(lower_upper, perm, validate_args=False, name=None):
    """The inverse of A, for the decomposition of A by `tf.linalg.lu`."""
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


def _padded_row(x, before, after):
    paddings = [[0, 0]] * (x.shape.rank - 1) + [[before, after]]
    return raw.Pad(input=x, paddings=np.array(paddings, np.int32))


@dispatchable("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals, rhs, diagonals_format="compact", name=None):
    """The product of tridiagonal matrices and `rhs`.

    Args:
      diagonals: "compact": `[..., 3, m]` of superdiagonal, diagonal and subdiagonal; "sequence":
        a list of the three; "matrix": `[..., m, m]`.
      rhs: `[..., m, n]`.
      diagonals_format: the form of `diagonals`.
      name: a name for the operation.
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
    """The X with A X = rhs, for tridiagonal A; forms of `diagonals` as in `tridiagonal_matmul`."""
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
    result = raw.TridiagonalSolve(
        diagonals=packed,
        rhs=rhs,
        partial_pivoting=partial_pivoting,
        perturb_singular=perturb_singular,
        name=name,
    )
    if vector:
        return raw.Squeeze(input=result, axis=[-1])
    return matrix_transpose(result) if transpose_rhs else result


@export("linalg.eigh_tridiagonal")
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
    """
    del tol
    if select not in ("a", "i", "v"):
        raise ValueError("'select must have a value in {'a', 'i', 'v'}.")
    alpha = convert_to_tensor(alpha, name="alpha")
    beta = convert_to_tensor(beta, dtype=alpha.dtype, name="beta")
    matrix = raw.MatrixDiag(diagonal=alpha)
    # shifted down by padding, which also works for a single row and an unknown number of rows
    below = raw.MatrixDiag(diagonal=conj(beta))
    lower = raw.Pad(input=below, paddings=np.array([[1, 0], [0, 1]], np.int32))
    upper = adjoint_of(lower)
    values, vectors = raw.SelfAdjointEigV2(input=matrix + lower + upper, compute_v=True, name=name)
    values = cast(values, values.dtype.real_dtype)
    if select == "i":
        first, last = (int(i) for i in select_range)
        values, vectors = values[first : last + 1], vectors[:, first : last + 1]
    elif select == "v":
        low, high = (np.asarray(v, values.dtype.as_numpy_dtype) for v in select_range)
        inside = raw.Where(condition=raw.LogicalAnd(x=values > low, y=values <= high))[:, 0]
        values = raw.GatherV2(params=values, indices=inside, axis=0)
        vectors = raw.GatherV2(params=vectors, indices=inside, axis=1)
    return values if eigvals_only else (values, vectors)


__getattr__ = op_functions(
    globals(),
    dispatchable="""
linalg.band_part +matrix_band_part = MatrixBandPart(input, num_lower, num_upper)
    Matrices with zeros outside a band; a negative width keeps that whole triangle.
linalg.tensor_diag +diag = Diag(diagonal)
    A tensor of twice the rank with `diagonal` on its diagonal.
linalg.cross +cross = Cross(a, b)
    The cross products of vectors of three.
linalg.banded_triangular_solve = BandedTriangularSolve(bands: matrix, rhs, lower=True, adjoint=False) in banded_triangular_solve
    The X with A X = rhs, for a triangular band matrix given by its diagonals.
linalg.set_diag +matrix_set_diag = MatrixSetDiagV3(input, diagonal, name="set_diag", k=0, align="RIGHT_LEFT")
    `input` with the diagonals `k` replaced; see `tf.linalg.diag`.
""",
)
