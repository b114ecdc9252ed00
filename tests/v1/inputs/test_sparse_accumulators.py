"""Accumulators of sparse gradients: which shapes they take, and which they give."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.mark.parametrize(
    ("declared", "expected"), [((), [-1, 2]), ([3, 2], [3, 2]), ([None, 2], [-1, 2])]
)
def test_the_number_of_rows_is_the_declared_one(declared, expected):
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        sums = v1.SparseConditionalAccumulator(tf.float32, shape=declared)
        session.run(sums.apply_grad(tf.constant([0, 2]), np.ones((2, 2), np.float32), [3, 2]))
        assert session.run(sums.take_indexed_slices_grad(1)).dense_shape.tolist() == expected


def test_gradients_of_another_width_are_refused():
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        sums = v1.SparseConditionalAccumulator(tf.float32, shape=[3, 4])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
            session.run(sums.apply_grad([0], np.ones((1, 2), np.float32)))


def test_rows_outside_of_the_shape_are_refused():
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        sums = v1.SparseConditionalAccumulator(tf.float32, shape=[3, 2])
        session.run(sums.apply_grad([0, 2], np.ones((2, 2), np.float32)))
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
            session.run(sums.apply_grad([0, 5], np.ones((2, 2), np.float32)))
        assert session.run(sums.num_accumulated()) == 1
