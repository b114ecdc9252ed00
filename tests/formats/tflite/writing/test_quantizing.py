"""Ops in models of integers: as many steps from the float model as their results have, and floats where integers would be far off."""

import logging

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(7)


SIXTEEN = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def _interpreter(function, x, kind=tf.lite.OpsSet.TFLITE_BUILTINS_INT8):
    spec = tf.TensorSpec(x.shape, tf.float32, name="x")
    concrete = tf.function(function).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: [[x]]
    converter.target_spec.supported_ops = [kind]
    return tf.lite.Interpreter(model_content=converter.convert())


def _result(interpreter, x):
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _kinds(interpreter):
    """The dtypes of the first input of floats or steps and of the first output of each op."""
    types = {d["index"]: d["dtype"] for d in interpreter.get_tensor_details()}
    numbers = (np.float32, np.int8, np.int16)
    return {
        operator["op_name"]: (
            next((types[i] for i in operator["inputs"] if types.get(i) in numbers), None),
            types[operator["outputs"][0]],
        )
        for operator in interpreter._get_ops_details()
    }


# Functions of a (2, 8) tensor of numbers from -2 to 2, and the steps of the result's range that integers may be off.
OF_INTEGERS = {
    "ABS": (tf.abs, 2),
    "EXP": (tf.exp, 3),
    "LOG": (lambda x: tf.math.log(x + 3.0), 3),
    "SQRT": (lambda x: tf.sqrt(x + 3.0), 3),
    "LOG_SOFTMAX": (tf.nn.log_softmax, 3),
    "MAXIMUM": (lambda x: tf.maximum(x, -x[:, ::-1]), 2),
    "MINIMUM": (lambda x: tf.minimum(x, 0.5), 2),
    "SELECT_V2": (lambda x: tf.where(x > 3.0, x, x * 0.5), 2),
    "SUM": (lambda x: tf.reduce_sum(x, 1), 3),
    "REDUCE_MAX": (lambda x: tf.reduce_max(x, 1), 1),
    "REDUCE_MIN": (lambda x: tf.reduce_min(x, 1), 1),
    "REDUCE_PROD": (lambda x: tf.reduce_prod(x[:, :2], 1), 5),
    "MIRROR_PAD": (lambda x: tf.pad(x, [[0, 0], [1, 2]], "REFLECT"), 1),
    "REVERSE_V2": (lambda x: tf.reverse(x, [1]), 1),
    "TOPK_V2": (lambda x: tf.math.top_k(x, 3).values, 1),
    "SPACE_TO_BATCH_ND": (
        lambda x: tf.space_to_batch(tf.reshape(x, [1, 4, 4, 1]), [2, 2], [[0, 0], [0, 2]]),
        1,
    ),
    "GATHER_ND": (lambda x: tf.gather_nd(x, [[0, 1], [1, 2]]), 1),
    "SPLIT_V": (lambda x: tf.split(x, [3, 5], 1)[1], 1),
    "HARD_SWISH": (lambda x: x * tf.nn.relu6(x + 3.0) / 6.0, 2),
    "PRELU": (lambda x: tf.nn.relu(x) - np.linspace(0.1, 0.8, 8).astype("f") * tf.nn.relu(-x), 2),
    "RELU_N1_TO_1": (lambda x: tf.clip_by_value(x, -1.0, 1.0), 2),
    "L2_NORMALIZATION": (lambda x: tf.math.l2_normalize(x, -1), 2),
}


@pytest.mark.parametrize("name", OF_INTEGERS)
def test_ops_of_integers(name):
    function, steps = OF_INTEGERS[name]
    x = RANDOM.uniform(-2, 2, (2, 8)).astype(np.float32)
    interpreter = _interpreter(function, x)
    assert _kinds(interpreter)[name] == (np.int8, np.int8)
    wanted = np.asarray(function(tf.constant(x)))
    step = max(np.ptp(wanted), np.abs(wanted).max()) / 255
    np.testing.assert_allclose(_result(interpreter, x), wanted, atol=steps * step)


def test_comparisons_and_places_of_integers():
    def function(x):
        return tf.cast(tf.argmax(x, 1), tf.float32), tf.cast(x > 0.5, tf.float32)

    x = np.array([[0.1, 1.9, -2.0], [0.7, 0.0, 0.2]], np.float32)
    interpreter = _interpreter(function, x)
    kinds = _kinds(interpreter)
    assert (kinds["ARG_MAX"], kinds["GREATER"]) == ((np.int8, np.int64), (np.int8, np.bool_))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    places, greater = (interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details())
    assert places.tolist() == [1, 0]
    np.testing.assert_array_equal(greater, x > 0.5)


def test_clipped_values_have_the_range_of_the_result():
    x = np.linspace(-8, 8, 64, dtype=np.float32).reshape(1, 64)
    clipped = _interpreter(lambda x: tf.clip_by_value(x * 2.0, -0.5, 0.75), x)
    expected = np.clip(x * 2, np.float32(-0.5), np.float32(0.75))
    assert np.abs(_result(clipped, x) - expected).max() < 1.25 / 255

    def read_twice(x):
        y = x * 2.0
        return tf.concat([tf.minimum(y, 0.25), y], 1)

    wide = np.concatenate([np.minimum(x * 2, 0.25), x * 2], 1)
    assert np.abs(_result(_interpreter(read_twice, x), x) - wide).max() < 2 * 32 / 255


