"""Factorizations and linear solves, as operations and as the LAPACK functions that JAX calls on CPUs."""

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.node import Node
from penstock._src.ops.linalg import elimination
from penstock._src.ops.xla.translation.translate import Translation, ints, translates
from penstock._src.stablehlo.module import HloOperation


def _adjoint(t: Translation, x: Node) -> Node:
    turned = t.p.swap_axes(x, -2, -1)
    return t.p.conj(turned) if x.dtype.is_complex else turned


@translates("cholesky")
def cholesky(t: Translation, operation: HloOperation, x: Node) -> Node:
    """The triangular factor; its other triangle is zero."""
    return cholesky_factor(t, x, operation.attribute("lower"))


def cholesky_factor(t: Translation, x: Node, is_lower: bool) -> Node:
    """L with L L^H = x, or its adjoint from the upper triangle of x."""
    factor = t.apply("Cholesky", x if is_lower else _adjoint(t, x))
    return factor if is_lower else _adjoint(t, factor)


@translates("triangular_solve")
def triangular_solve(t: Translation, operation: HloOperation, a: Node, b: Node) -> Node:
    """x with op(a) x = b, or x op(a) = b."""
    word = {"NO_TRANSPOSE": "N", "TRANSPOSE": "T", "ADJOINT": "C"}
    return solve_triangular(
        t,
        a,
        b,
        operation.attribute("left_side"),
        operation.attribute("lower"),
        word[operation.attribute("transpose_a")],
        operation.attribute("unit_diagonal"),
    )


def solve_triangular(
    t: Translation, a: Node, b: Node, is_left: bool, is_lower: bool, turn: str, is_unit: bool
) -> Node:
    """The solution of a triangular system; `turn` is "N", "T" or "C": a itself, its transpose or its adjoint."""
    p = t.p
    if not is_left:  # x op(a) = b is op(a)^T x^T = b^T
        if turn == "C":
            a = p.conj(a) if a.dtype.is_complex else a
        turned = solve_triangular(
            t, a, p.swap_axes(b, -2, -1), True, is_lower, "T" if turn == "N" else "N", is_unit
        )
        return p.swap_axes(turned, -2, -1)
    if is_unit:
        n = a.shape[-1]
        places = [p.iota([n, n], axis, dtypes.int32) for axis in (0, 1)]
        a = p.select(p.eq(*places), 1, a)
    if turn == "T" and a.dtype.is_complex:
        a = p.conj(a)
    return t.apply("MatrixTriangularSolve", a, b, lower=is_lower, adjoint=turn != "N")


_FFTS = {
    "FFT": ("FFT", "FFT2D", "FFT3D"),
    "IFFT": ("IFFT", "IFFT2D", "IFFT3D"),
    "RFFT": ("RFFT", "RFFT2D", "RFFT3D"),
    "IRFFT": ("IRFFT", "IRFFT2D", "IRFFT3D"),
}


@translates("fft")
def fft(t: Translation, operation: HloOperation, x: Node) -> Node:
    """A Fourier transform over the last axes."""
    kind, lengths = operation.attribute("fft_type"), ints(operation, "fft_length")
    name = _FFTS[kind][len(lengths) - 1]
    if kind in ("FFT", "IFFT"):
        return t.apply(name, x)
    is_double = x.dtype in (dtypes.float64, dtypes.complex128)
    types = {
        "Treal": dtypes.float64 if is_double else dtypes.float32,
        "Tcomplex": dtypes.complex128 if is_double else dtypes.complex64,
    }
    return t.apply(name, x, t.p.constant(lengths, dtypes.int32), **types)


# -- LAPACK: handlers take (translation, operation, configuration, *operands) ------------------------


def _letter(config: dict[str, Any], name: str) -> str:
    """An option, stored as a character code.

    Raises:
      ValueError: there is none.
    """
    code = getattr(config.get(name), "value", config.get(name))
    if not isinstance(code, int):
        raise ValueError(f"the option {name} is {code!r}")
    return chr(code)


def _info(t: Translation, x: Node, failed: Node | None = None) -> Node:
    """LAPACK's status for each matrix of a batch: 0, or 1 on failure."""
    if failed is None:
        return t.p.full(x.shape[:-2], 0, dtypes.int32)
    return t.p.cast(failed, dtypes.int32)


def _as_batch(t: Translation, x: Node) -> Node:
    """Matrices with one batch axis."""
    return t.p.reshape(x, [-1, *x.shape[-2:]])


