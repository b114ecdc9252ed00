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


def test_unsaved_ones_are_refused_rather_than_replaced(model, tmp_path, caplog):
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(model, str(tmp_path / "first"), options=options)
    loaded = tf.saved_model.load(str(tmp_path / "first"))
    assert "ops with unsaved custom gradients" in caplog.text
    np.testing.assert_allclose(loaded.f(X), 3 * np.exp([1.0, 2.0]) + [1.0, 4.0], rtol=1e-6)
    with pytest.raises(LookupError, match="No gradient defined for operation.*IdentityN"):
        gradients(loaded)
    tf.saved_model.save(loaded, str(tmp_path / "second"))
    with pytest.raises(LookupError, match="No gradient defined"):
        gradients(tf.saved_model.load(str(tmp_path / "second")))


def test_imported_nodes_take_gradients_registered_by_name():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [], name="x")
        tf.exp(x, name="y")
    definition = graph.as_graph_def()
    definition.node[1].attr["_gradient_op_type"].s = b"OfAnImportedNode"
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        x, y = (graph.get_tensor_by_name(n) for n in ("x:0", "y:0"))
        with pytest.raises(LookupError, match="OfAnImportedNode"):
            tf.gradients(y, x)
        tf.RegisterGradient("OfAnImportedNode")(lambda op, dy: dy * 5.0)
        with tf.compat.v1.Session() as session:
            assert session.run(tf.gradients(y, x)[0], {x: 1.0}) == 5.0
