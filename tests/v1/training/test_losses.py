"""Losses of v1: scopes of names, and weights that do not fit."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
losses = v1.losses


def test_losses_have_scopes_of_their_names():
    with tf.Graph().as_default():
        logits, labels = tf.constant([[1.0, 2.0]]), tf.constant([[0, 1]])
        assert (
            losses.sigmoid_cross_entropy(labels, logits).op.name
            == "sigmoid_cross_entropy_loss/value"
        )
        assert (
            losses.softmax_cross_entropy(labels, logits).op.name
            == "softmax_cross_entropy_loss/value"
        )
        sparse = losses.sparse_softmax_cross_entropy([1], logits, scope="mine")
        assert sparse.op.name == "mine/value"
        assert losses.get_losses("mine") == [sparse]


@pytest.mark.parametrize("shape", [[3], [3, 1], [2], [2, 2, 2, 2], [3, 2, 4, 1]])
def test_weights_that_do_not_fit(shape):
    values = np.ones([3, 2, 4], np.float32)
    weights = np.ones(shape, np.float32)
    with pytest.raises(ValueError, match="weights can not be broadcast to values"):
        losses.compute_weighted_loss(values, weights)
    with tf.Graph().as_default(), v1.Session() as session:
        fed = v1.placeholder(tf.float32)
        loss = losses.compute_weighted_loss(values, fed)
        with pytest.raises(tf.errors.InvalidArgumentError, match="weights can not be broadcast"):
            session.run(loss, {fed: weights})
        assert session.run(loss, {fed: np.full([1, 2, 1], 3.0)}) == 3
        assert session.run(loss, {fed: 2.0}) == 2


def test_weights_of_one_more_axis_are_squeezed_when_run():
    with tf.Graph().as_default(), v1.Session() as session:
        fed = v1.placeholder(tf.float32)
        logits = tf.constant([[0.0, 0.0], [0.0, 0.0]])
        loss = losses.sparse_softmax_cross_entropy([0, 1], logits, weights=fed)
        for weights in ([[1.0], [0.0]], [1.0, 0.0]):
            np.testing.assert_allclose(session.run(loss, {fed: weights}), np.log(2), rtol=1e-6)


def test_labels_of_another_rank():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="rank"):
        losses.sparse_softmax_cross_entropy([[0, 1], [2, 3]], tf.ones([2, 3]))


@pytest.mark.parametrize("loss", [losses.softmax_cross_entropy, losses.sigmoid_cross_entropy])
def test_labels_of_another_shape_than_logits_are_refused(loss):
    with pytest.raises(ValueError, match=r"Shapes \(2, 2\) and \(1, 2\) are incompatible"):
        loss([[0, 1]], [[3.0, -2.0], [1.0, 1.0]])