def potrf(t: Translation, _operation: HloOperation, config: dict, x: Node) -> list[Node]:
    """Cholesky's factor and a status."""
    factor = cholesky_factor(t, x, _letter(config, "uplo") == "L")
    real = t.p.real(factor) if x.dtype.is_complex else factor
    return [factor, _info(t, x, t.p.reduce_any(t.p.is_nan(real), [x.rank - 2, x.rank - 1]))]


def trsm(t: Translation, _operation: HloOperation, config: dict, a: Node, b: Node) -> Node:
    """The solution of a triangular system."""
    is_left, is_lower = _letter(config, "side") == "L", _letter(config, "uplo") == "L"
    is_unit = _letter(config, "diag") == "U"
    return solve_triangular(t, a, b, is_left, is_lower, _letter(config, "trans_x"), is_unit)


def getrf(t: Translation, _operation: HloOperation, _config: dict, x: Node) -> list[Node]:
    """L and U in one matrix, the pivot of each row (1-based), and a status."""
    p = t.p
    *batch, m, n = x.shape
    count = min(int(m), int(n))
    a = _as_batch(t, x)
    rows, columns = p.iota([1, m, 1], 1, dtypes.int32), p.iota([1, 1, n], 2, dtypes.int32)

    def step(j: Any, a: Node, pivots: Node) -> list[Node]:
        j = p.cast(j, dtypes.int32)
        size = elimination.column(p, a, j)
        size = t.apply("ComplexAbs", size, Tout=_real(a)) if a.dtype.is_complex else p.abs(size)
        size = p.select(p.lt(rows, j), -1.0, size)
        best = p.arg_max(p.reshape(size, size.shape[:2]), 1, dtypes.int32)
        at = p.reshape(best, [*best.shape, 1, 1])
        chosen = p.reduce_sum(p.select(p.eq(rows, at), a, 0.0), [1], keepdims=True)
        a = p.select(p.eq(rows, at), elimination.row(p, a, j), a)
        a = p.select(p.eq(rows, j), chosen, a)
        pivot = elimination.column(p, chosen, j)
        factors = elimination.column(p, a, j) / p.select(p.eq(pivot, 0.0), 1.0, pivot)
        below = p.gt(rows, j)
        a = p.select(p.and_(below, p.gt(columns, j)), a - factors * chosen, a)
        a = p.select(p.and_(below, p.eq(columns, j)), factors, a)
        return [a, p.dynamic_set_index(pivots, j, best + 1, axis=1)]

    pivots = p.full([a.shape[0], count], 0, dtypes.int32)
    a, pivots = elimination.steps(p, count, step, [a, pivots])
    return [
        p.cast(p.reshape(a, x.shape), x.dtype),
        p.reshape(pivots, [*batch, count]),
        _info(t, x),
    ]


def geqrf(t: Translation, _operation: HloOperation, _config: dict, x: Node) -> list[Node]:
    """R with the vectors of the Householder reflections below it, and their factors."""
    p = t.p
    *batch, m, n = x.shape
    count = min(int(m), int(n))
    a = _as_batch(t, x)
    rows, columns = p.iota([1, m, 1], 1, dtypes.int32), p.iota([1, 1, n], 2, dtypes.int32)

    def step(j: Any, a: Node, factors: Node) -> list[Node]:
        j = p.cast(j, dtypes.int32)
        below = p.gt(rows, j)
        x = elimination.column(p, a, j)
        first = p.reduce_sum(p.select(p.eq(rows, j), x, 0.0), [1], keepdims=True)
        tail = p.select(below, x, 0.0)
        rest = p.reduce_sum(_squares(t, tail), [1], keepdims=True)
        size = p.sqrt(_squares(t, first) + rest)
        real = p.real(first) if a.dtype.is_complex else first
        beta = p.select(p.ge(real, 0.0), -size, size)
        moves = p.gt(rest, 0.0)
        if a.dtype.is_complex:
            moves = p.or_(moves, p.ne(p.imag(first), 0.0))
        beta = p.cast(p.select(moves, beta, 1.0), a.dtype)
        moves = p.broadcast_to(moves, first.shape)
        factor = p.select(moves, (beta - first) / beta, 0.0)
        vector = p.select(p.eq(rows, j), 1.0, tail / p.select(moves, first - beta, 1.0))
        turn = p.conj(factor) if a.dtype.is_complex else factor
        changed = a - turn * vector * _row_product(t, vector, a)
        kept = p.select(p.and_(below, p.eq(columns, j)), vector, changed)
        a = p.select(p.ge(columns, j), kept, a)
        return [a, p.dynamic_set_index(factors, j, p.reshape(factor, factor.shape[:1]), axis=1)]

    factors = p.full([a.shape[0], count], 0, a.dtype)
    a, factors = elimination.steps(p, count, step, [a, factors])
    return [
        p.cast(p.reshape(a, x.shape), x.dtype),
        p.cast(p.reshape(factors, [*batch, count]), x.dtype),
    ]


