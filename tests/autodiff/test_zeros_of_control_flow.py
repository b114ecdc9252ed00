"""Where gradients of conditions and loops are zero and where they are None: as in TensorFlow."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1


def test_what_a_branch_does_not_differentiate_has_no_gradient():
    x, c = tf.constant(1.0), tf.constant(5.0)

    @tf.function
    def f():
        with tf.GradientTape() as tape:
            tape.watch([x, c])
            y = tf.cond(x > 0, lambda: x * tf.stop_gradient(c), lambda: x)
        return tape.gradient(y, [x, c])

    assert f()[0] == 5.0
    assert f()[1] is None


def test_the_gradient_of_a_condition_has_a_zero_gradient():
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.cond(x > 0, lambda: x * tf.constant([2.0, 3.0]), lambda: x - tf.ones(2))
            gradient = inner.gradient(y, x)
        return outer.gradient(gradient, x)

    assert f(tf.constant(1.0)) == 0.0


def test_what_a_loop_reads_has_a_zero_gradient():
    x, c, v = tf.constant(1.0), tf.constant(5.0), tf.Variable(2.0)

    @tf.function
    def f():
        with tf.GradientTape() as tape:
            tape.watch([x, c])
            kept = lambda: tf.stop_gradient(c) + tf.stop_gradient(v)  # noqa: E731
            y = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a + kept()), [0, x])[1]
        return tape.gradient(y, [x, c, v])

    assert f() == [1.0, 0.0, None]


@pytest.mark.parametrize("shape", [(), (2,)])
def test_gradients_in_graphs_are_zero_for_variables_that_loops_read(shape):
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", shape, initializer=v1.zeros_initializer(), use_resource=True)
        body = lambda i, a: (i + 1, a + tf.reduce_sum(tf.stop_gradient(v)))  # noqa: E731
        y = tf.while_loop(lambda i, a: i < 2, body, [0, 1.0])[1]
        (gradient,) = v1.gradients(y, [v])
        session.run(v1.global_variables_initializer())
        assert session.run(gradient).tolist() == ([0.0] * 2 if shape else 0.0)


def test_gradients_of_conditions_and_loops_are_copies_of_their_results():
    @tf.function
    def types(x):
        chosen = tf.cond(x > 1, lambda: x * x, lambda: x)
        powered = tf.while_loop(lambda v: v < 8, lambda v: v * v, [x])[0]
        for y in (chosen, powered):
            gradient = tf.gradients(y, x)[0].op
            found.append((gradient.type, gradient.inputs[0].op.type))

    found: list = []
    types(tf.constant(2.0))
    assert found == [("Identity", "StatelessIf"), ("Identity", "StatelessWhile")]


@pytest.mark.parametrize("order", [1, 2])
def test_a_variable_that_a_loop_writes_but_does_not_read_has_zeros_of_its_shape(order):
    """It has another shape after each iteration; its gradient has that at the start of the iteration."""

    def run(w, start):
        body = lambda i, x, y: (i + 1, tf.ones([i + 2]) * w, y * w)  # noqa: E731
        any_length = [tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([])]
        _, x, y = tf.while_loop(lambda i, x, y: i < 3, body, [0, start, w], any_length)
        return tf.reduce_sum(x * tf.range(4.0)) + y

    @tf.function
    def f(w, start):
        with tf.GradientTape() as outer:
            outer.watch(w)
            with tf.GradientTape() as tape:
                tape.watch([w, start])
                y = run(w, start)
            of_w, of_start = tape.gradient(y, [w, start])
        return (of_w, of_start) if order == 1 else (outer.gradient(of_w, w), of_start)

    of_w, of_start = f(tf.constant(2.0), tf.ones([2]))
    assert of_w == {1: 6.0 + 4 * 2.0**3, 2: 12 * 2.0**2}[order]
    assert of_start.numpy().tolist() == [0.0, 0.0]
