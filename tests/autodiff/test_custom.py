"""Custom gradients, alone and inside functions."""

import inspect

import numpy as np
import pytest

import penstock as tf

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])


@BOTH
def test_variables_of_a_custom_gradient(wrap):
    x, v = tf.constant(3.0), tf.Variable(2.0)

    @tf.custom_gradient
    def f(x):
        return x * v, lambda dy, variables: (dy * 7, [dy * 9])

    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, v])

    assert [g.numpy() for g in wrap(run)()] == [7, 9]


@BOTH
def test_recomputed_gradients(wrap):
    x, w = tf.constant([1.0, 2.0]), tf.Variable(2.0)

    def f(x):
        return tf.sin(x * w) * w

    def run(f):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, w])

    expected = run(f)
    for e, found in zip(expected, wrap(lambda: run(tf.recompute_grad(f)))(), strict=True):
        np.testing.assert_allclose(found.numpy(), e.numpy(), rtol=1e-5)


def test_a_gradient_that_is_differentiated():
    x = tf.constant(3.0)

    @tf.custom_gradient
    def f(x):
        return x * x, lambda dy: dy * x * x

    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        first = inner.gradient(y, x)
    assert outer.gradient(first, x).numpy() == 6


@BOTH
def test_a_tape_that_begins_after_a_capture(wrap):
    x = tf.constant(3.0)

    def run():
        before = x * 2
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.gradient(y, x) + before * 0

    assert wrap(run)().numpy() == 6


def test_stopped_tensors_still_receive():
    @tf.function
    def f(x):
        return tf.gradients(x * 2, x, stop_gradients=[x])[0]

    assert f(tf.constant(1.0)).numpy() == 2


def test_eager_variables_are_passed_as_they_are():
    @tf.custom_gradient
    def grown(x):
        x.assign_add(3.0)
        return x, lambda dy: 2.0 * dy

    variable = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        result = grown(variable)
    assert (float(result), float(tape.gradient(result, variable))) == (5.0, 2.0)


def test_a_variable_that_is_passed_twice_gets_both_gradients():
    scaled = tf.custom_gradient(lambda x, y: (x * y, lambda dy: (dy * 7.0, dy * 9.0)))
    variable = tf.Variable(5.0)
    with tf.GradientTape() as tape:
        result = scaled(variable, variable)
    assert float(tape.gradient(result, variable)) == 16.0


@pytest.mark.parametrize("wraps", [tf.function, lambda f: f], ids=["graph", "eager"])
def test_methods_get_their_object_as_it_is(wraps):
    class Doubler:
        factor = 2.0

        @tf.custom_gradient
        def double(self, x):
            return x * self.factor, lambda dy: dy * 10.0

    doubler = Doubler()
    x = tf.Variable(3.0)

    @wraps
    def run():
        with tf.GradientTape() as tape:
            y = doubler.double(x * 1.0)
        return y, tape.gradient(y, x)

    assert [float(each) for each in run()] == [6.0, 10.0]
    assert Doubler.double.__name__ == "double"


def test_functions_with_a_gradient_have_the_parameters_of_what_they_wrap():
    @tf.custom_gradient
    def scaled(x, factor=2.0):
        return x * factor, lambda dy: (dy, None)

    class Scaler:
        @tf.custom_gradient
        def scaled(self, x):
            return x, lambda dy: dy

    assert inspect.getfullargspec(scaled).args == ["x", "factor"]
    assert inspect.getfullargspec(Scaler().scaled).args == ["x"]


@BOTH
def test_recomputed_gradients_reach_tensors_in_structures(wrap):
    x, y = tf.constant(3.0), tf.constant(4.0)
    ragged = tf.constant([1.0, 2.0, 3.0])
    product = tf.recompute_grad(lambda parts, z: parts["x"] * parts["rest"][0] * z)
    squares = tf.recompute_grad(lambda rows: tf.reduce_sum(rows * rows, 1))

    def run():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y, ragged])
            of_parts = product({"x": x, "rest": (y,)}, x)
            of_rows = squares(tf.RaggedTensor.from_row_lengths(ragged, [1, 2]))
        return tape.gradient(of_parts, [x, y]), tape.gradient(of_rows, ragged)

    (dx, dy), rows = wrap(run)()
    assert (dx.numpy(), dy.numpy()) == (24, 9)
    assert rows.numpy().tolist() == [2, 4, 6]


@BOTH
def test_what_a_body_captures_has_no_gradient_around_its_own(wrap):
    x, captured = tf.constant(3.0), tf.constant(5.0)
    f = tf.custom_gradient(lambda x: (x * captured, lambda dy: dy * 7))

    def run():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, captured])
            y = f(x)
        return tape.gradient(y, captured), tape.gradient(y, [x, captured])

    alone, (dx, beside) = wrap(run)()
    assert alone is None and beside is None
    assert dx.numpy() == 7


def _in_a_loop(f, x):
    return tf.while_loop(lambda i, _: i < 3, lambda i, o: (i + 1, o + f(o)), [0, x])[1]


def _in_loops(f, x):
    return _in_a_loop(lambda o: _in_a_loop(f, o), x)


def _in_a_branch(f, x):
    return _in_a_loop(lambda o: tf.cond(tf.reduce_sum(o) > 1, lambda: f(o), lambda: o), x)


def _in_a_call(f, x):
    return _in_a_loop(tf.function(f), x)


def _for_each_row(f, x):
    return tf.map_fn(f, x)


@pytest.mark.parametrize("use", [_in_a_loop, _in_loops, _in_a_branch, _in_a_call, _for_each_row])
def test_a_gradient_function_within_a_loop_is_called_once(use):
    calls = []

    @tf.custom_gradient
    def f(x):
        with tf.GradientTape() as inner:  # of one use
            inner.watch(x)
            y = tf.sin(x)

        def gradient(dy):
            calls.append(dy)
            return inner.gradient(y, x) * dy

        return y, gradient

    def derivative(g, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = use(g, x)
        return tape.gradient(y, x)

    x = tf.constant([0.3, 0.4])
    found = tf.function(lambda x: derivative(f, x))(x)
    np.testing.assert_allclose(found, derivative(tf.sin, x), rtol=1e-5)
    assert len(calls) == 1
