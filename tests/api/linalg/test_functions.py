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
