"""Gradients of functions that call functions: what is made of each, and how deep they may be."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.autodiff.graph_gradients import Backward

X = tf.constant([0.5, 0.25])


def gradient_of(f):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x)

    return gradient


def nest(depth, start, around):
    """Functions, each of which calls the one before; each is traced before the next calls it."""
    f = tf.function(start, autograph=False)
    for _ in range(depth):
        f = tf.function(lambda x, g=f: around(g, x), autograph=False)
        f.get_concrete_function(X)
    return f


@pytest.fixture
def counts(monkeypatch):
    """How many backward graphs are made, and of how many inputs together."""
    found = {"graphs": 0, "inputs": 0}
    build = Backward.build

    def counted(self, ys, xs):
        yield from build(self, ys, xs)
        found["graphs"] += 1
        found["inputs"] += len(self.graph.inputs)

    monkeypatch.setattr(Backward, "build", counted)
    return found


def test_a_function_called_twice_on_the_same_tensor_has_one_gradient_at_each_depth(counts):
    f = nest(40, tf.sin, lambda g, x: g(x) + 0.5 * g(x))
    got = tf.function(gradient_of(f), autograph=False)(X)
    np.testing.assert_allclose(got, np.cos(X) * 1.5**40, rtol=2e-6)
    assert counts["graphs"] == 41
    assert counts["inputs"] < 41 * 41


def test_second_derivatives_of_a_function_called_twice():
    f = nest(6, tf.sin, lambda g, x: g(x) * g(x))

    def plain(x):
        y = tf.sin(x)
        for _ in range(6):
            y = y * y
        return y

    for way in (lambda g: g, lambda g: tf.function(g, autograph=False)):
        got = way(gradient_of(gradient_of(f)))(X)
        np.testing.assert_allclose(got, gradient_of(gradient_of(plain))(X), rtol=2e-6)


def test_gradients_of_one_of_two_equal_calls():
    f = tf.function(lambda x: x * x * x, autograph=False)

    @tf.function(autograph=False)
    def gradients(x):
        first, second = f(x), f(x)
        return tf.gradients(first * second, [first, second, x])

    third = X**3
    for got, expected in zip(gradients(X), [third, third, 6 * X**5], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    stopped = tf.function(
        lambda x: tf.gradients((y := f(x)) * f(x), x, stop_gradients=[y])[0], autograph=False
    )
    np.testing.assert_allclose(stopped(X), 3 * X**5, rtol=1e-5)


@pytest.mark.parametrize("taken", ["eagerly", "in a function"])
def test_gradients_of_functions_nested_deeper_than_the_stack(taken, counts):
    f = nest(250, tf.sin, lambda g, x: g(x) + tf.cos(x))
    gradient = gradient_of(f)
    gradient = gradient if taken == "eagerly" else tf.function(gradient, autograph=False)
    np.testing.assert_allclose(gradient(X), np.cos(X) - 250 * np.sin(X), rtol=5e-5)
    assert counts["graphs"] == 251


def test_gradients_of_branches_in_functions_nested_deeper_than_the_stack():
    branch = lambda g, x: tf.cond(tf.reduce_sum(x) > 0, lambda: g(x) + x, lambda: x)  # noqa: E731
    f = nest(120, tf.sin, branch)
    got = tf.function(gradient_of(f), autograph=False).get_concrete_function(X)
    assert got.structured_outputs.shape == X.shape


def test_an_error_in_the_gradient_of_a_nested_function_leaves_no_graph_open():
    @tf.custom_gradient
    def refusing(x):
        def backward(dy):
            raise KeyError("no gradient today")

        return tf.identity(x), backward

    f = nest(3, refusing, lambda g, x: g(x) * 2.0)
    with pytest.raises(KeyError, match="no gradient today"):
        tf.function(gradient_of(f), autograph=False)(X)
    assert tf.executing_eagerly()
    np.testing.assert_allclose(gradient_of(tf.sin)(X), np.cos(X), rtol=1e-6)
