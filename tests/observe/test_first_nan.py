"""tf.debugging.first_nan finds the op, the line and the layer in one run."""

import numpy as np
import pytest

import penstock as tf

find = tf.debugging.first_nan


def test_forward_with_the_line_the_index_and_the_inputs():
    @tf.function
    def loss(x):
        return tf.reduce_sum(tf.math.log(x) * 2.0)

    found = find(loss, tf.constant([1.0, -1.0]))
    assert (found.kind, found.direction, found.place.op, found.index) == (
        "NaN",
        "forward",
        "Log",
        (1,),
    )
    assert "return tf.reduce_sum(tf.math.log(x) * 2.0)" in str(found)
    assert found.inputs == ("float32(2,) from -1 to 1, -1 there",)


def test_backward_with_the_op_whose_gradient_it_is():
    v = tf.Variable([0.0])

    def step():
        with tf.GradientTape() as tape:
            y = tf.sqrt(v)
        return tape.gradient(y, v)

    found = find(step)
    assert (found.kind, found.direction, found.forward.op) == ("infinity", "backward", "Sqrt")
    assert "y = tf.sqrt(v)" in str(found)


def test_gradients_are_taken_if_the_function_takes_none():
    found = find(lambda x: tf.reduce_sum(tf.abs(x) ** 0.5), tf.constant([0.0, 1.0]))
    assert found.direction == "backward" and found.forward.op == "Pow"


def test_second_derivatives_are_not_taken():
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x**1.5
        return tape.gradient(y, x)

    assert find(slope, tf.constant([0.0])) is None


def test_an_infinite_mask_is_passed_over_but_not_a_nan_of_it():
    mask = tf.constant([0.0, -np.inf])
    assert find(lambda: tf.nn.softmax(tf.constant([1.0, 2.0]) + mask)) is None
    found = find(lambda: mask * 0.0)
    assert (found.kind, found.place.op, found.index) == ("NaN", "Mul", (1,))


def test_arguments():
    found = find(tf.exp, tf.constant([[0.0, np.nan]]))
    assert (found.direction, found.place.op, found.index) == ("argument", "argument 0", (0, 1))


def test_the_keras_layer_is_named_and_the_weights_stay():
    class Root(tf.keras.layers.Layer):
        def call(self, x):
            return tf.sqrt(x)

    model = tf.keras.Sequential(
        [tf.keras.layers.Input((2,)), tf.keras.layers.Dense(1), Root(name="root")]
    )
    model.compile("sgd", "mse")
    model.layers[0].set_weights([np.full((2, 1), -1.0), np.zeros(1)])
    x = np.ones([4, 2], "float32")
    found = find(lambda: model.train_on_batch(x, x[:, :1]))
    assert found.place.op == "Sqrt" and found.place.layer == "root"
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], -1)


def test_the_function_runs_once_and_errors_pass():
    calls = []
    assert find(lambda x: calls.append(1) or tf.reduce_sum(x), tf.ones([2])) is None
    assert calls == [1] and not tf.config.functions_run_eagerly()
    with pytest.raises(ZeroDivisionError):
        find(lambda: 1 / 0)
