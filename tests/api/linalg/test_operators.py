"""Linear operators against the dense matrices that they stand for."""

import numpy as np
import pytest

import penstock as tf

L = tf.linalg
FULL = [[2.0, 0.5, 0.1, 0.2], [0.3, 3.0, 0.4, 0.1], [0.2, 0.1, 4.0, 0.3], [0.1, 0.2, 0.3, 5.0]]


def _operators():
    diag = L.LinearOperatorDiag([1.0, 2.0, 3.0, 4.0])
    small = L.LinearOperatorFullMatrix([[1.0, 0.2], [0.3, 2.0]])
    return {
        "diag": diag,
        "identity": L.LinearOperatorIdentity(4),
        "scaled": L.LinearOperatorScaledIdentity(4, 2.0),
        "full": L.LinearOperatorFullMatrix(FULL),
        "triangular": L.LinearOperatorLowerTriangular(FULL),
        "householder": L.LinearOperatorHouseholder([1.0, 2.0, 3.0, 4.0]),
        "toeplitz": L.LinearOperatorToeplitz([1.0, 0.2, 0.3, 0.4], [1.0, 0.1, 0.3, 0.5]),
        "tridiag": L.LinearOperatorTridiag(
            [[0.1, 0.2, 0.3, 0.0], [1.0, 2.0, 3.0, 4.0], [0.0, 0.1, 0.1, 0.2]]
        ),
        "permutation": L.LinearOperatorPermutation([2, 0, 1, 3]),
        "circulant": L.LinearOperatorCirculant([1.0, 2.0, 3.0, 2.0], input_output_dtype=tf.float32),
        "circulant2d": L.LinearOperatorCirculant2D(
            [[1.0, 2.0], [3.0, 2.0]], input_output_dtype=tf.float32
        ),
        "block diag": L.LinearOperatorBlockDiag([L.LinearOperatorDiag([1.0, 2.0]), small]),
        "block triangular": L.LinearOperatorBlockLowerTriangular(
            [[L.LinearOperatorDiag([1.0, 2.0])], [small, L.LinearOperatorIdentity(2)]]
        ),
        "kronecker": L.LinearOperatorKronecker([L.LinearOperatorDiag([1.0, 2.0]), small]),
        "composition": L.LinearOperatorComposition([diag, L.LinearOperatorFullMatrix(FULL)]),
        "low rank": L.LinearOperatorLowRankUpdate(diag, [[1.0], [0.5], [0.1], [0.2]], [0.5]),
        "inversion": L.LinearOperatorInversion(L.LinearOperatorFullMatrix(FULL)),
        "adjoint": L.LinearOperatorAdjoint(L.LinearOperatorFullMatrix(FULL)),
    }


