"""Factorizations and solutions against what defines them."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check

RNG = np.random.default_rng(4)
A = RNG.normal(size=(2, 3, 3)) + 2 * np.eye(3)
SPD = A @ A.swapaxes(1, 2) + np.eye(3)
B = RNG.normal(size=(2, 3, 2))

CASES = [
    OpCase("MatrixInverse", [A], expect=np.linalg.inv),
    OpCase("MatrixInverse", [A], {"adjoint": True}, name="adjoint"),
    OpCase("MatrixDeterminant", [A], expect=np.linalg.det),
    OpCase("LogMatrixDeterminant", [A], expect=lambda a: list(np.linalg.slogdet(a))),
    OpCase("Cholesky", [SPD], expect=np.linalg.cholesky, gradient=False),
    OpCase("MatrixSolve", [A, B], expect=np.linalg.solve),
    OpCase("MatrixSolve", [A, B], {"adjoint": True}, name="adjoint"),
    *(
        OpCase("MatrixTriangularSolve", [A, B], {"lower": low, "adjoint": adj}, name=f"{low}-{adj}")
        for low in (True, False)
        for adj in (True, False)
    ),
    OpCase(
        "MatrixSolveLs",
        [RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2)), np.float64(0.1)],
        gradient=(0, 1),
    ),
    OpCase(
        "TridiagonalSolve", [RNG.normal(size=(3, 4)) + [[0], [4], [0]], RNG.normal(size=(4, 2))]
    ),
    OpCase("BandedTriangularSolve", [RNG.normal(size=(2, 4)) + 3, RNG.normal(size=(4, 2))]),
    OpCase(
        "Svd", [RNG.normal(size=(3, 4))], {"compute_uv": False}, gradient=False, shape_known=False
    ),
]


TALL, WIDE = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 3, 5))
UPPER = np.triu(A[0]) * [1, -1, 1]
ZEROS = np.zeros((2, 2))
LOWERED = [
    *(
        OpCase("Qr", [x], {"full_matrices": full})
        for x in (A, TALL, WIDE)
        for full in (True, False)
    ),
    OpCase("Qr", [UPPER], name="without reflections"),
    OpCase("MatrixInverse", [RNG.normal(size=(40, 40)).astype(np.float32)], name="large"),
    OpCase(
        "MatrixInverse", [A[0][[2, 0, 1]].astype(np.float16)], name="half", tolerance=(2e-2, 1e-2)
    ),
    OpCase("MatrixDeterminant", [ZEROS], name="singular"),
    OpCase("MatrixDeterminant", [A[:, [1, 0, 2]]], name="exchanged"),
    OpCase("LogMatrixDeterminant", [ZEROS], name="singular"),
    OpCase("Cholesky", [np.stack([SPD[0], -SPD[0]])], name="half of them"),
    OpCase("MatrixTriangularSolve", [A, B[0]], name="repeated"),
]


@pytest.mark.parametrize("case", LOWERED, ids=str)
def test_lowered(case):
    case.lowers, case.gradient = True, False
    case.tolerance = case.tolerance or ((2e-3, 2e-3) if case.name == "large" else None)
    check(case)


@pytest.mark.parametrize("op", ["MatrixInverse", "MatrixSolve"])
def test_singular_matrices_are_refused(op):
    import penstock as tf

    inputs = {"input": ZEROS} if op == "MatrixInverse" else {"matrix": ZEROS, "rhs": np.eye(2)}
    with pytest.raises(InvalidArgumentError, match="invertible"):
        tf.function(lambda: getattr(raw, op)(**{k: tf.constant(v) for k, v in inputs.items()}))()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_matrix(case):
    check(case)


def test_factors_multiply_back():
    q, r = raw.Qr(input=A)
    np.testing.assert_allclose((q.numpy() @ r.numpy()), A, atol=1e-12)
    s, u, v = raw.Svd(input=A)
    np.testing.assert_allclose(
        (u.numpy() * s.numpy()[:, None]) @ v.numpy().swapaxes(1, 2), A, atol=1e-12
    )
    e, w = raw.SelfAdjointEigV2(input=SPD)
    np.testing.assert_allclose(SPD @ w.numpy(), w.numpy() * e.numpy()[:, None], atol=1e-10)
    lu, p = raw.Lu(input=A)
    lower = np.tril(lu.numpy(), -1) + np.eye(3)
    rows = np.take_along_axis(A, p.numpy()[..., None], 1)
    np.testing.assert_allclose(lower @ np.triu(lu.numpy()), rows, atol=1e-12)
    root = raw.MatrixSquareRoot(input=SPD).numpy()
    np.testing.assert_allclose(root @ root, SPD, rtol=1e-10)


def test_singular_matrices_are_rejected():
    with pytest.raises(InvalidArgumentError, match="Input is not invertible"):
        raw.MatrixInverse(input=np.ones((2, 2)))
    with pytest.raises(InvalidArgumentError, match="Input matrix is not invertible"):
        raw.MatrixSolve(matrix=np.ones((2, 2)), rhs=np.ones((2, 1)))
    with pytest.raises(InvalidArgumentError, match="must be square"):
        raw.MatrixDeterminant(input=np.ones((2, 3)))


@pytest.mark.parametrize("compiled", [False, True])
def test_zeros_on_the_diagonal_of_triangles_divide(compiled):
    import penstock as tf

    def solve():
        return raw.MatrixTriangularSolve(matrix=tf.constant([[1.0, 0], [1, 0]]), rhs=[[1.0], [2]])

    found = tf.function(solve)() if compiled else solve()
    np.testing.assert_array_equal(found, [[1.0], [np.inf]])


@pytest.mark.parametrize("full", [False, True])
def test_gradient_of_the_qr_of_complex128(full):
    x = np.array([[4, 1j, 2], [1, 5, -1j], [2j, 1, 6]], np.complex128)
    check(OpCase("Qr", [x], {"full_matrices": full}))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.complex128, tf.bfloat16.as_numpy_dtype])
@pytest.mark.parametrize("shape", [(2, 40, 70), (70, 40), (0, 3, 3), (3, 1, 5)])
@pytest.mark.parametrize("widths", [(1, 2), (-1, 0), (0, -1), (0, 0), (3, 1)])
def test_bands_of_matrices_have_zeros_elsewhere(dtype, shape, widths):
    rows, columns = shape[-2:]
    below, above = (min(w, n) for w, n in zip(widths, shape[-2:], strict=True))
    x = np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)
    distance = np.arange(columns) - np.arange(rows)[:, None]
    is_kept = ((below < 0) | (-distance <= below)) & ((above < 0) | (distance <= above))
    expected = np.where(is_kept, x, np.zeros((), dtype))
    np.testing.assert_array_equal(tf.linalg.band_part(x, below, above), expected)
    transposed = np.ascontiguousarray(np.swapaxes(x, -1, -2)).swapaxes(-1, -2)
    np.testing.assert_array_equal(tf.linalg.band_part(transposed, below, above), expected)


def test_diagonals_outside_of_made_matrices_are_left_out():
    packed = np.arange(1, 22).reshape(7, 3)
    expected = [[16, 14, 12], [19, 17, 15], [0, 20, 18]]
    np.testing.assert_array_equal(tf.linalg.diag(packed, k=(-1, 5)), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_diagonals_of_large_matrices_are_replaced_and_taken(dtype):
    x = np.arange(30 * 100 * 110).reshape(30, 100, 110).astype(dtype)
    packed = np.ones((30, 3, 100), dtype)
    replaced = tf.linalg.set_diag(x, packed, k=(-1, 1), align="LEFT_LEFT").numpy()
    distance = np.arange(110) - np.arange(100)[:, None]
    np.testing.assert_array_equal(replaced, np.where(np.abs(distance) <= 1, dtype(1), x))
    taken = tf.linalg.diag_part(x, k=(-1, 1), align="RIGHT_LEFT", padding_value=7).numpy()
    for m, k in enumerate((1, 0)):
        np.testing.assert_array_equal(taken[:, m], x.diagonal(k, 1, 2))
    np.testing.assert_array_equal(taken[:, 2, :-1], x.diagonal(-1, 1, 2))
    assert (taken[:, 2, -1] == 7).all()


def test_gradients_of_cholesky_read_one_triangle():
    full, gradient = np.arange(1.0, 10).reshape(3, 3), np.ones((3, 3))
    found = tf.raw_ops.CholeskyGrad(l=full, grad=gradient)
    wanted = tf.raw_ops.CholeskyGrad(l=np.tril(full), grad=np.tril(gradient))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("align", ["", "NCHW"])
def test_diagonals_refuse_unknown_alignments(align):
    for function in tf.linalg.diag, tf.function(tf.linalg.diag):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="align"):
            function([1.0, 2.0], align=align)
