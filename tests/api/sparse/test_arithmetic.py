"""Arithmetic of sparse tensors, and the shapes that they are given."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.mark.parametrize(("dtype", "wide"), [(tf.int8, tf.float32), (tf.int32, tf.float64)])
def test_integers_of_a_sparse_tensor_are_divided_as_floats(dtype, wide):
    quotient = tf.SparseTensor([[0], [1]], tf.constant([7, -5], dtype), [3]) / 2
    assert quotient.dtype == wide
    np.testing.assert_array_equal(quotient.values, [3.5, -2.5])


def test_places_outside_of_the_filled_rows_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="reverse index must be in .0, 2. but"):
        tf.raw_ops.SparseFillEmptyRowsGrad(reverse_index_map=[-1, 0], grad_values=[1.0, 2.0])


@pytest.mark.parametrize(("shape", "message"), [([3, 7], "x == y"), ([1, 9, 9], "x <= y")])
def test_a_fed_shape_covers_the_old_one(shape, message):
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        fed = v1.placeholder(tf.int64)
        sparse = tf.sparse.reset_shape(tf.SparseTensor([[1, 0, 0]], [1], [2, 5, 6]), fed)
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{message} did not hold"):
            session.run(sparse, {fed: shape})


def test_sparse_shapes_with_too_many_elements_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="overflow"):
        tf.raw_ops.SparseSoftmax(sp_indices=[[1, 1]], sp_values=[2.0], sp_shape=[2**32, 2**31])


def test_the_larger_of_sparse_tensors_of_other_ranks_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not have the same ranks"):
        tf.sparse.maximum(tf.SparseTensor([[0, 0]], [0], [1, 1]), tf.SparseTensor([[0]], [1], [2]))


def test_columns_of_a_cross_are_matrices():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected D2 of index to be 2"):
        tf.sparse.cross([tf.SparseTensor([[0]], [0], [10])])
    with pytest.raises(tf.errors.InvalidArgumentError, match="separator should be a scalar"):
        tf.sparse.cross([tf.SparseTensor([[0, 0]], [0], [1, 1])], separator=tf.constant(["a", "b"]))


@pytest.mark.parametrize("axis", [None, 0, 1, -1, [0, 2], [], [0, 1, 2]])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_reductions_are_those_of_the_dense_tensor(axis, is_sorted):
    rng, extents = np.random.default_rng(3), (4, 5, 6)
    places = rng.permutation(120)[:70]
    places = np.sort(places) if is_sorted else places
    values = rng.integers(1, 50, 70)
    dense = np.zeros(120, np.int64)
    dense[places] = values
    sparse = tf.SparseTensor(np.stack(np.unravel_index(places, extents), -1), values, extents)
    axes = tuple(range(3)) if axis is None else tuple(np.ravel(axis).astype(int))
    for reduce, whole in ((tf.sparse.reduce_sum, np.sum), (tf.sparse.reduce_max, np.max)):
        for keeps in (False, True):
            wanted = whole(dense.reshape(extents), axes, keepdims=keeps)
            np.testing.assert_array_equal(reduce(sparse, axis, keepdims=keeps), wanted)
            made = tf.sparse.to_dense(reduce(sparse, axis, keeps, output_is_sparse=True))
            np.testing.assert_array_equal(made, wanted)


def test_indices_outside_a_sparse_result_are_refused():
    sparse = tf.SparseTensor([[0, 0], [0, 3]], [1.0, 2.0], [1, 3])
    for is_sparse in (False, True):
        with pytest.raises(tf.errors.InvalidArgumentError, match="index 3 is out of bounds"):
            tf.sparse.reduce_sum(sparse, 0, output_is_sparse=is_sparse)
