"""Jacobians in graphs; expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops.parallel_for import gradients

v1 = tf.compat.v1
ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.mark.parametrize("use_pfor", [True, False])
def test_jacobians_of_all_elements(use_pfor):
    with tf.Graph().as_default(), v1.Session() as session:
        x, rows = tf.constant(ROWS), v1.placeholder_with_default(ROWS, [None, 2])
        whole = gradients.jacobian(x * x, [x, rows], use_pfor)
        by_row = gradients.batch_jacobian(rows * rows, rows, use_pfor)
        assert whole[0].shape == [3, 2, 3, 2] and whole[1] is None
        assert by_row.shape.as_list() == [None, 2, 2]
        found = session.run([whole[0], by_row])
    np.testing.assert_allclose(found[0].reshape(6, 6), np.diag(2 * ROWS.ravel()))
    np.testing.assert_allclose(found[1], [np.diag(2 * row) for row in ROWS])


def test_rows_of_output_and_input_are_as_many():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Need first dimension of"):
        gradients.batch_jacobian(tf.zeros([3, 2]), tf.zeros([2, 2]))


def test_activations_of_what_all_rows_share_are_differentiated():
    kinds = tf.nn.relu, tf.nn.elu, tf.sigmoid, tf.tanh, tf.nn.softplus
    with tf.Graph().as_default(), v1.Session() as session:
        x = tf.constant([[0.5, 1.0, -2.0]])
        found = session.run([gradients.jacobian(kind(x)[0] * 2.0, x) for kind in kinds])
    for value in found:
        assert value.shape == (3, 1, 3)
        assert np.count_nonzero(value[:, 0] - np.diag(np.diag(value[:, 0]))) == 0
