"""Functions of matrices: exponential, logarithm, square root."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX
from penstock._src.native.algorithms.solvers.schur import LEAST_SHARE, NEAR_CUT, schur
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.linalg import lapack
from penstock._src.ops.linalg.matrices import adjoint, require_square, square


def _each(function, x):
    """A function applied to each matrix of a batch; NaN where elements are not finite."""
    if not x.size:
        return x.copy()
    flat = x.reshape(-1, *x.shape[-2:])
    results = [function(m) if np.isfinite(m).all() else _nothing(m) for m in flat]
    return np.stack(results).reshape(x.shape)


def _fill_finite(matrices, function):
    """Replaces matrices by a function of them; by NaN where elements are not finite."""
    if np.isfinite(matrices).all():
        matrices[...] = function(matrices)
        return
    finite = np.isfinite(matrices).all((-2, -1))
    matrices[~finite] = _nothing(matrices[~finite])
    if finite.any():
        matrices[finite] = function(matrices[finite])


def _nothing(x):
    """NaN, in both parts of complex numbers."""
    return np.full(x.shape, np.nan * (1 + 1j) if np.iscomplexobj(x) else np.nan, x.dtype)


class MatrixExponential(Op):
    """e to each matrix."""

    signature = "input: T -> output: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    vectorize = "rows"

    def shape(self, input):
        return square(input)

    def eager(self, input):
        require_square(self, input)
        return _each(_exponential, input).astype(input.dtype, copy=False)


def _exponential(a):
    """Scaling and squaring with a Pade approximant of degree 13 (Higham 2005)."""
    norm = np.abs(a).sum(0).max()
    squarings = max(0, int(np.ceil(np.log2(norm / 5.371920351148152)))) if norm > 0 else 0
    a = a / 2.0**squarings
    b = [
        64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
        129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
        40840800.0, 960960.0, 16380.0, 182.0, 1.0,
    ]  # fmt: skip
    eye = np.eye(a.shape[0], dtype=a.dtype)
    matmul = lapack.matmul
    a2 = matmul(a, a)
    a4 = matmul(a2, a2)
    a6 = matmul(a4, a2)
    odd = matmul(a6, b[13] * a6 + b[11] * a4 + b[9] * a2)
    u = matmul(a, odd + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * eye)
    even = matmul(a6, b[12] * a6 + b[10] * a4 + b[8] * a2)
    v = even + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * eye
    result = lapack.solve(v - u, v + u)
    for _ in range(squarings):
        result = matmul(result, result)
    return result


class MatrixSquareRoot(Op):
    """The principal square root of each matrix."""

    signature = "input: T -> output: T"
    T = COMPLEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    vectorize = "rows"

    def shape(self, input):
        return square(input)

    def gradient(self, _input, output, dy):
        # Y dY + dY Y = dA, a Sylvester equation, by its Kronecker form
        sizes = raw.Shape(input=output)
        batch = raw.StridedSlice(input=sizes, begin=[0], end=[-2], strides=[1])
        n = raw.StridedSlice(input=sizes, begin=[-2], end=[-1], strides=[1])
        eye = raw.MatrixDiag(
            diagonal=raw.Fill(dims=n, value=np.ones((), output.dtype.as_numpy_dtype))
        )
        root = adjoint(output)
        left = raw.Einsum(inputs=[eye, root], equation="ij,...kl->...kilj")
        right = raw.Einsum(
            inputs=[raw.Einsum(inputs=[root], equation="...ij->...ji"), eye],
            equation="...ij,kl->...kilj",
        )
        one = np.ones(1, np.int32)
        square = raw.ConcatV2(values=[batch, n * n, n * n], axis=0)
        column = raw.ConcatV2(values=[batch, n * n, one], axis=0)
        system = raw.Reshape(tensor=left + right, shape=square)
        flat = raw.Reshape(tensor=dy, shape=column)
        return raw.Reshape(tensor=raw.MatrixSolve(matrix=system, rhs=flat), shape=sizes)

    def eager(self, input):
        require_square(self, input)
        if not input.size:
            return input.copy()
        small = _of_small(input, is_logarithm=False)
        if small is not None:
            return small
        roots = input.astype(np.complex128 if np.iscomplexobj(input) else np.float64, order="C")
        flat = roots.reshape(-1, *input.shape[-2:])  # a view, which the roots are written to
        _fill_finite(flat, _roots)
        return roots.astype(input.dtype, copy=False)


MOST_STEPS = 100  # of an iteration that doubles its digits in each


def _roots(a):
    """By eigenvalues where that is accurate, else Denman and Beavers's iteration, with products instead of a Schur form."""
    if a.shape[-1] <= FEW and runs_native_code():
        roots, done = _by_triangles(a, is_logarithm=False)
        if done is not None:
            roots[~done] = _roots_by_numpy(a[~done])
        return roots
    return _roots_by_numpy(a)


