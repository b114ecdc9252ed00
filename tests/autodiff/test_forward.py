"""ForwardAccumulator: directional derivatives of ops, functions and loops, and of gradients."""

import numpy as np

import penstock as tf


def test_a_directional_derivative():
    x = tf.constant([2.0, 3.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as accumulator:
        y = tf.reduce_sum(x**3)
    assert accumulator.jvp(y).numpy() == 12.0
    assert accumulator.jvp(tf.constant(1.0)) is None
    assert accumulator.jvp(tf.constant(1.0), unconnected_gradients="zero").numpy() == 0.0


def test_through_a_function_with_a_loop():
    @tf.function
    def f(x):
        for _ in tf.range(2):
            x = x * x
        return tf.reduce_sum(x)

    x = tf.constant([2.0, 3.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as accumulator:
        y = f(x)
    assert accumulator.jvp(y).numpy() == 32.0


def test_inside_a_function():
    @tf.function
    def f(x):
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
            y = tf.sin(x)
        return accumulator.jvp(y)

    np.testing.assert_allclose(f(tf.constant(0.5)), np.cos(0.5), rtol=1e-6)


def test_forward_over_reverse():
    v = tf.Variable(2.0)
    with tf.autodiff.ForwardAccumulator(v, tf.constant(1.0)) as accumulator:
        with tf.GradientTape() as tape:
            y = v**3
        gradient = tape.gradient(y, v)
    assert accumulator.jvp(gradient).numpy() == 12.0


def test_a_variable_inside_a_function():
    @tf.function
    def f(x):
        with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as accumulator:
            y = x * x * captured
        return accumulator.jvp(y)

    captured = tf.Variable(10.0)
    assert [float(f(tf.Variable(value))) for value in (2.0, 3.0)] == [40.0, 60.0]
