"""Calls of decompositions, solvers and Fourier transforms."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.values import COMPLEX, SEED, WIDE, drawn, numbers, types
from tests.harness.op_case import OpCase

DRAWS = {}
LEAD = st.sampled_from([(), (), (1,), (2,), (3, 2), (0,)])
EXTENT = st.sampled_from([1, 2, 3, 5, 8, 17])


def _slack(kind):
    """Of matrices that are far from singular."""
    return {"float32": (1e-3, 1e-3), "complex64": (1e-3, 1e-3), "float16": (5e-2, 5e-2)}.get(
        np.dtype(kind).name, (1e-8, 1e-8)
    )


def _square(draw, op):
    """Matrices whose diagonals outweigh the rest."""
    n, kind = draw(EXTENT), np.dtype(draw(types(op)))
    x = numbers(draw(SEED), (*draw(LEAD), n, n), kind, -1, 1)
    return (x + np.eye(n, dtype=kind) * kind.type(n + 1)).astype(kind)


def _positive(op):
    @st.composite
    def strategy(draw):
        x = _square(draw, op)
        x = (x + np.conj(np.swapaxes(x, -1, -2))) / x.dtype.type(2)
        # TensorFlow's gradient is that of a symmetric argument; differences are of the lower part alone.
        return OpCase(op, [x.astype(x.dtype)], gradient=False, tolerance=_slack(x.dtype))

    return strategy()


for _op in ("Cholesky", "BatchCholesky"):
    DRAWS[_op] = _positive(_op)


@drawn(DRAWS)
def Qr(draw):
    rows, columns, kind = draw(EXTENT), draw(EXTENT), draw(types("Qr", without="float16"))
    x = numbers(draw(SEED), (*draw(LEAD), rows, columns), kind)
    x = x + 3 * np.eye(rows, columns, dtype=kind)
    whole = draw(st.booleans())
    smooth = None if rows >= columns and not whole else False
    return OpCase(
        "Qr", [x.astype(kind)], {"full_matrices": whole}, gradient=smooth, tolerance=_slack(kind)
    )


def _of_square(op, **choices):
    @st.composite
    def strategy(draw):
        x = _square(draw, op)
        attrs = {name: draw(values) for name, values in choices.items()}
        # TensorFlow's gradient of complex determinants is not conjugated, and leaves the sign out.
        differs = False if "Determinant" in op and x.dtype.kind == "c" else None
        return OpCase(op, [x], attrs, gradient=differs, tolerance=_slack(x.dtype))

    return strategy()


for _op in ("MatrixDeterminant", "BatchMatrixDeterminant", "LogMatrixDeterminant"):
    DRAWS[_op] = _of_square(_op)
for _op in ("MatrixInverse", "BatchMatrixInverse"):
    DRAWS[_op] = _of_square(_op, adjoint=st.booleans())


def _solving(op, **choices):
    @st.composite
    def strategy(draw):
        x = _square(draw, op)
        attrs = {name: draw(values) for name, values in choices.items()}
        right = numbers(draw(SEED), (*x.shape[:-1], draw(EXTENT)), x.dtype)
        return OpCase(op, [x, right], attrs, tolerance=_slack(x.dtype))

    return strategy()


for _op in ("MatrixSolve", "BatchMatrixSolve"):
    DRAWS[_op] = _solving(_op, adjoint=st.booleans())
for _op in ("MatrixTriangularSolve", "BatchMatrixTriangularSolve"):
    DRAWS[_op] = _solving(_op, lower=st.booleans(), adjoint=st.booleans())

DRAWS["Lu"] = _of_square("Lu", output_idx_type=st.sampled_from(["int32", "int64"]))


@st.composite
def _tridiagonal_solve(draw):
    kind, lead, n = draw(WIDE), draw(LEAD), draw(EXTENT)
    diagonals = numbers(draw(SEED), (*lead, 3, n), kind)
    diagonals[..., 1, :] += 9  # far from singular without exchanges, too
    right = numbers(draw(SEED), (*lead, n, draw(EXTENT)), kind)
    attrs = {"partial_pivoting": draw(st.booleans())}
    return OpCase("TridiagonalSolve", [diagonals, right], attrs, tolerance=_slack(np.dtype(kind)))


@st.composite
def _tridiagonal_product(draw):
    kind, lead, n = draw(WIDE), draw(LEAD), draw(EXTENT)
    diagonals = [numbers(draw(SEED), (*lead, 1, n), kind) for _ in range(3)]
    right = numbers(draw(SEED), (*lead, n, draw(EXTENT)), kind)
    return OpCase("TridiagonalMatMul", [*diagonals, right], tolerance=_slack(np.dtype(kind)))


DRAWS["TridiagonalSolve"], DRAWS["TridiagonalMatMul"] = _tridiagonal_solve(), _tridiagonal_product()

# -- Fourier transforms ----------------------------------------------------------------------------

LINE = st.sampled_from([1, 2, 3, 4, 5, 8, 12, 17, 32, 50])
RANKS = {"": 1, "2D": 2, "3D": 3}


def _frequency_slack(kind):
    return (1e-4, 1e-3) if np.dtype(kind).itemsize <= 8 and kind != np.float64 else (1e-10, 1e-9)


def _extents(draw, rank):
    most = {1: 50, 2: 17, 3: 5}[rank]
    return tuple(min(draw(LINE), most) for _ in range(rank))


def _transform(op, rank):
    @st.composite
    def strategy(draw):
        kind = np.complex64 if op.startswith("Batch") else draw(COMPLEX)
        x = numbers(draw(SEED), (*draw(LEAD), *_extents(draw, rank)), kind)
        return OpCase(op, [x], tolerance=_frequency_slack(kind))

    return strategy()


def _of_reals(op, rank, inverse):
    @st.composite
    def strategy(draw):
        extents, kind = _extents(draw, rank), draw(WIDE)
        pair = {np.float32: np.complex64, np.float64: np.complex128}[kind]
        lengths = [draw(st.integers(1, n)) if draw(st.integers(0, 3)) == 0 else n for n in extents]
        shape = (*draw(LEAD), *extents)
        if inverse:
            most = 2 * extents[-1] - 1
            lengths[-1] = max(1, most - draw(st.integers(0, 2)))
        x = numbers(draw(SEED), shape, pair if inverse else kind)
        attrs = {"Treal": kind.__name__} if inverse else {"Tcomplex": pair.__name__}
        inputs = [x, np.array(lengths, np.int32)]
        return OpCase(op, inputs, attrs, tolerance=_frequency_slack(kind))

    return strategy()


for _end, _rank in RANKS.items():
    for _op in ("FFT", "IFFT", "BatchFFT", "BatchIFFT"):
        DRAWS[_op + _end] = _transform(_op + _end, _rank)
    DRAWS["RFFT" + _end] = _of_reals("RFFT" + _end, _rank, False)
    DRAWS["IRFFT" + _end] = _of_reals("IRFFT" + _end, _rank, True)
