"""Kernels of TFLite broadcast a few axes, and abort beyond them: operands of more axes get the shape of the result."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(5)
FUNCTIONS = {
    "SQUARED_DIFFERENCE": tf.math.squared_difference,
    "FLOOR_MOD": tf.math.floormod,
    "LESS": lambda a, b: tf.cast(a < b, tf.float32),
    "POW": lambda a, b: tf.pow(tf.abs(a), b),
    "ATAN2": tf.atan2,
}


def _written(function, x, y, shape):
    specs = [tf.TensorSpec(shape, tf.float32, name="x"), tf.TensorSpec(y.shape, name="y")]
    concrete = tf.function(function).get_concrete_function(*specs)
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    (found,) = interpreter.get_signature_runner()(x=x, y=y).values()
    np.testing.assert_allclose(found, function(tf.constant(x), tf.constant(y)), rtol=1e-5)
    return [operator["op_name"] for operator in interpreter._get_ops_details()]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("is_open", [False, True])
def test_operands_of_five_axes(name, is_open):
    x = RANDOM.uniform(0.5, 2, (2, 3, 1, 2, 2)).astype(np.float32)
    y = RANDOM.uniform(0.5, 2, (3, 2, 1, 2)).astype(np.float32)
    shape = [None, *x.shape[1:]] if is_open else x.shape
    names = _written(FUNCTIONS[name], x, y, shape)
    assert names[-2:] == [name, "CAST"] if name == "LESS" else names[-1] == name
    assert names.count("BROADCAST_TO") == 2
    assert names.count("BROADCAST_ARGS") == is_open


def test_what_kernels_broadcast_stays():
    x, y = np.ones((2, 1, 3, 4), np.float32), np.ones((3, 1, 1), np.float32)
    assert "BROADCAST_TO" not in _written(FUNCTIONS["SQUARED_DIFFERENCE"], x, y, x.shape)
    x = np.ones((2, 1, 3, 2, 4), np.float32)
    assert "BROADCAST_TO" not in _written(lambda a, b: a * b, x, y, x.shape)
    assert "BROADCAST_TO" not in _written(tf.math.squared_difference, x, x, x.shape)
