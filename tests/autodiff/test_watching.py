"""Tapes watch the trainable variables that run in their sight, in bodies of control flow as well."""

import numpy as np
import pytest

import penstock as tf

VALUES = tf.constant([[1.0, 2.0]])


def loop(product):
    return tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * 0.5 + product()), [0, 0.0])[1]


def array_of_steps(product):
    array = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    for i in tf.range(3):
        array = array.write(i, product())
        if i > 1:
            break
    return tf.reduce_sum(array.stack())


BODIES = {
    "while": (loop, 1.75),
    "cond": (lambda product: tf.cond(VALUES[0, 0] > 0, product, lambda: 0.0), 1.0),
    "switch": (lambda product: tf.switch_case(tf.constant(1), [lambda: 0.0, product]), 1.0),
    "map": (lambda product: tf.reduce_sum(tf.map_fn(lambda x: x * product(), VALUES[0])), 3.0),
    "scan": (lambda product: tf.scan(lambda s, x: s + product(), VALUES[0], 0.0)[-1], 2.0),
    "loop with an end": (array_of_steps, 3.0),
}


@pytest.mark.parametrize("name", BODIES)
def test_variables_read_in_bodies_only(name):
    weights = tf.Variable([[3.0], [4.0]])
    body, times = BODIES[name]

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            total = body(lambda: tf.reduce_sum(VALUES @ weights))
        return tape.gradient(total, weights)

    np.testing.assert_allclose(gradient(), times * tf.transpose(VALUES), rtol=1e-6)


def test_untrainable_variables_are_not_watched():
    fixed = tf.Variable(2.0, trainable=False)

    @tf.function
    def watched():
        with tf.GradientTape() as tape:
            tf.cond(fixed > 1.0, lambda: fixed * 2.0, lambda: fixed)
        return len(tape.watched_variables())

    assert int(watched()) == 0


def test_watched_variables_are_known_after_the_gradient():
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        square = weight * weight
    tape.gradient(square, weight)
    assert [v is weight for v in tape.watched_variables()] == [True]


def test_a_tape_records_within_and_goes_on_as_before():
    x = tf.constant(3.0)
    tape = tf.GradientTape()
    with tape._ensure_recording():
        with tape._ensure_recording():
            tape.watch(x)
        y = x * x
    assert tape.gradient(y, x) == 6.0


def test_gradients_of_a_tape_are_named_after_the_forward_scope():
    @tf.function
    def slope(x):
        with tf.GradientTape() as outer, tf.name_scope("outer"):
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                with tf.name_scope("inner"):
                    y = tf.sin(x)
            first = tape.gradient(y, x)
        return outer.gradient(first, x)

    names = [op.name for op in slope.get_concrete_function(tf.constant(1.0)).graph.get_operations()]
    assert "gradient_tape/outer/inner/Cos" in names
    assert "gradient_tape/gradient_tape/outer/inner/Sin" in names
