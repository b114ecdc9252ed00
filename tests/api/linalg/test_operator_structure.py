"""Linear operators as values: their dimensions, slices, gradients, specs and sums."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.linalg.operators import addition, algebra, blockwise
from penstock._src.function import structured_values

L = tf.linalg
MATRIX = np.arange(12.0, dtype=np.float32).reshape(1, 3, 2, 2) + 1


def test_dimensions_are_dimensions():
    rows, columns = tf.constant([2]), tf.constant([3])
    operator = L.LinearOperatorFullMatrix(tf.zeros([2, 3]))
    assert operator.range_dimension.value == rows[0]
    assert operator.domain_dimension == columns[0]
    with tf.Graph().as_default():
        unknown = L.LinearOperatorFullMatrix(tf.compat.v1.placeholder(tf.float32))
    assert unknown.range_dimension.value is None


def test_a_slice_keeps_axes_of_one_element():
    diagonal = L.LinearOperatorDiag(np.ones([1, 3, 2], np.float32))
    operator = L.LinearOperatorComposition([diagonal, L.LinearOperatorFullMatrix(MATRIX[:, :1])])
    part = operator[:, 1:]
    assert part.batch_shape == [1, 2]
    assert part.operators[1].batch_shape == [1, 1]
    np.testing.assert_array_equal(part.to_dense(), operator.to_dense()[:, 1:])


@pytest.mark.parametrize("slices", [np.s_[..., None, 1:], np.s_[0], np.s_[:, -1], np.s_[None, ...]])
def test_slices_are_those_of_the_dense_matrices(slices):
    operator = L.LinearOperatorFullMatrix(MATRIX)
    places = slices if isinstance(slices, tuple) else (slices,)
    end = () if Ellipsis in places else (Ellipsis,)
    dense = MATRIX[(*places, *end, slice(None), slice(None))]
    np.testing.assert_array_equal(operator[slices].to_dense(), dense)


def test_two_ellipses_are_refused():
    with pytest.raises(ValueError, match=r"Found multiple `\.\.\.`"):
        L.LinearOperatorFullMatrix(MATRIX)[..., 0, ...]


def test_the_gradient_by_an_operator_is_an_operator():
    x = np.ones([2, 1], np.float32)
    inner = L.LinearOperatorDiag([2.0, 3.0])
    operator = L.LinearOperatorComposition([inner, L.LinearOperatorIdentity(2)])
    with tf.GradientTape() as tape:
        tape.watch(operator)
        y = operator.matmul(x)
    found = tape.gradient(y, operator)
    assert isinstance(found.operators[0], L.LinearOperatorDiag)
    np.testing.assert_array_equal(found.operators[0].diag, [1.0, 1.0])
    with tf.Graph().as_default():
        operator = L.LinearOperatorDiag(tf.constant([2.0, 3.0]))
        (found,) = tf.gradients(operator.matmul(x), operator)
        none = tf.gradients(tf.constant(x), operator)
        with tf.compat.v1.Session() as session:
            np.testing.assert_array_equal(session.run(found.diag), [1.0, 1.0])
    assert none == [None]


def test_specs_are_encoded_by_their_names():
    operator = L.LinearOperatorKronecker(
        [L.LinearOperatorZeros(2, is_non_singular=False), L.LinearOperatorDiag([1.0, 2.0])]
    )
    message = structured_values.encode(operator._type_spec)
    assert message.type_spec_value.type_spec_class_name == "tf.linalg.LinearOperatorKroneckerSpec"
    assert structured_values.decode(message) == operator._type_spec


def test_a_product_with_its_adjoint_is_positive_definite():
    full = L.LinearOperatorFullMatrix(MATRIX, is_non_singular=True)
    assert algebra.is_gram([full, full.H])
    assert not algebra.is_gram([full, full])
    assert full.matmul(full.H).is_positive_definite
    with pytest.raises(ValueError, match="self-adjoint"):
        L.LinearOperatorComposition([full, full.H], is_self_adjoint=False)


def test_lists_of_lists_are_blocks_if_their_sizes_fit():
    assert blockwise.is_blockwise([2, 1], [[[1.0], [2.0]], [[3.0]]], -2)
    assert not blockwise.is_blockwise([1, 1], [[1.0, 2.0], [3.0, 4.0]], -1)
    with pytest.raises(ValueError, match="ambiguous"):
        blockwise.is_blockwise([None, None], [[1.0], [3.0]], -1)
    with pytest.raises(ValueError, match="does not match"):
        blockwise.is_blockwise([2, 3], [[1.0], [3.0]], -1)


def test_tiers_decide_which_operators_are_added():
    identity, diagonal = L.LinearOperatorIdentity(2), L.LinearOperatorDiag([1.0, 2.0])
    both = addition.add_operators([identity, identity, diagonal], addition_tiers=addition.TIERS[:1])
    assert [type(o).__name__ for o in both] == [
        "LinearOperatorScaledIdentity",
        "LinearOperatorDiag",
    ]
    (total,) = addition.add_operators([identity, diagonal], addition_tiers=addition.TIERS[1:])
    assert total.name == f"Add/{identity.name}__{diagonal.name}/"
    with pytest.raises(ValueError, match="same `domain_dimension`"):
        addition.add_operators([identity, L.LinearOperatorIdentity(3)])


def _unknown(value):
    return tf.compat.v1.placeholder_with_default(value, None)


def test_operators_of_unknown_rank_compute():
    diagonals = [np.array([[0.5, 0.0]]), np.array([[2.0, 3.0]]), np.array([[0.0, 1.0]])]
    rhs = np.array([[[1.0], [2.0]]])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        known = L.LinearOperatorTridiag(diagonals, diagonals_format="sequence")
        unknown = L.LinearOperatorTridiag(
            [_unknown(d) for d in diagonals], diagonals_format="sequence"
        )
        for adjoint in (False, True):
            pair = [o.solve(_unknown(rhs), adjoint=adjoint) for o in (known, unknown)]
            np.testing.assert_allclose(*session.run(pair), rtol=1e-12)
        (found,) = tf.gradients(unknown.matmul(rhs), unknown.diagonals[1])
        np.testing.assert_array_equal(session.run(found), rhs[..., 0])
        order = L.LinearOperatorPermutation(_unknown(np.array([1, 0])), dtype=tf.float64)
        np.testing.assert_array_equal(session.run(order.matmul(_unknown(rhs))), rhs[:, ::-1])
        part = L.LinearOperatorDiag(_unknown(np.ones([3, 2])))[1:]
        assert session.run(part.to_dense()).shape == (2, 2, 2)


def test_a_target_that_is_a_source_has_the_gradient_one():
    variable = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        operator = L.LinearOperatorDiag(variable)
    (found,) = tape.gradient(operator, operator.variables)
    assert found.numpy().tolist() == [1.0, 1.0]


def test_variables_become_tensors():
    operator = L.LinearOperatorComposition([L.LinearOperatorDiag(tf.Variable([1.0, 2.0]))])
    converted = operator._convert_variables_to_tensors()
    assert not converted.variables and operator.variables
    np.testing.assert_array_equal(converted.to_dense(), operator.to_dense())


def test_products_stay_of_their_class():
    batch = L.LinearOperatorIdentity(2, batch_shape=[3])
    product = batch.matmul(L.LinearOperatorIdentity(2, batch_shape=[2, 1]))
    assert isinstance(product, L.LinearOperatorIdentity) and product.batch_shape == [2, 3]
    diagonal = L.LinearOperatorDiag(np.ones([3, 2], np.float32))
    assert batch.matmul(diagonal) is diagonal
    with tf.Graph().as_default():
        blocks = L.LinearOperatorBlockDiag([L.LinearOperatorFullMatrix(_unknown(MATRIX))])
        assert isinstance(blocks.matmul(blocks), L.LinearOperatorBlockDiag)


def test_a_complex_update_may_be_promised_to_be_positive():
    base = L.LinearOperatorIdentity(2, dtype=tf.complex64)
    u = np.array([[1.0], [1j]], np.complex64)
    operator = L.LinearOperatorLowRankUpdate(
        base, u, np.array([2.0], np.complex64), is_diag_update_positive=True
    )
    assert operator.is_positive_definite
    dense = operator.to_dense().numpy()
    np.testing.assert_allclose(operator.determinant(), np.linalg.det(dense), rtol=1e-5)


def test_matrices_without_elements():
    circulant = L.LinearOperatorCirculant2D(tf.zeros([3, 0, 0], tf.complex64))
    assert circulant.to_dense().shape == [3, 0, 0]
    factors, order = tf.linalg.lu(tf.zeros([2, 0, 0]))
    assert factors.shape == [2, 0, 0] and order.shape == [2, 0]


@pytest.mark.parametrize(
    "operator",
    [
        L.LinearOperatorKronecker([L.LinearOperatorDiag([1.0, 2.0])] * 2),
        L.LinearOperatorBlockDiag([L.LinearOperatorDiag([1.0, 2.0])] * 2),
        L.LinearOperatorZeros(2),
        L.LinearOperatorScaledIdentity(2, 3.0),
        L.LinearOperatorDiag([1 + 0j, 2], is_self_adjoint=True),
    ],
    ids=lambda operator: type(operator).__name__,
)
def test_the_adjoint_of_a_self_adjoint_operator_is_itself(operator):
    assert operator.is_self_adjoint
    assert operator.H is operator


def test_the_factor_of_a_product_with_its_adjoint_is_known():
    matrix = [[1.0, 0.0], [0.5, -0.2]]
    positive = L.LinearOperatorLowerTriangular(
        [[1.0, 0.0], [0.5, 0.2]], is_non_singular=True, is_positive_definite=True
    )
    assert (positive @ positive.H).cholesky() is positive
    other = L.LinearOperatorLowerTriangular(matrix, is_non_singular=True)
    factor = (other @ other.H).cholesky()
    assert factor.to_dense().numpy().tolist() == np.float32([[1, 0], [0.5, 0.2]]).tolist()
    upper = positive.H @ positive
    np.testing.assert_allclose(
        upper.cholesky().to_dense(), np.linalg.cholesky(upper.to_dense()), rtol=1e-5
    )


def test_complex_factors_have_positive_diagonals():
    matrix = np.array([[1 - 1j, 0], [2j, -3]])
    lower = L.LinearOperatorLowerTriangular(matrix, is_non_singular=True)
    factor = (lower @ lower.H).cholesky().to_dense().numpy()
    np.testing.assert_allclose(factor, np.linalg.cholesky(matrix @ matrix.conj().T), rtol=1e-12)
