"""ForwardAccumulator: directional derivatives of ops, functions and loops, and of gradients."""

import functools

import numpy as np
import pytest

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


def _written_twice(x):
    items = tf.TensorArray(tf.float32, 3).unstack(x)
    for i in tf.range(3):
        items = items.write(i, tf.sin(x[i]) * x[2 - i])
    return items.stack() * x


def _joined(x):
    pieces = tf.raw_ops.TensorListSplit(
        tensor=x, lengths=tf.constant([1, 2], tf.int64), element_shape=[-1, 2]
    )
    joined = tf.raw_ops.TensorListConcatV2(
        input_handle=pieces, element_dtype=tf.float32, element_shape=[-1, 2], leading_dims=[1, 2]
    )
    return joined.tensor * x


def _scattered(x):
    rows = tf.raw_ops.TensorListScatterV2(
        tensor=x, indices=[2, 0, 1], element_shape=[2], num_elements=3
    )
    more = tf.raw_ops.TensorListScatterIntoExistingList(
        input_handle=rows, tensor=x[:1] * x[:1], indices=[1]
    )
    return (
        tf.raw_ops.TensorListStack(input_handle=more, element_shape=[2], element_dtype=tf.float32)
        * x
    )


LISTS = {
    "scan": lambda x: tf.scan(lambda a, b: tf.tanh(a * 0.7 + b), x) * x,
    "foldl": lambda x: tf.foldl(lambda a, b: a * 0.5 + tf.tanh(b), x) * x,
    "map": lambda x: tf.map_fn(lambda row: row * tf.reduce_sum(tf.sin(row)), x) * x,
    "array": _written_twice,
    "joined": _joined,
    "scattered": _scattered,
    "gradient": lambda x: tf.gradients(tf.scan(lambda a, b: tf.sin(a * b), x), x)[0] * x,
}


@pytest.mark.parametrize("name", LISTS)
def test_through_lists_inside_a_function(name):
    f = tf.function(LISTS[name])
    x = tf.constant([[1.0, 2.0], [0.5, -0.3], [0.2, 0.1]])
    direction = tf.constant([[1.0, 0.0], [1.0, 2.0], [0.3, 0.1]])

    @tf.function
    def derivative(x):
        with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
            y = LISTS[name](x)
        return accumulator.jvp(y)

    differences = (f(x + 1e-2 * direction) - f(x - 1e-2 * direction)) / 2e-2
    np.testing.assert_allclose(derivative(x), differences, rtol=2e-3, atol=2e-3)


def test_a_variant_that_is_no_list_of_tensors_is_refused():
    x = tf.constant(2.0)
    with tf.autodiff.ForwardAccumulator(x, x):
        with pytest.raises(tf.errors.UnimplementedError, match="OptionalFromValue: a ForwardAcc"):
            tf.raw_ops.OptionalFromValue(components=[x])


CONTROL = {
    "condition": lambda x: tf.cond(
        tf.reduce_sum(x) > 0.0, lambda: tf.sin(x) * tf.exp(x), lambda: x * x
    ),
    "case": lambda x: tf.switch_case(
        tf.cast(x[0, 0], tf.int32), [lambda: tf.sin(x), lambda: tf.exp(tf.sin(x) * x)]
    ),
    "loop": lambda x: tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(a) * x), (0, x)
    )[1],
    "branch in a loop": lambda x: tf.while_loop(
        lambda i, a: i < 3,
        lambda i, a: (i + 1, tf.cond(i > 1, lambda: tf.tanh(a) * x, lambda: a * a)),
        (0, x),
    )[1],
    "call": tf.function(lambda x: tf.exp(tf.sin(x) * x)),
    "scan": lambda x: tf.scan(lambda a, b: tf.sin(a * b), x),
}


@pytest.mark.parametrize("name", CONTROL)
def test_second_derivatives_inside_a_function(name):
    """Gradients add outputs to nodes after accumulators have recorded them: these have tangents, too."""
    x = tf.constant([[1.0, 2.0], [0.5, -0.3], [0.2, 0.1]])
    direction = tf.constant([[1.0, 0.0], [1.0, 2.0], [0.3, 0.1]])

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = CONTROL[name](x)
        return tape.gradient(y, x)

    def along(f):
        def derivative(x):
            with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
                y = f(x)
            return accumulator.jvp(y)

        return derivative

    forward_over_reverse = along(gradient)
    expected = forward_over_reverse(x)
    np.testing.assert_allclose(tf.function(forward_over_reverse)(x), expected, rtol=1e-5)
    twice = along(along(CONTROL[name]))
    np.testing.assert_allclose(tf.function(twice)(x), twice(x), rtol=1e-5, atol=1e-6)