OPERATORS = _operators()
# float32, 4 x 4, condition numbers below 10
CLOSE = dict(rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", OPERATORS)
def test_answers_are_those_of_the_dense_matrix(name):
    operator = OPERATORS[name]
    dense = operator.to_dense().numpy().astype(np.float64)
    x = np.arange(8.0, dtype=np.float32).reshape(4, 2)
    for adjoint in (False, True):
        matrix = dense.T if adjoint else dense
        np.testing.assert_allclose(operator.matmul(x, adjoint=adjoint), matrix @ x, **CLOSE)
        solved = np.linalg.solve(matrix, x)
        np.testing.assert_allclose(operator.solve(x, adjoint=adjoint), solved, **CLOSE)
        np.testing.assert_allclose(
            operator.matvec(x[:, 1], adjoint=adjoint), matrix @ x[:, 1], **CLOSE
        )
    determinant = np.linalg.det(dense)
    np.testing.assert_allclose(operator.determinant(), determinant, rtol=2e-6)
    log = np.log(abs(determinant))
    np.testing.assert_allclose(operator.log_abs_determinant(), log, **CLOSE)
    np.testing.assert_allclose(operator.trace(), np.trace(dense), **CLOSE)
    np.testing.assert_allclose(operator.diag_part(), np.diag(dense), **CLOSE)
    np.testing.assert_allclose(operator.inverse().to_dense(), np.linalg.inv(dense), **CLOSE)
    np.testing.assert_allclose(operator.adjoint().to_dense(), dense.T, **CLOSE)
    np.testing.assert_allclose(operator.cond(), np.linalg.cond(dense), rtol=2e-6)
    ones = np.ones((4, 4), np.float32)
    np.testing.assert_allclose(operator.add_to_tensor(ones), dense + 1, **CLOSE)


@pytest.mark.parametrize("name", OPERATORS)
def test_products_of_operators(name):
    operator, other = OPERATORS[name], OPERATORS["triangular"]
    both = operator.to_dense().numpy() @ other.to_dense().numpy()
    np.testing.assert_allclose((operator @ other).to_dense(), both, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(
        operator.solve(other).to_dense(),
        np.linalg.solve(operator.to_dense().numpy(), other.to_dense().numpy()),
        rtol=5e-6,
        atol=2e-6,
    )


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_cross_into_functions(name):
    operator = OPERATORS[name]
    f = tf.function(lambda o, x: o.matvec(x))
    np.testing.assert_allclose(f(operator, tf.ones([4])), operator.matvec(tf.ones([4])), **CLOSE)


def test_hints_that_contradict_are_rejected():
    with pytest.raises(ValueError, match="always non-singular"):
        L.LinearOperatorFullMatrix([[1.0]], is_positive_definite=True, is_non_singular=False)
    with pytest.raises(ValueError, match="always self adjoint"):
        L.LinearOperatorDiag([1.0], is_self_adjoint=False)


def test_extents_and_types_are_checked():
    operator = L.LinearOperatorDiag([1.0, 2.0])
    with pytest.raises(ValueError, match="Dimensions 2 and 1 are not compatible"):
        operator.matmul([[1.0]])
    with pytest.raises(TypeError, match="Expected argument to have dtype"):
        operator.matvec(tf.constant([1.0, 2.0], tf.float64))


def test_solving_with_a_singular_operator_is_not_implemented():
    with pytest.raises(NotImplementedError, match="singular"):
        L.LinearOperatorZeros(2).solve([[1.0], [2.0]])


def test_cholesky_needs_a_positive_definite_operator():
    with pytest.raises(ValueError, match="Cholesky"):
        L.LinearOperatorDiag([1.0, 2.0]).cholesky()
    matrix = [[2.0, 1.0], [1.0, 2.0]]
    hints = dict(is_self_adjoint=True, is_positive_definite=True)
    factor = L.LinearOperatorFullMatrix(matrix, **hints).cholesky()
    assert isinstance(factor, L.LinearOperatorLowerTriangular)
    np.testing.assert_allclose(factor.matmul(factor.to_dense(), adjoint_arg=True), matrix, **CLOSE)


def test_a_variable_is_followed():
    values = tf.Variable([1.0, 2.0])
    operator = L.LinearOperatorDiag(values)
    assert operator.trainable_variables[0] is values
    values.assign([3.0, 4.0])
    np.testing.assert_array_equal(operator.matvec([1.0, 1.0]), [3, 4])


def test_blocks_as_lists():
    operator = OPERATORS["block triangular"]
    first, second = operator.matmul([tf.ones([2, 1]), tf.ones([2, 1])])
    np.testing.assert_allclose(first, [[1], [2]], **CLOSE)
    np.testing.assert_allclose(second, [[2.2], [3.3]], **CLOSE)


def test_slices_of_batches():
    operator = L.LinearOperatorDiag(tf.reshape(tf.range(6.0), [3, 2]))
    np.testing.assert_array_equal(operator[1].to_dense(), [[2, 0], [0, 3]])
    assert operator[:2].shape == [2, 2, 2]
    assert L.LinearOperatorIdentity(2, batch_shape=[3])[0].shape == [2, 2]


def test_public_functions_take_operators():
    operator = L.LinearOperatorDiag([1.0, 2.0])
    np.testing.assert_array_equal(tf.ones([1, 2]) @ operator, [[1, 2]])
    np.testing.assert_array_equal(tf.matmul(operator, tf.ones([2, 1])), [[1], [2]])
    assert tf.linalg.det(operator).numpy() == 2
    assert isinstance(tf.linalg.inv(operator), L.LinearOperatorDiag)


def test_gradients_reach_the_arguments():
    values = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = L.LinearOperatorDiag(values).log_abs_determinant()
    np.testing.assert_allclose(tape.gradient(result, values), [1.0, 0.5])


def test_identities_check_the_rows_of_operands_where_they_are_asked_to():
    def product(checks):
        operator = L.LinearOperatorIdentity(3, assert_proper_shapes=checks)
        return tf.function(operator.matmul, input_signature=[tf.TensorSpec(None)])

    with pytest.raises(tf.errors.InvalidArgumentError):
        product(True)(tf.ones([4, 3]))
    assert product(True)(tf.ones([3, 4])).shape == [3, 4]
    assert product(False)(tf.ones([4, 3])).shape == [4, 3]


def _unknown(value):
    return tf.raw_ops.PlaceholderWithDefault(input=value, shape=None)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (lambda: {"num_rows": _unknown([2])}, "num_rows must be a 0-D"),
        (lambda: {"num_rows": _unknown(-2)}, "num_rows must be non-negative"),
        (lambda: {"num_rows": 2, "batch_shape": _unknown(3)}, "batch_shape must be a 1-D"),
        (lambda: {"num_rows": 2, "batch_shape": _unknown([-3])}, "batch_shape must be non-neg"),
    ],
)
def test_sizes_known_late_are_checked_when_the_graph_runs(arguments, message):
    @tf.function
    def f():
        return tf.linalg.LinearOperatorIdentity(**arguments(), assert_proper_shapes=True).to_dense()

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        f()


@pytest.mark.parametrize(
    "make",
    [
        lambda n: tf.linalg.LinearOperatorIdentity(n, assert_proper_shapes=True),
        lambda n: tf.linalg.LinearOperatorScaledIdentity(n, [1.0], assert_proper_shapes=True),
        lambda n: tf.linalg.LinearOperatorZeros(
            n, is_non_singular=False, assert_proper_shapes=True
        ),
    ],
)
def test_products_with_others_are_refused_when_the_graph_runs(make):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Dimensions.*not compatible"):
        tf.function(lambda: make(_unknown(2)).matmul(_unknown(tf.ones([3, 3]))))()


def test_sizes_are_no_variables():
    with pytest.raises(TypeError, match="num_rows cannot be reference"):
        tf.linalg.LinearOperatorIdentity(tf.Variable(2))
    with pytest.raises(TypeError, match="batch_shape cannot be reference"):
        tf.linalg.LinearOperatorIdentity(2, batch_shape=tf.Variable([3]))


def test_batches_of_an_update_must_broadcast():
    base = tf.linalg.LinearOperatorIdentity(3, batch_shape=[4])
    with pytest.raises(ValueError, match="Incompatible shapes"):
        tf.linalg.LinearOperatorLowRankUpdate(base, tf.ones([5, 3, 2]))


def test_complex128_is_told_from_its_conjugate():
    real = tf.linalg.LinearOperatorScaledIdentity(2, tf.constant([1 + 0j], tf.complex128))
    real.assert_self_adjoint()
    other = tf.linalg.LinearOperatorScaledIdentity(2, tf.constant([1 + 1j], tf.complex128))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not self-adjoint"):
        other.assert_self_adjoint()
