"""tf.debugging.enable_check_numerics."""

import numpy as np
import pytest

import penstock as tf


@pytest.fixture
def checked():
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()


def raises(op):
    return pytest.raises(tf.errors.InvalidArgumentError, match=f'Infinity or NaN .*op "{op}"')


def test_eager_ops(checked):
    with raises("Log"):
        tf.math.log(tf.constant([1.0, -1.0]))
    np.testing.assert_allclose(tf.math.log(tf.constant([1.0])), [0])


def test_functions_name_the_op_and_the_line(checked):
    @tf.function
    def loss(x):
        return tf.reduce_sum(tf.math.log(x))

    assert loss(tf.constant([1.0, 1.0])) == 0
    with raises("Log") as caught:
        loss(tf.constant([1.0, -1.0]))
    assert "test_check_numerics.py" in str(caught.value) and "in loss" in str(caught.value)


def test_loops_and_branches(checked):
    @tf.function
    def halved(x, times):
        for i in tf.range(times):
            if times > 1:
                x = x / tf.cast(2 - i, tf.float32)
        return x

    x = tf.constant([1.0, 2.0])
    np.testing.assert_allclose(halved(x, 2), [0.5, 1])
    with raises("RealDiv"):
        halved(x, 3)


def test_gradients_in_functions(checked):
    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sqrt(x)
        return tape.gradient(y, x)

    assert slope(tf.constant(4.0)) == 0.25
    with raises("SqrtGrad"):
        slope(tf.constant(0.0))


def test_nothing_is_checked_after_it_is_disabled(checked):
    tf.debugging.disable_check_numerics()
    assert np.isnan(tf.function(tf.math.log)(tf.constant(-1.0)))


def test_the_keras_layer_is_named(checked):
    class Log(tf.keras.layers.Layer):
        def call(self, x):
            return tf.math.log(x)

    layer = Log(name="logarithm")
    for call in (layer, tf.function(layer)):
        with raises("Log") as caught:
            call(tf.constant([-1.0]))
        assert "Keras layer: logarithm" in str(caught.value)


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    "values, kinds, signed",
    [
        ([1.0, INF], "Inf", r"\+Inf"),
        ([NAN, 1.0], "NaN", "NaN"),
        ([NAN, -INF], "Inf and NaN", "-Inf and NaN"),
    ],
)
def test_compiled_checks_name_the_kinds_of_bad_values(values, kinds, signed):
    checked = tf.function(lambda x: tf.debugging.check_numerics(2.0 * x, "bad"))
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"bad : Tensor had {kinds} values"):
        checked(tf.constant(values))
    check = tf.function(lambda x: tf.raw_ops.CheckNumericsV2(tensor=2.0 * x, message="bad"))
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"bad : Tensor had {signed} values"):
        check(tf.constant(values))
