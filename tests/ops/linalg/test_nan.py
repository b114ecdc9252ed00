"""What becomes of NaN and infinities in solves and determinants, as TensorFlow has it."""

import numpy as np
import pytest

import penstock as tf

NAN, INF = np.nan, np.inf
FIRST, LAST = [[NAN, 1], [1, 1]], [[1, 1], [1, NAN]]


def both(function):
    return pytest.mark.parametrize(
        "f", [function, tf.function(function, reduce_retracing=True)], ids=["eager", "compiled"]
    )


@both(lambda x: (tf.linalg.det(x), *tf.linalg.slogdet(x)))
@pytest.mark.parametrize("matrix", [FIRST, LAST])
def test_determinants_of_nan_are_nan(f, matrix):
    stack = tf.constant([matrix, [[2, 0], [0, 3]]], tf.float32)
    det, sign, log = f(stack)
    np.testing.assert_allclose(det, [NAN, 6], rtol=1e-6)
    np.testing.assert_allclose(sign, [NAN, 1])
    np.testing.assert_allclose(log, [NAN, np.log(6)], rtol=1e-6)


@both(lambda a, b: tf.linalg.triangular_solve(a, b))
@pytest.mark.parametrize(
    ("matrix", "rhs", "expected"),
    [
        (FIRST, [1, 1], [NAN, NAN]),
        (LAST, [1, 1], [1, NAN]),
        ([[1, 0], [5, 1]], [1, NAN], [1, NAN]),
        ([[1, 0], [5, 1]], [1, INF], [1, INF]),
    ],
)
def test_substitution_goes_row_by_row(f, matrix, rhs, expected):
    found = f(tf.constant(matrix, tf.float32), tf.constant(rhs, tf.float32)[:, tf.newaxis])
    np.testing.assert_array_equal(found[:, 0], expected)


@pytest.mark.parametrize("op", [tf.linalg.inv, tf.linalg.lu, lambda x: tf.linalg.solve(x, x)])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_a_nan_is_no_first_pivot(op, wrap):
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        wrap(op)(tf.constant(FIRST, tf.float32))
    later = tf.nest.flatten(wrap(op)(tf.constant(LAST, tf.float32)))[0]
    assert np.isnan(later).any()


DECOMPOSED = {
    "inv": tf.linalg.inv,
    "det": tf.linalg.det,
    "slogdet": tf.linalg.slogdet,
    "solve": lambda x: tf.linalg.solve(x, tf.ones_like(x)),
    "qr": tf.linalg.qr,
    "cholesky": tf.linalg.cholesky,
}


