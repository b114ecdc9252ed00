"""Expressions that are one builtin op of TFLite, in all their arrangements."""

import math

import numpy as np
import pytest

import penstock as tf

ALPHA = np.float32([0.5, -0.25, 2.0])
HALF_PI = math.sqrt(2 / math.pi)
ONE_OP = [
    ("HARD_SWISH", lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6)),
    ("HARD_SWISH", lambda x: (1 / 6) * (tf.nn.relu6(3.0 + x) * x)),
    ("HARD_SWISH", lambda x: x * (tf.nn.relu6(x + 3.0) / 6.0)),
    ("PRELU", lambda x: tf.nn.relu(x) - ALPHA * tf.nn.relu(-x)),
    ("PRELU", lambda x: -ALPHA * tf.nn.relu(-x) + tf.nn.relu(x)),
    ("RELU_N1_TO_1", lambda x: tf.clip_by_value(x, -1.0, 1.0)),
    ("RELU_N1_TO_1", lambda x: tf.minimum(tf.maximum(-1.0, x), 1.0)),
    ("GELU", tf.nn.gelu),
    ("GELU", lambda x: tf.nn.gelu(x, approximate=True)),
    ("GELU", lambda x: 0.5 * x * (1.0 + tf.math.erf(x / math.sqrt(2)))),
    ("GELU", lambda x: x * ((tf.math.erf(x * math.sqrt(0.5)) + 1.0) * 0.5)),
    ("GELU", lambda x: x * 0.5 * (1.0 + tf.tanh(HALF_PI * (x + 0.044715 * tf.pow(x, 3.0))))),
]
SEVERAL = [
    lambda x: x * tf.nn.relu6(x + 2.0) * (1 / 6),
    lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 5),
    lambda x: (x + 1.0) * tf.nn.relu6(x + 3.0) * (1 / 6),
    lambda x: tf.nn.relu(x) - ALPHA * tf.nn.relu(x),
    lambda x: tf.minimum(tf.maximum(x, -1.0), 2.0),
    lambda x: 0.5 * x * (1.0 + tf.math.erf(x)),
    lambda x: x[0] * tf.nn.relu6(x + 3.0) * (1 / 6),
    lambda x: tf.minimum(tf.maximum(x[0], -1.0), np.ones([1, 1], np.float32)),
]


def _converted(function):
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([4, 3], tf.float32))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    x = np.random.default_rng(0).normal(size=[4, 3]).astype(np.float32) * 3
    (found,) = interpreter.get_signature_runner()(**{concrete.argument_names[0]: x}).values()
    expected = function(tf.constant(x))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    return [operation["op_name"] for operation in interpreter._get_ops_details()]


@pytest.mark.parametrize("name, function", ONE_OP)
def test_an_expression_is_one_op(name, function):
    assert _converted(function) == [name]


@pytest.mark.parametrize("function", SEVERAL)
def test_a_similar_expression_is_several_ops(function):
    names = {name for name, _ in ONE_OP}
    assert names.isdisjoint(_converted(function))


def test_a_part_that_something_else_reads_stays():
    def both(x):
        gate = tf.nn.relu6(x + 3.0)
        return gate + x * gate * (1 / 6)

    assert _converted(both) == ["ADD", "HARD_SWISH", "ADD"]
    assert _converted(lambda x: x * tf.sigmoid(1.0 * x)) == ["LOGISTIC", "MUL"]
    assert _converted(lambda x: tf.clip_by_value(x + 0.5, -1.0, 1.0)) == ["ADD"]
    with pytest.raises(tf.errors.UnimplementedError, match="Erfc"):
        _converted(tf.math.erfc)


@pytest.mark.parametrize("padding, strides", [("VALID", 1), ("SAME", 2)])
def test_transposed_convolutions_of_volumes(padding, strides):
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=[2, 3, 3, 4, 3]).astype(np.float32)
    x = rng.normal(size=[2, 3, 4, 4, 3]).astype(np.float32)
    sizes = [
        n * strides if padding == "SAME" else n + k - 1
        for n, k in zip(x.shape[1:4], [2, 3, 3], strict=True)
    ]

    def function(x):
        shape = tf.stack([tf.shape(x)[0], *sizes, 4])
        y = tf.nn.conv3d_transpose(x, kernel, shape, strides, padding)
        return tf.nn.relu(y + np.float32([0.5, 0, 1, -1]))

    spec = tf.TensorSpec([None, *x.shape[1:]], tf.float32, "x")
    concrete = tf.function(function).get_concrete_function(spec)
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, function(tf.constant(x)), rtol=1e-4, atol=1e-5)