def test_several_directions_through_a_list_are_refused():
    x = tf.constant([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator._batch_accumulator(x, tf.eye(2)):
        with pytest.raises(tf.errors.UnimplementedError, match="several directions"):
            tf.raw_ops.TensorListFromTensor(tensor=x, element_shape=tf.zeros([0], tf.int32))


def test_the_second_derivative_of_a_linear_step_is_zero():
    x, direction = tf.constant([3.0, 4.0]), tf.constant([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator(x, direction) as outer:
        with tf.autodiff.ForwardAccumulator(x, direction) as inner:
            y = tf.reverse(x, [0])
        derivative = inner.jvp(y)
    np.testing.assert_array_equal(derivative, [2.0, 1.0])
    np.testing.assert_array_equal(outer.jvp(derivative), [0.0, 0.0])


def fourth_power(x):
    return tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * y), [0, x])[1]


def test_accumulators_nest_around_loops_of_functions():
    @tf.function
    def derivatives(x):
        found, function = [], fourth_power
        for _ in range(4):
            function = functools.partial(along, function)
            found.append(function(x))
        return found

    assert [float(d) for d in derivatives(tf.constant(2.0))] == [32.0, 48.0, 48.0, 24.0]


def along(function, x):
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        y = function(x)
    return accumulator.jvp(y)


def test_accumulators_around_the_gradient_of_a_loop():
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = fourth_power(x)
        return tape.gradient(y, x)

    third = lambda x: along(functools.partial(along, slope), x)  # noqa: E731
    assert float(tf.function(third)(tf.constant(2.0))) == float(third(tf.constant(2.0))) == 48.0


def test_an_inner_accumulator_does_not_see_what_an_outer_one_computes():
    x = tf.constant(3.0)
    with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as outer:
        with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as inner:
            y = x**3
    assert outer.jvp(inner.jvp(y)).numpy() == 18.0
    assert inner.jvp(outer.jvp(y)) is None


def test_a_call_has_its_own_results_alone():
    x = tf.constant([0.5, 2.0])
    called = tf.function(lambda x: (tf.sin(x) * x, tf.argmax(x)))

    @tf.function
    def tangents():
        with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 3.0])) as accumulator:
            results = called(x)
        assert len(results) == 2
        return accumulator.jvp(results[0])

    expected = (np.cos(x) * x + np.sin(x)) * [1.0, 3.0]
    np.testing.assert_allclose(tangents(), expected, 1e-6)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_through_a_function_that_is_computed_again(wrap):
    x, direction = tf.constant([0.3, -0.5]), tf.constant([1.0, 2.0])

    def first_and_second(f):
        with tf.GradientTape() as tape:
            tape.watch(x)
            with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
                y = f(x) * tf.sin(x)
            along = accumulator.jvp(y)
        return along, tape.gradient(along, x)

    def f(x):
        return tf.tanh(x) * x

    found = wrap(lambda: first_and_second(tf.recompute_grad(f)))()
    for one, other in zip(found, first_and_second(f), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_custom_gradient_stands_in_where_the_body_has_none():
    x, direction = tf.constant([0.3, -0.5]), tf.constant([1.0, 2.0])

    @tf.custom_gradient
    def f(x, y):
        return (x * 2.0, tf.round(y)), lambda a, b: (a * 3.0 + b * 7.0, b * 5.0)

    with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
        through_body, through_gradient = f(x, x * x)
        rounded = tf.grad_pass_through(tf.round)(x) * x
    # Numbers of TensorFlow.
    np.testing.assert_allclose(accumulator.jvp(through_body), [2.0, 4.0])
    np.testing.assert_allclose(accumulator.jvp(through_gradient), [10.0, 4.0], rtol=1e-6)
    np.testing.assert_allclose(accumulator.jvp(rounded), [0.3, -1.0], rtol=1e-6)
