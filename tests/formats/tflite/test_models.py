"""Models that TensorFlow converted give the values of TensorFlow's reference kernels."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats import table

FOLDER = Path(__file__).parent / "recorded"
VALUES = np.load(FOLDER / "values.npz")


def _interpreter(name: str) -> tf.lite.Interpreter:
    interpreter = tf.lite.Interpreter(str(FOLDER / f"{name}.tflite"))
    for i, detail in enumerate(interpreter.get_input_details()):
        interpreter.resize_tensor_input(detail["index"], VALUES[f"{name}_in{i}"].shape)
    interpreter.allocate_tensors()
    for i, detail in enumerate(interpreter.get_input_details()):
        interpreter.set_tensor(detail["index"], VALUES[f"{name}_in{i}"])
    return interpreter


def _result(interpreter: tf.lite.Interpreter) -> np.ndarray:
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("name", ["cnn_float", "cnn_dyn", "lstm_float"])
def test_float_results(name):
    result = _result(_interpreter(name))
    # Sums in another order: some units in the last place of values below 1.
    np.testing.assert_allclose(result, VALUES[f"{name}_out0"], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["cnn_int8io", "unet_int8", "attn_int8"])
def test_int8_results_to_the_bit(name):
    np.testing.assert_array_equal(_result(_interpreter(name)), VALUES[f"{name}_out0"])


def test_int16_results_within_a_step():
    interpreter = _interpreter("cnn_16x8")
    step = 1 / 32768  # of the softmax at the end
    np.testing.assert_allclose(_result(interpreter), VALUES["cnn_16x8_out0"], atol=1.01 * step)


def test_a_model_as_functions_for_any_batch():
    model = table.read(str(FOLDER / "cnn_float.tflite"))
    function = model.signatures["serving_default"]
    images = VALUES["cnn_float_in0"]
    found = function(tf.constant(images))["output_0"]
    np.testing.assert_allclose(found, VALUES["cnn_float_out0"], atol=1e-6)
    again = function(tf.constant(images[:1]))["output_0"]
    np.testing.assert_allclose(again, VALUES["cnn_float_out0"][:1], atol=1e-6)


def test_weights_of_a_model_can_be_trained():
    model = table.read(str(FOLDER / "cnn_float.tflite"), trainable=True)
    function = model.signatures["serving_default"]
    images = tf.constant(VALUES["cnn_float_in0"])
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(tf.math.log(function(images)["output_0"][:, 3]))
    gradients = tape.gradient(loss, model.root.weights)
    assert len(gradients) == len(model.root.weights) >= 7
    assert all(g is None or np.all(np.isfinite(g)) for g in gradients)
    before = float(loss)
    for weight, gradient in zip(model.root.weights, gradients, strict=True):
        if gradient is not None:
            weight.assign_sub(0.05 * gradient)
    assert float(-tf.reduce_sum(tf.math.log(function(images)["output_0"][:, 3]))) < before
