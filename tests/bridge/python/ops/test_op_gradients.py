"""Gradients of ops by TensorFlow's private names, and what custom gradients find."""

import numpy as np

import penstock as tf
from penstock._src.bridge.python.ops import custom_gradient, math_grad, nn_fused_batch_norm_grad

v1 = tf.compat.v1


def test_the_gradient_of_an_operation_is_one_for_each_input():
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        x = tf.constant([3.0])
        op = tf.multiply(x, x).op
        np.testing.assert_array_equal(
            session.run(math_grad._MulGrad(op, tf.ones([1]))), [[3.0]] * 2
        )


def test_axes_of_unknown_extents_may_have_been_broadcast():
    axes = math_grad._InferGradientReductionAxes
    assert axes(tf.TensorShape([None, 1]), tf.TensorShape([2])) == ([1], [0])
    assert axes(tf.TensorShape([None]), tf.TensorShape([2])) == (None, None)


def test_the_gradient_of_a_batch_normalization_is_that_of_its_op():
    x = tf.random.stateless_normal([4, 3, 2, 5], [1, 2])
    scale, offset = tf.linspace(0.5, 1.5, 5), tf.zeros([5])
    dy = tf.cos(x)
    with tf.GradientTape() as tape:
        tape.watch([x, scale, offset])
        value = tf.reduce_sum(v1.nn.fused_batch_norm(x, scale, offset, epsilon=0.1)[0] * dy)
    expected = tape.gradient(value, [x, scale, offset])
    found = nn_fused_batch_norm_grad._BatchNormGrad(dy, x, scale, None, None, 0.1, "NHWC")
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_only_trainable_variables_that_gradients_reach_are_found():
    with tf.Graph().as_default():
        used, hidden = v1.Variable(1.0), v1.Variable(2.0)
        fixed = v1.Variable(3.0, trainable=False)
        x = hidden * 2.0
        y = x * used + fixed + tf.ones_like(hidden)
        assert custom_gradient._get_dependent_variables([x], [y]) == [used]