def _roots_by_numpy(a):
    roots, going = np.empty_like(a), np.arange(len(a))
    y, z = a, np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    if len(a):
        by_values, values, done = _by_eigenvalues(np.sqrt, a)
        done &= (np.abs(np.angle(values)) < np.pi - NEAR_CUT).all(-1)
        # Roots of conjugate pairs are conjugate: real matrices have real roots but for rounding.
        roots[done] = (by_values if np.iscomplexobj(a) else by_values.real)[done]
        going, y, z = going[~done], a[~done], z[~done]
    for _ in range(MOST_STEPS):
        if not going.size:
            return roots
        try:
            y_next, z_next = (y + lapack.inv(z)) / 2, (z + lapack.inv(y)) / 2
        except lapack.LinAlgError:  # one is singular, perhaps others are not
            if len(going) > 1:
                for at in going:
                    roots[at] = _roots(a[at : at + 1])[0]
                return roots
            break
        done = np.abs(y_next - y).max((-2, -1)) <= 1e-14 * np.abs(y_next).max((-2, -1))
        roots[going[done]] = y_next[done]
        going, y, z = going[~done], y_next[~done], z_next[~done]
    for at in going:
        roots[at] = _root_by_eigenvalues(a[at])
    return roots


def _root_by_eigenvalues(a):
    values, vectors = lapack.eig(a.astype(np.complex128))
    root = lapack.matmul(vectors * np.sqrt(values), lapack.inv(vectors))
    if np.iscomplexobj(a):
        return root
    if np.abs(root.imag).max() > 1e-6 * max(np.abs(root.real).max(), 1.0):
        return _nothing(a)  # no real square root
    return root.real


class MatrixLogarithm(Op):
    """The principal logarithm of each matrix."""

    signature = "input: T -> output: T"
    T = COMPLEX
    vectorize = "rows"

    def shape(self, input):
        return square(input)

    def eager(self, input):
        require_square(self, input)
        if not input.size:
            return input.copy()
        small = _of_small(input, is_logarithm=True)
        if small is not None:
            return small
        logarithms = input.astype(np.complex128, order="C")
        # A view, which the logarithms are written to.
        flat = logarithms.reshape(-1, *input.shape[-2:])
        _fill_finite(flat, _logarithms)
        return logarithms.astype(input.dtype, copy=False)


def _logarithms(a):
    """The logarithms of matrices of complex128."""
    if a.shape[-1] <= FEW and runs_native_code():
        logarithms, done = _by_triangles(a, is_logarithm=True)
        if done is not None:
            logarithms[~done] = _logarithms_by_numpy(a[~done])
        return logarithms
    return _logarithms_by_numpy(a)


def _logarithms_by_numpy(a):
    """The same by eigenvalues where that is accurate."""
    logarithms, values, done = _by_eigenvalues(_log, a)
    for at in np.flatnonzero(~done):
        logarithms[at] = _logarithm_by_roots(a[at], values[at])
    return logarithms


def _log(values):
    return np.log(np.abs(values)) + 1j * _angles(values)


