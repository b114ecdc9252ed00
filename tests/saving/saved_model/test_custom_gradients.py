"""Gradients of tf.custom_gradient in SavedModels. TensorFlow 2.21 loads these models with the same gradients."""

import numpy as np
import pytest

import penstock as tf

X = tf.constant([1.0, 2.0])


def gradients(model, x=X):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model.f(x)
    return [g.numpy() for g in tape.gradient(y, [x, model.v])]


@pytest.fixture
def model():
    module = tf.Module()
    module.v = tf.Variable(3.0)

    @tf.custom_gradient
    def with_variable(x):
        y = tf.exp(x)
        return y * module.v, lambda dy, variables=None: (
            dy * y * 7.0 * module.v,
            [tf.constant(5.0)],
        )

    @tf.custom_gradient
    def with_integer(x, n):
        return x * x, lambda dy: (dy * 100.0, None)

    module.f = tf.function(
        lambda x: with_variable(x) + with_integer(x, tf.constant(2)),
        input_signature=[tf.TensorSpec([None])],
    )
    return module


def test_are_saved_with_what_they_capture(model, tmp_path):
    tf.saved_model.save(model, str(tmp_path / "first"))
    loaded = tf.saved_model.load(str(tmp_path / "first"))
    expected = [21 * np.exp([1.0, 2.0]) + 100, 5.0]
    for got, value in zip(gradients(loaded), expected, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-6)
    tf.saved_model.save(loaded, str(tmp_path / "second"))
    again = tf.saved_model.load(str(tmp_path / "second"))
    for got, value in zip(tf.function(gradients_in_graph)(again), expected, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-6)


def gradients_in_graph(model):
    with tf.GradientTape() as tape:
        tape.watch(X)
        y = model.f(X)
    return tape.gradient(y, [X, model.v])


def test_are_left_out_on_request(model, tmp_path):
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(model, str(tmp_path), options=options)
    of_x, _ = gradients(tf.saved_model.load(str(tmp_path)))
    np.testing.assert_allclose(of_x, 3 * np.exp([1.0, 2.0]) + [2, 4], rtol=1e-6)


def test_a_gradient_that_cannot_be_traced(tmp_path):
    @tf.custom_gradient
    def broken(x):
        def gradient(dy):
            raise RuntimeError("no gradient today")

        return x * 2.0, gradient

    module = tf.Module()
    module.f = tf.function(broken, input_signature=[tf.TensorSpec([2])])
    with pytest.raises(ValueError, match="Error when tracing gradients for SavedModel"):
        tf.saved_model.save(module, str(tmp_path))
