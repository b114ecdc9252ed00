"""Flat calls of traced functions with shapes that their placeholders do not have. The values are TensorFlow's."""

import warnings

import numpy as np
import pytest

import penstock as tf


def calls(f, x):
    """The result of a flat call, in which a slow kernel is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        result = f(x=x)
    return result


def loaded(function, shape, tmp_path, module=None):
    """The signature of a saved function of one float32 tensor."""
    module = module or tf.Module()
    module.f = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32, name="x")])
    tf.saved_model.save(module, str(tmp_path), signatures={"f": module.f.get_concrete_function()})
    return tf.saved_model.load(str(tmp_path)).signatures["f"]


def values(*shape):
    return np.random.RandomState(0).randn(*shape).astype("f")


def test_signatures_take_other_numbers_of_rows_compiled(tmp_path):
    module = tf.Module()
    module.w = tf.Variable(values(4, 3))
    f = loaded(
        lambda x: {"y": tf.nn.relu(x @ module.w), "n": tf.shape(x)}, [2, 4], tmp_path, module
    )
    for rows in (2, 5, 1, 0, 5):
        x = values(rows, 4)
        result = calls(f, tf.constant(x))
        np.testing.assert_allclose(result["y"], np.maximum(x @ values(4, 3), 0), atol=1e-6)
        np.testing.assert_array_equal(result["n"], [2, 4])  # it was a constant of the trace
    assert not f.graph_function.executable.host_ops


def test_signatures_take_pictures_of_other_sizes_compiled(tmp_path):
    def net(x):
        y = tf.nn.max_pool2d(tf.nn.conv2d(x, tf.ones([3, 3, 2, 4]), 1, "SAME"), 2, 2, "VALID")
        return {"y": tf.transpose(y, [0, 3, 1, 2])}

    f = loaded(net, [1, 8, 8, 2], tmp_path)
    for shape in ([2, 8, 8, 2], [1, 16, 12, 2]):
        x = tf.constant(values(*shape))
        np.testing.assert_allclose(calls(f, x)["y"], net(x)["y"], rtol=1e-4, atol=1e-5)
    assert not f.graph_function.executable.host_ops


def test_values_of_another_rank_are_reshaped_as_the_graph_says(tmp_path):
    f = loaded(lambda x: {"y": tf.reshape(x, [8]) + 1.0, "s": x * 2.0}, [2, 4], tmp_path)
    x = values(2, 2, 2)
    result = calls(f, tf.constant(x))
    np.testing.assert_array_equal(result["y"], x.ravel() + 1)
    np.testing.assert_array_equal(result["s"], x * 2)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="12 values, but the requested shape has 8"
    ):
        f(x=tf.constant(values(3, 4)))


def test_loops_and_branches_take_other_shapes(tmp_path):
    def grown(x):
        y = x
        for _ in tf.range(3):
            if tf.reduce_sum(y) > 0.0:
                y = y + tf.sin(x)
            else:
                y = y - x
        return {"y": tf.concat([y, x], 0)}

    f = loaded(grown, [2, 4], tmp_path)
    for shape in ([3, 4], [2, 5]):
        x = tf.constant(values(*shape))
        np.testing.assert_allclose(calls(f, x)["y"], tf.function(grown)(x)["y"], rtol=1e-6)
    assert not f.graph_function.executable.host_ops


def test_what_constants_forbid_is_refused(tmp_path):
    f = loaded(lambda x: {"y": x + tf.ones([2, 4])}, [2, 4], tmp_path)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"Incompatible shapes: \[3,4\] vs. \[2,4\]"
    ):
        f(x=tf.constant(values(3, 4)))
    np.testing.assert_array_equal(calls(f, tf.constant(values(1, 4)))["y"], values(1, 4) + np.ones([2, 4], "f"))  # fmt: skip


def test_variables_are_updated_once_per_call(tmp_path):
    module = tf.Module()
    module.total = tf.Variable(0.0)

    def add(x):
        module.total.assign_add(tf.reduce_sum(x))
        return {"y": module.total.read_value()}

    f = loaded(add, [2], tmp_path, module)
    results = [float(calls(f, tf.ones([n]))["y"]) for n in (2, 3, 3, 2)]
    assert results == [2.0, 5.0, 8.0, 10.0]


def test_random_streams_go_on_with_other_shapes(tmp_path):
    f = loaded(lambda x: {"y": tf.random.uniform([2], seed=3), "s": x + 1.0}, [2], tmp_path)
    tf.random.set_seed(1)
    expected = [f(x=tf.ones([2]))["y"].numpy() for _ in range(3)]
    tf.random.set_seed(1)
    results = [f(x=tf.ones([n]))["y"].numpy() for n in (2, 3, 2)]
    np.testing.assert_array_equal(results, expected)
