"""Checks of matrices before anything is computed of them."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "shape, permutation", [([3], [3]), ([2, 2], []), ([2, 2], [1, 2]), ([2, 3], [2])]
)
@pytest.mark.parametrize("function", [tf.linalg.lu_reconstruct, tf.linalg.lu_matrix_inverse])
def test_decompositions_fit_their_permutations(function, shape, permutation):
    with pytest.raises(ValueError, match="lower_upper"):
        function(tf.ones(shape), tf.zeros(permutation, tf.int32))


def test_ranks_are_of_matrices():
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        tf.linalg.matrix_rank(tf.ones([3]))


def test_exponentials_are_of_square_float_matrices():
    with pytest.raises(ValueError, match="does not support matrices of type"):
        tf.linalg.expm(tf.eye(2, dtype=tf.int16))
    with pytest.raises(tf.errors.InvalidArgumentError, match="square"):
        tf.linalg.expm(tf.ones([2, 3]))


def test_a_scalar_is_its_own_diagonal():
    assert tf.linalg.tensor_diag_part(tf.constant(5.0)).numpy() == 5


@pytest.mark.parametrize("axis", [[0], 1.0, "a", np.int64(0), (0, "x"), [1, 1]])
def test_norms_take_one_axis_or_two(axis):
    with pytest.raises(ValueError, match="'axis' must be"):
        tf.norm(tf.ones([2, 3]), axis=axis)


def test_operators_take_their_own_type():
    with pytest.raises(TypeError, match="Expected argument to have dtype"):
        tf.linalg.LinearOperatorDiag([1.0, 2.0]).matvec([1, 2])
    with pytest.raises(TypeError, match="Expected bool"):
        tf.linalg.inv(tf.eye(2), adjoint=1)


def test_products_take_the_first_matrix_as_it_is():
    with pytest.raises(tf.errors.InvalidArgumentError, match="MatMul as input #1"):
        tf.matmul([[1, 2]], tf.ones([2, 1]))
    with pytest.raises(TypeError, match="bool"):
        tf.matmul(tf.eye(2), tf.eye(2), transpose_a=1)
    mixed = tf.matmul(tf.ones([1, 2], tf.bfloat16), tf.ones([2, 1]))
    assert mixed.dtype == tf.float32 and mixed.numpy() == 2


def test_masks_lie_at_axes_counted_from_the_front():
    with pytest.raises(ValueError, match="incompatible"):
        tf.boolean_mask(tf.ones([2, 3]), [True, False, True], axis=-1)


def test_least_squares_without_the_normal_equations_have_no_gradient():
    matrix = tf.ones([3, 1])
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        found = tf.linalg.lstsq(matrix, tf.ones([3, 1]), fast=False)
    with pytest.raises(ValueError, match="fast=False"):
        tape.gradient(found, matrix)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64"])
@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (4, 4)])
@pytest.mark.parametrize("count", [2, 40])
def test_least_squares_of_deficient_rank_have_the_smallest_norm(count, shape, dtype):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(count, shape[0], 2)) @ random.normal(size=(count, 2, shape[1]))
    rhs = random.normal(size=(count, shape[0], 2))
    found = tf.linalg.lstsq(matrix.astype(dtype), rhs.astype(dtype), fast=False)
    np.testing.assert_allclose(found, np.linalg.pinv(matrix, 1e-10) @ rhs, rtol=1e-3, atol=1e-3)


def test_special_functions_at_zero():
    assert np.isnan(tf.math.special.bessel_y1(tf.constant(0.0)))
    assert tf.math.special.bessel_y1(tf.constant(0.0, tf.float64)).numpy() == -np.inf
    assert np.isnan(tf.math.betainc(0.0, 1.0, 0.5))


def test_decompositions_with_permutations_of_unknown_rank():
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    both, perm = tf.linalg.lu(matrix)
    signature = [tf.TensorSpec([None, None]), tf.TensorSpec(None, tf.int32)]
    rebuilt = tf.function(tf.linalg.lu_reconstruct, input_signature=signature)(both, perm)
    np.testing.assert_allclose(rebuilt, matrix, rtol=1e-6)


# A single row that is known is the eigenvalue itself.
@pytest.mark.parametrize(
    ("rows", "traced"), [(1, True), (2, False), (2, True), (5, False), (5, True)]
)
def test_gradients_of_tridiagonal_eigenvalues_are_those_of_the_whole_matrix(rows, traced):
    random = np.random.default_rng(rows)
    alpha, beta = tf.constant(random.normal(size=rows)), tf.constant(random.normal(size=rows - 1))
    weights = tf.constant(np.arange(1.0, rows + 1))

    def by_diagonals(alpha, beta):
        with tf.GradientTape() as tape:
            tape.watch([alpha, beta])
            total = tf.reduce_sum(tf.linalg.eigh_tridiagonal(alpha, beta) * weights)
        return tape.gradient(total, [alpha, beta])

    if traced:
        unknown = tf.TensorSpec([None], tf.float64)
        by_diagonals = tf.function(by_diagonals, input_signature=[unknown, unknown])
    by_alpha, by_beta = by_diagonals(alpha, beta)
    whole = np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1)
    _, vectors = np.linalg.eigh(whole)
    wanted = (vectors * weights.numpy()) @ vectors.T
    np.testing.assert_allclose(by_alpha, np.diag(wanted), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_beta, 2 * np.diag(wanted, 1), rtol=1e-9, atol=1e-9)


BOTH_FORMS = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "traced"])


@BOTH_FORMS
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_tridiagonal_eigenvalues_of_numbers_that_are_not_finite_are_nan(wrap, dtype):
    solve = wrap(lambda a, b: tf.linalg.eigh_tridiagonal(a, b, eigvals_only=False))
    for place in (0, 1):
        for special in (np.nan, np.inf):
            parts = [np.array([1, 2, 3], dtype), np.array([1, 2], dtype)]
            parts[place][1] = special
            values, vectors = solve(*parts)
            assert np.isnan(values).all() and np.isnan(vectors).all()
            assert values.dtype == tf.as_dtype(dtype).real_dtype and vectors.shape == (3, 3)


@BOTH_FORMS
def test_tridiagonal_matrices_without_or_with_one_row_are_their_diagonal(wrap):
    for shape in ((0,), (1,), (0, 3), (1, 3)):
        for eigvals_only in (True, False):
            solve = wrap(lambda a, b, e=eigvals_only: tf.linalg.eigh_tridiagonal(a, b, e))
            alpha = np.full(shape, 2 + 1j, np.complex64)
            beta = np.ones((*shape[:-1], max(shape[-1] - 1, 0)), np.complex64)
            found = solve(alpha, beta)
            assert found.dtype == tf.float32
            np.testing.assert_array_equal(found, alpha.real)


@BOTH_FORMS
def test_tridiagonal_eigenvalues_are_selected_by_index_and_interval(wrap):
    alpha, beta = np.arange(1.0, 6), np.full(4, 0.25)

    def select(kind, first, last, eigvals_only=True):
        solve = wrap(
            lambda: tf.linalg.eigh_tridiagonal(
                alpha, beta, eigvals_only, select=kind, select_range=(first, last)
            )
        )
        return solve()

    values, vectors = tf.linalg.eigh_tridiagonal(alpha, beta, eigvals_only=False)
    np.testing.assert_allclose(select("i", 1, 3), values[1:4])
    found = select("i", 4, 4, eigvals_only=False)
    np.testing.assert_allclose(np.abs(found[1]), np.abs(vectors[:, 4:]))
    np.testing.assert_allclose(select("v", 1.5, 3.5), values[1:3], rtol=1e-12)
    assert select("v", 80.0, 90.0, eigvals_only=False)[1].shape == (5, 0)
    for kind, first, last in (("i", 2, 1), ("i", -1, 1), ("i", 3, 5), ("v", 2.0, 2.0)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="select_range"):
            select(kind, first, last)
    with pytest.raises(ValueError, match="same type"):
        tf.linalg.eigh_tridiagonal(alpha, beta.astype(np.float32))


def test_eye_of_a_size_that_only_the_run_tells_has_a_rank():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([None], "float32")])
    def make(x):
        made = tf.eye(tf.size(x), batch_shape=[2])
        seen.append(made.shape.as_list())
        return made

    assert make(tf.zeros([3])).shape == (2, 3, 3) and seen == [[2, None, None]]


MATRICES = np.array([[[1, 2], [3, 4]], [[7, 8], [3, 4]], [[0.25, 0.5], [0.75, -2]]], np.float32)


@pytest.mark.parametrize("shape", [(2, 1), (1, 2, 2), (4, 1, 2, 2)])
@pytest.mark.parametrize("known", ["all", "rank", "nothing"])
def test_batches_of_lu_solve_broadcast(shape, known):
    rhs = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    specs = [
        tf.TensorSpec({"all": a.shape, "rank": [None] * a.ndim, "nothing": None}[known])
        for a in (MATRICES, rhs)
    ]
    solve = tf.function(lambda a, b: tf.linalg.lu_solve(*tf.linalg.lu(a), b), specs)
    wanted = np.linalg.solve(MATRICES, rhs)
    np.testing.assert_allclose(solve(MATRICES, rhs), wanted, rtol=1e-3, atol=1e-5)


def test_lu_of_unknown_rank():
    spec = [tf.TensorSpec(None)]
    inverse = tf.function(lambda a: tf.linalg.lu_matrix_inverse(*tf.linalg.lu(a)), spec)
    np.testing.assert_allclose(inverse(MATRICES), np.linalg.inv(MATRICES), rtol=1e-4)
    again = tf.function(lambda a: tf.linalg.lu_reconstruct(*tf.linalg.lu(a)), spec)
    np.testing.assert_allclose(again(MATRICES), MATRICES, rtol=1e-5)


def test_axes_of_tensordot_may_be_tensors():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 2, 2)
    axes = [[0, 1], [1, 0]]
    expected = np.tensordot(a, b, axes)
    np.testing.assert_array_equal(tf.tensordot(a, b, tf.constant(axes)), expected)
    summed = tf.function(lambda axes: tf.tensordot(a, b, axes))
    np.testing.assert_array_equal(summed(tf.constant(axes)), expected)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = tf.compat.v1.placeholder(tf.int32)
        known, unknown = tf.tensordot(a, b, tf.constant(axes)), tf.tensordot(a, b, given)
        np.testing.assert_array_equal(session.run(known), expected)
        np.testing.assert_array_equal(session.run(unknown, {given: axes}), expected)


def test_spectral_norms_of_complex_matrices_are_real():
    x = (np.arange(8) + 1j * np.arange(8)[::-1]).reshape(2, 2, 2).astype(np.complex64)
    for norm in (tf.norm, tf.function(tf.norm)):
        result = norm(x, 2, axis=[-2, -1])
        assert result.dtype == tf.float32
        np.testing.assert_allclose(result, np.linalg.norm(x, 2, axis=(-2, -1)), rtol=1e-5)


def test_normalized_integers_are_floats():
    normalized, size = tf.linalg.normalize(tf.constant([[1, -3], [2, 2]]), ord=1, axis=-1)
    assert (normalized.dtype, size.dtype) == (tf.float64, tf.int32)
    np.testing.assert_array_equal(normalized, [[0.25, -0.75], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("shape", "message"),
    [([3], "at least 2 dimensions"), ([2, 1], r"must equal `rhs.shape\[-2\]`")],
)
def test_lu_solve_refuses_other_right_sides(shape, message):
    with pytest.raises(ValueError, match=message):
        tf.linalg.lu_solve(tf.eye(3), [0, 1, 2], tf.ones(shape))