def test_the_value_of_an_input_is_returned_as_it_is():
    x = RANDOM.normal(size=[2, 8]).astype(np.float32)
    np.testing.assert_array_equal(_result(_interpreter(lambda x: x, x), x), x)
    assert _kinds(_interpreter(lambda x: tf.reshape(x * x, [16]), x))["RESHAPE"] == (np.int8,) * 2


def test_ops_without_kernels_of_integers_stay_on_floats(caplog):
    x = RANDOM.uniform(-2, 2, (2, 8)).astype(np.float32)
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        interpreter = _interpreter(lambda x: tf.exp(tf.sin(x)), x)
    kinds = _kinds(interpreter)
    assert kinds["SIN"] == (np.float32, np.float32)
    assert kinds["EXP"] == (np.int8, np.int8)
    assert "SIN" in caplog.text
    np.testing.assert_allclose(_result(interpreter, x), np.exp(np.sin(x)), atol=0.05)


def test_quotients_by_constants_are_products():
    x = RANDOM.uniform(-2, 2, (2, 8)).astype(np.float32)
    interpreter = _interpreter(lambda x: tf.nn.relu(x / tf.range(1.0, 9.0)), x)
    assert _kinds(interpreter)["MUL"] == (np.int8, np.int8)
    wanted = np.maximum(x / np.arange(1, 9), 0)
    np.testing.assert_allclose(_result(interpreter, x), wanted, atol=0.04)


def test_masked_attention_has_a_scale_for_what_is_not_masked():
    """The numbers instead of minus infinity stay floats, and what reads them."""
    mask = tf.linalg.band_part(tf.ones([8, 8]), -1, 0) > 0

    def function(x):
        scores = tf.where(mask, tf.matmul(x, x, transpose_b=True), -1e9)
        return tf.matmul(tf.nn.softmax(scores), x)

    x = RANDOM.uniform(-2, 2, (8, 8)).astype(np.float32)
    interpreter = _interpreter(function, x)
    assert _kinds(interpreter)["BATCH_MATMUL"] == (np.int8, np.int8)
    np.testing.assert_allclose(_result(interpreter, x), function(x), atol=0.1)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("TILE", lambda x: tf.tile(x, [1, 1, 2, 1, 1])),
        ("MUL", lambda x: x * x),  # its kernel of int16 has four axes
        ("REDUCE_MAX", lambda x: tf.reduce_max(x, 1)),
    ],
)
def test_ops_without_kernels_of_int16_stay_on_floats(name, function):
    x = RANDOM.uniform(-2, 2, (1, 2, 3, 2, 2)).astype(np.float32)
    interpreter = _interpreter(function, x, SIXTEEN)
    assert _kinds(interpreter)[name] == (np.float32, np.float32)
    np.testing.assert_allclose(_result(interpreter, x), function(x), atol=1e-3)


def test_sums_of_int16_have_any_scales():
    """Scales that happen to be powers of two do not choose the kernel that shifts."""
    x = np.array([[1.0, -0.5]], np.float32) * np.float32(32767 / 32768)
    interpreter = _interpreter(lambda x: x * 0.5 + x * 0.25, x, SIXTEEN)
    assert _kinds(interpreter)["ADD"] == (np.int16, np.int16)
    np.testing.assert_allclose(_result(interpreter, x), x * 0.75, atol=1e-4)


def _trained(x, ends=True):
    """A layer whose tensors training has given ranges, or the first one of two."""
    fake = tf.quantization.fake_quant_with_min_max_vars
    weights = RANDOM.uniform(-2, 2, (8, 8)).astype(np.float32)
    rows = tf.reshape(tf.nn.relu(tf.matmul(fake(x, -2.0, 2.0), weights)), [-1, 4])
    rows = fake(rows, 0.0, 20.0)
    return rows if ends else tf.matmul(tf.sin(tf.matmul(rows, weights[:4])), weights)


@pytest.mark.parametrize("ends", [True, False])
def test_a_model_trained_for_integers_needs_no_samples(ends):
    x = RANDOM.uniform(-2, 2, (2, 8)).astype(np.float32)
    concrete = tf.function(lambda x: _trained(x, ends)).get_concrete_function(
        tf.TensorSpec(x.shape, tf.float32, name="x")
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    kinds = _kinds(interpreter)
    # Weights without a range would be floats: then inputs are quantized as the model runs.
    assert kinds["FULLY_CONNECTED"] == ((np.int8, np.int8) if ends else (np.float32, np.float32))
    assert ("FAKE_QUANT" in kinds) is not ends
    if ends:
        wanted = concrete(tf.constant(x))
        np.testing.assert_allclose(_result(interpreter, x), wanted, atol=1.01 * 20 / 255)
