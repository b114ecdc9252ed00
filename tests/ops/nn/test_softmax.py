"""Gradients of cross entropies over softmax."""

import numpy as np
import pytest

import penstock as tf

LOGITS = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
CASES = {
    "dense": (tf.raw_ops.SoftmaxCrossEntropyWithLogits, np.eye(7, dtype=np.float32)[:5]),
    "sparse": (tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits, np.arange(5, dtype=np.int64)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_graph_has_nothing_for_the_output_that_is_not_used(case):
    op, labels = CASES[case]

    @tf.function
    def gradient(logits):
        loss, _ = op(features=logits, labels=labels)
        return tf.gradients(tf.reduce_sum(loss), logits)[0]

    found = gradient(LOGITS)
    softmax = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    np.testing.assert_allclose(found, softmax - np.eye(7)[:5], rtol=1e-5, atol=1e-6)
    types = [
        o.type for o in gradient.get_concrete_function(tf.constant(LOGITS)).graph.get_operations()
    ]
    assert "Softmax" not in types


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_gradients_go_through_the_second_output(case):
    op, labels = CASES[case]

    @tf.function
    def second(logits):
        loss, _ = op(features=logits, labels=labels)
        (first,) = tf.gradients(tf.reduce_sum(loss), logits)
        return tf.gradients(tf.reduce_sum(first**2), logits)[0]

    softmax = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    twice = 2 * (softmax - np.eye(7)[:5])
    expected = softmax * (twice - (twice * softmax).sum(1, keepdims=True))
    np.testing.assert_allclose(second(LOGITS), expected, rtol=1e-4, atol=1e-6)