def orgqr(t: Translation, _operation: HloOperation, _config: dict, x: Node, factors: Node) -> Node:
    """The first columns of the product of the reflections from geqrf."""
    p = t.p
    *_, m, n = x.shape
    count = int(factors.shape[-1])
    a = _as_batch(t, x)
    scales = p.reshape(p.cast(factors, a.dtype), [a.shape[0], count])
    rows, columns = p.iota([1, m, 1], 1, dtypes.int32), p.iota([1, 1, n], 2, dtypes.int32)
    unit = p.cast(p.broadcast_to(p.eq(rows, columns), a.shape), a.dtype)

    def step(i: Any, q: Node) -> list[Node]:
        j = p.sub(count - 1, p.cast(i, dtypes.int32))
        own = elimination.column(p, a, j)
        vector = p.select(p.gt(rows, j), own, p.cast(p.eq(rows, j), a.dtype))
        scale = p.reshape(p.dynamic_index(scales, j, axis=1), [a.shape[0], 1, 1])
        return [q - scale * vector * _row_product(t, vector, q)]

    (q,) = elimination.steps(p, count, step, [unit])
    return p.cast(p.reshape(q, x.shape), x.dtype)


def _real(x: Node) -> Any:
    return dtypes.float64 if x.dtype == dtypes.complex128 else dtypes.float32


def _squares(t: Translation, x: Node) -> Node:
    """|x|^2, real."""
    p = t.p
    return p.square(p.real(x)) + p.square(p.imag(x)) if x.dtype.is_complex else p.square(x)


def _row_product(t: Translation, vector: Node, a: Node) -> Node:
    """vector^H a, [batch, 1, n]."""
    left = t.p.conj(vector) if vector.dtype.is_complex else vector
    return t.p.reduce_sum(left * a, [1], keepdims=True)


def syevd(t: Translation, _operation: HloOperation, config: dict, x: Node) -> list[Node]:
    """Eigenvectors, eigenvalues in ascending order, and a status."""
    values, vectors = t.apply(
        "SelfAdjointEigV2", x if _letter(config, "uplo") == "L" else _adjoint(t, x)
    )
    if values.dtype.is_complex:
        values = t.p.real(values)
    return [vectors, values, _info(t, x)]


def gesdd(t: Translation, operation: HloOperation, config: dict, x: Node) -> list[Node]:
    """LAPACK's overwritten input, which is unused, then singular values and vectors."""
    mode = _letter(config, "mode")
    values, u, v = t.apply("Svd", x, compute_uv=mode != "N", full_matrices=mode == "A")
    if values.dtype.is_complex:
        values = t.p.real(values)
    if mode == "N":
        u, v = (t.p.full(operation.results[i].type.shape, 0, x.dtype) for i in (2, 3))
        return [x, values, u, v, _info(t, x)]
    return [x, values, u, _adjoint(t, v), _info(t, x)]


def geev(t: Translation, operation: HloOperation, config: dict, x: Node) -> list[Node]:
    """Eigenvalues (of real matrices: real and imaginary parts), left and right eigenvectors, and a status."""
    if _letter(config, "compute_left") == "V":
        raise UnimplementedError("XlaCallModule: left eigenvectors are not implemented.")
    right = _letter(config, "compute_right") == "V"
    shape = operation.results[-2].type
    values, vectors = t.apply("Eig", x, compute_v=right, Tout=shape.dtype)
    none = t.p.full(shape.shape, 0, shape.dtype)
    parts = [values] if x.dtype.is_complex else [t.p.real(values), t.p.imag(values)]
    return [*parts, none, vectors if right else none, _info(t, x)]


# LAPACK function without its type prefix -> handler.
LAPACK: dict[str, Callable[..., list[Node] | Node]] = {
    "geev": geev,
    "geqrf": geqrf,
    "gesdd": gesdd,
    "getrf": getrf,
    "heevd": syevd,
    "orgqr": orgqr,
    "potrf": potrf,
    "syevd": syevd,
    "trsm": trsm,
    "ungqr": orgqr,
}
