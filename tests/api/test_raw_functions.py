"""Public functions that are raw ops, against TensorFlow 2.21; scopes without effect."""

import numpy as np
import pytest

import penstock as tf


def test_approximate_top_k():
    values, indices = tf.approx_top_k([1.0, 3.0, 2.0], 2)
    assert values.numpy().tolist() == [3.0, 2.0] and indices.numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least k columns"):
        tf.approx_top_k([1.0], 2)


def test_convolution_and_its_gradients():
    x = np.random.RandomState(0).randn(1, 4, 4, 2).astype(np.float32)
    kernel = np.random.RandomState(1).randn(3, 3, 2, 3).astype(np.float32)
    with tf.GradientTape() as tape:
        weights = tf.constant(kernel)
        image = tf.constant(x)
        tape.watch([weights, image])
        y = tf.nn.conv2d(image, weights, 1, "SAME")
    np.testing.assert_allclose(tf.conv(x, kernel, [1] * 4, "SAME"), y, rtol=1e-5)
    dw, dx = tape.gradient(y, [weights, image])
    ones = tf.ones_like(y)
    by_filter = tf.conv2d_backprop_filter_v2(x, kernel, ones, [1] * 4, "SAME")
    by_input = tf.conv2d_backprop_input_v2(x, kernel, ones, [1] * 4, "SAME")
    np.testing.assert_allclose(by_filter, dw, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(by_input, dx, rtol=2e-6, atol=1e-6)


def test_empty_rows_are_filled():
    rows = tf.constant([0, 0, 2, 5], tf.int64)
    ids, values, empty, where = tf.ragged_fill_empty_rows(rows, [1, 2, 3, 4], 7, -1)
    assert ids.numpy().tolist() == [0, 0, 1, 2, 3, 4, 5, 6]
    assert values.numpy().tolist() == [1, 2, -1, 3, -1, -1, 4, -1]
    assert empty.numpy().tolist() == [False, True, False, True, True, False, True]
    inside, outside = tf.ragged_fill_empty_rows_grad(where, tf.range(8.0))
    assert inside.numpy().tolist() == [0.0, 1.0, 3.0, 6.0] and float(outside) == 18.0


def test_scopes_of_execution_change_nothing():
    with tf.experimental.async_scope(), tf.experimental.function_executor_type("DEFAULT"):
        assert int(tf.function(lambda x: x + 1, autograph=False)(1)) == 2
    with pytest.raises(FileNotFoundError):
        tf.experimental.register_filesystem_plugin("/nowhere.so")


def test_graphs_are_written(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="c")
    path = tf.io.write_graph(graph, str(tmp_path / "a"), "g.pbtxt")
    assert 'name: "c"' in open(path).read()
    path = tf.io.write_graph(graph.as_graph_def(), str(tmp_path), "g.pb", as_text=False)
    assert tf.compat.v1.GraphDef.FromString(open(path, "rb").read()) == graph.as_graph_def()
