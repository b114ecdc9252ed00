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


@pytest.mark.parametrize("run", [lambda f: f, tf.function], ids=["eager", "function"])
def test_a_class_of_no_probability_that_is_excluded_makes_the_loss_nan(run):
    # As in TensorFlow: the product of a label of 0 and an infinite logarithm is missing.
    op = run(lambda x, y: tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=x, labels=y))
    loss, backprop = op(tf.constant([[-np.inf, 0.0]]), tf.constant([[0.0, 1.0]]))
    assert np.isnan(loss.numpy()).all()
    np.testing.assert_array_equal(backprop, [[0.0, 0.0]])


@pytest.mark.parametrize("shapes", [((1, 3), (2, 3)), ((2, 3), (1, 3))], ids=["logits", "labels"])
@pytest.mark.parametrize("run", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_gradients_of_what_is_broadcast_are_summed(run, shapes):
    x, y = (tf.nn.softmax(np.random.default_rng(0).uniform(size=s)) for s in shapes)

    def by_parts(features, labels):
        terms = tf.nn.log_softmax(tf.broadcast_to(features, [2, 3])) * labels
        return -tf.reduce_sum(terms, -1)

    def gradients(loss):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            total = tf.reduce_sum(loss(features=x, labels=y))
        return tape.gradient(total, [x, y])

    found = run(
        lambda: gradients(lambda **both: tf.raw_ops.SoftmaxCrossEntropyWithLogits(**both)[0])
    )()
    for slope, expected in zip(found, gradients(by_parts), strict=True):
        np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-12)