def _logarithm_by_roots(a, values):
    """Inverse scaling and squaring: log A = 2^k log A^(1/2^k), by Gauss-Legendre quadrature; NaN for singular matrices.

    Source: Higham, Functions of Matrices, 2008, algorithm 11.9 in outline.
    """
    angle = _angle_to_cut(values)
    size = np.abs(a).sum(0).max() or 1.0
    x = a / size * np.exp(-1j * angle)
    eye, roots = np.eye(x.shape[0]), 0
    try:
        while np.abs(x - eye).sum(0).max() > 0.25 and roots < 60:
            x = _square_root(x)
            roots += 1
    except lapack.LinAlgError:
        return _nothing(x)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    delta = x - eye
    total = np.zeros_like(x)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        total = total + weight * lapack.solve(eye + node * delta, delta)
    return total * 2.0**roots + (np.log(size) + 1j * angle) * eye


MOST_GROWTH = 30.0  # of rounding errors by a change of basis that is taken


def _by_eigenvalues(function, a):
    """A function of matrices, the eigenvalues of each, and for which of them this is accurate.

    These are the matrices that are not nearly singular with eigenvectors nearly orthogonal, as those of normal matrices.
    """
    values, vectors, inverse, done = _eigensystem(a)
    sizes = np.abs(values)
    done = done & (sizes.min(-1) > LEAST_SHARE * sizes.max(-1))
    with np.errstate(all="ignore"):  # in the rows of those that are left out
        by_values = function(values.astype(np.complex128))
        return lapack.matmul(vectors * by_values[..., None, :], inverse), values, done


def _eigensystem(a):
    """Eigenvalues, eigenvectors, their inverse, and for which matrices a change to this basis is accurate."""
    if np.array_equal(a, a.conj().swapaxes(-1, -2)):
        values, vectors = lapack.eigh(a)
        return values, vectors, vectors.conj().swapaxes(-1, -2), True
    values, vectors = lapack.eig(a)
    inverse = _inverses(vectors)
    growth = _norms(vectors) * _norms(inverse)
    return values, vectors, inverse, growth <= MOST_GROWTH * a.shape[-1]  # false for NaN


FEW = 20  # rows of matrices whose Schur forms are computed natively


def _of_small(x, is_logarithm):
    """The functions of small matrices, if none needs more than its Schur form; else None."""
    n = x.shape[-1]
    if n > FEW or not runs_native_code():
        return None
    made, others = _by_triangles(x.reshape(-1, n, n), is_logarithm)
    return made.reshape(x.shape).astype(x.dtype, copy=False) if others is None else None


def _by_triangles(a, is_logarithm):
    """The functions of matrices [batch, n, n] by their Schur forms, and for which of them this was done: None for all."""
    matrices, done = a.astype(np.complex128, order="C"), np.empty(len(a), np.int64)
    room = np.empty((5, *a.shape[1:]), np.complex128)
    count = schur().apply(matrices, room, done, int(is_logarithm), len(a), a.shape[-1])
    # Functions of conjugate pairs are conjugate: those of real matrices are real but for rounding.
    made = matrices if np.iscomplexobj(a) else matrices.real
    return made, None if count == len(a) else done.astype(bool)


def _norms(x):
    return np.linalg.norm(x, axis=(-2, -1))


def _inverses(x):
    """The inverse of each matrix, NaN where it is singular."""
    try:
        return lapack.inv(x)
    except lapack.LinAlgError:
        if len(x) == 1:
            return np.full_like(x, np.nan)
        return np.concatenate([_inverses(x[at : at + 1]) for at in range(len(x))])


def _angles(values):
    """The angles of numbers in (-pi, pi], those that rounding has put below -pi above."""
    angles = np.angle(values)
    angles[angles < 1e-12 - np.pi] = np.pi
    return angles


def _angle_to_cut(values):
    """Return the angle to turn a matrix by so that no eigenvalue is negative and none crosses the negative axis."""
    angles = _angles(values)
    return (np.pi + angles.min()) / 2 if angles.max() > np.pi - 1e-3 else 0.0


def _square_root(x):
    y, z = x, np.eye(x.shape[0], dtype=x.dtype)
    for _ in range(60):
        y_next, z_next = (y + lapack.inv(z)) / 2, (z + lapack.inv(y)) / 2
        if np.abs(y_next - y).max() <= 1e-15 * np.abs(y_next).max():
            return y_next
        y, z = y_next, z_next
    return y