@pytest.mark.parametrize("name", DECOMPOSED)
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_eager_and_compiled_calls_agree_where_they_are(name, value):
    random = np.random.default_rng(0)
    compiled = tf.function(DECOMPOSED[name])
    for place in range(16):
        x = random.normal(size=(2, 4, 4)).astype(np.float32)
        x = x @ x.transpose(0, 2, 1) + np.eye(4, dtype=np.float32)
        x[1].reshape(-1)[place] = value
        try:
            eager = tf.nest.flatten(DECOMPOSED[name](tf.constant(x)))
        except tf.errors.InvalidArgumentError:
            with pytest.raises(tf.errors.InvalidArgumentError):
                compiled(x)
            continue
        for one, other in zip(eager, tf.nest.flatten(compiled(x)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@both(tf.linalg.qr)
def test_qr_reflects_nothing_where_zeros_stand_below_the_diagonal(f):
    matrix = [[1, 2, 3], [0, NAN, 4], [0, 0, 5]]
    q, r = f(tf.constant(matrix, tf.float32))
    np.testing.assert_array_equal(q, np.eye(3))
    np.testing.assert_array_equal(r, matrix)


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("bad", [NAN, INF])
@pytest.mark.parametrize(
    "op",
    [
        lambda x: tf.linalg.svd(x, compute_uv=False),
        lambda x: tf.linalg.svd(x, full_matrices=True),
        tf.linalg.pinv,
    ],
    ids=["values", "vectors", "pinv"],
)
def test_decompositions_of_other_matrices_are_not_lost_to_one_with_nan(op, bad, n):
    x = np.random.default_rng(0).normal(size=(2, 3, n, n))
    expected = [np.array(part) for part in tf.nest.flatten(op(x))]
    x[1, 0, 1, 0] = bad
    for found, part in zip(tf.nest.flatten(op(x)), expected, strict=True):
        part[1, 0] = NAN
        np.testing.assert_allclose(np.abs(found), np.abs(part), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_least_squares_of_matrices_with_nan_are_zeros_beside_others(bad):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 3))
    found = tf.linalg.lstsq(x, x[..., :2], fast=False)
    np.testing.assert_allclose(found, np.broadcast_to(np.eye(3)[:, :2], (2, 3, 3, 2)), atol=1e-12)
    x[1, 0, 1, 0] = bad
    found = tf.linalg.lstsq(x, np.ones((2, 3, 4, 2)), fast=False)
    assert (found[1, 0].numpy() == 0).all() and np.isfinite(found).all()


@pytest.mark.parametrize("n", [3, 10])
def test_singular_values_of_one_matrix_with_nan_are_nan(n):
    x = np.eye(n)
    x[0, 0] = NAN
    assert all(np.isnan(part).all() for part in tf.linalg.svd(x))


@pytest.mark.parametrize("n", [3, 10])
def test_eigenvalues_do_not_depend_on_nan_above_the_diagonal(n):
    x = np.random.default_rng(0).normal(size=(2, n, n))
    expected = tf.linalg.eigvalsh(x)
    x[1, 0, n - 1] = NAN
    np.testing.assert_allclose(tf.linalg.eigvalsh(x), expected)


# TensorFlow's solver divides by the largest magnitude, and ends where no NaN reaches the numbers below the diagonal.
ENDS = {
    "a NaN": ([[NAN]], [NAN]),
    "infinity": ([[INF]], [INF]),
    "the second of two": ([[1, 0], [0, NAN]], [1, NAN]),
    "an infinite first": ([[INF, 0, 0], [1, 2, 0], [3, 4, 5]], [NAN, NAN, NAN]),
    "infinities of two": ([[1, 0], [2, -INF]], [NAN, NAN]),
}
REFUSED = [
    [[NAN, 0], [0, 1]],
    [[1, 0], [INF, 1]],
    [[1, 0], [1e-3, NAN]],
    np.diag([1, 2, NAN]),
    np.diag([1, INF, 2]),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("case", ENDS)
def test_eigenvalues_of_matrices_that_are_not_finite_leave_the_others_of_a_batch(case, dtype):
    matrix, values = ENDS[case]
    n = len(values)
    others = np.diag(np.arange(1.0, n + 1))
    stack = np.array([others, matrix, 2 * others]).astype(dtype)
    found, vectors = tf.linalg.eigh(stack)
    expected = np.array([others.diagonal(), values, 2 * others.diagonal()])
    np.testing.assert_allclose(found.numpy().real, expected)
    np.testing.assert_array_equal(vectors[1], np.eye(n))
    np.testing.assert_allclose(tf.linalg.eigvalsh(stack).numpy().real, expected)


@pytest.mark.parametrize("matrix", REFUSED, ids=str)
def test_matrices_whose_eigenvalues_are_not_found_are_refused(matrix):
    good = np.eye(len(matrix))
    for op in (tf.linalg.eigh, tf.linalg.eigvalsh):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not successful"):
            op(np.array([good, matrix]))


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("rows", [2, 7, 40])
def test_a_nan_is_no_pivot_unless_it_is_the_first(rows, dtype, wrap):
    matrix = np.random.default_rng(rows).normal(size=(rows, rows)).astype(dtype)
    plain, below = matrix.copy(), matrix.copy()
    plain[-1], below[-1, 0] = 0, NAN
    factors, order = wrap(tf.linalg.lu)(below)
    # The row with the NaN is never exchanged: others are ordered as if it were 0.
    assert order.numpy()[0] == np.argmax(np.abs(plain[:, 0])) and order.numpy()[-1] == rows - 1
    assert np.isnan(factors).any(1).tolist() == [False] * (rows - 1) + [True]
    assert np.isnan(wrap(tf.linalg.inv)(below)).all()
    assert np.isnan(wrap(lambda x: tf.linalg.solve(x, tf.ones_like(x)))(below)).all()
    matrix[0, 0] = NAN
    for op in (tf.linalg.lu, tf.linalg.inv, lambda x: tf.linalg.solve(x, x)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
            wrap(op)(matrix)


def test_gradients_of_singular_factors_are_nan_for_their_matrix_alone():
    factors = np.array([np.eye(2), np.zeros((2, 2)), 2 * np.eye(2)])
    found = tf.raw_ops.CholeskyGrad(l=factors, grad=np.ones_like(factors)).numpy()
    assert np.isnan(found).any((1, 2)).tolist() == [False, True, False]


def test_complex_eigenvalues_of_single_numbers_are_these():
    values, vectors = tf.linalg.eig(np.array([[[NAN]], [[INF + 1j]], [[2]]], np.complex64))
    np.testing.assert_array_equal(values[:, 0], np.array([NAN, INF + 1j, 2], np.complex64))
    np.testing.assert_array_equal(vectors, np.ones((3, 1, 1)))
