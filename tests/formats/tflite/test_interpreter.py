"""tf.lite.Interpreter: details, resizing, views, signatures, and TensorFlow's errors."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf

MODEL = Path(__file__).parent / "recorded" / "cnn_float.tflite"
QUANTIZED = MODEL.with_name("cnn_int8io.tflite")


@pytest.fixture
def interpreter():
    made = tf.lite.Interpreter(model_path=MODEL)
    made.allocate_tensors()
    return made


def _index(interpreter) -> int:
    return interpreter.get_input_details()[0]["index"]


def test_details_of_an_input(interpreter):
    (detail,) = interpreter.get_input_details()
    assert detail["name"] == "serving_default_keras_tensor:0"
    assert detail["shape"].tolist() == [1, 28, 28, 1]
    assert detail["shape_signature"].tolist() == [-1, 28, 28, 1]
    assert detail["dtype"] is np.float32
    assert detail["quantization"] == (0.0, 0)


def test_details_of_quantized_tensors():
    interpreter = tf.lite.Interpreter(model_content=QUANTIZED.read_bytes())
    (detail,) = interpreter.get_input_details()
    scale, zero = detail["quantization"]
    assert detail["dtype"] is np.int8
    assert detail["quantization_parameters"]["scales"].tolist() == [scale]
    assert detail["quantization_parameters"]["zero_points"].tolist() == [zero]
    channels = [
        d for d in interpreter.get_tensor_details()
        if len(d["quantization_parameters"]["scales"]) == 16
    ]  # fmt: skip
    assert channels[0]["quantization"] == (0.0, 0)


def test_resizing_changes_the_outputs_shape(interpreter):
    interpreter.resize_tensor_input(_index(interpreter), [4, 28, 28, 1])
    interpreter.allocate_tensors()
    assert interpreter.get_output_details()[0]["shape"].tolist() == [4, 10]
    interpreter.invoke()
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(output.sum(axis=1), np.ones(4), rtol=1e-5)


def test_strict_resizing_keeps_known_sizes(interpreter):
    with pytest.raises(RuntimeError, match="dimension 1 of tensor 0 with value 28 to 27"):
        interpreter.resize_tensor_input(_index(interpreter), [1, 27, 28, 1], strict=True)


def test_a_view_of_the_input_is_written_in_place(interpreter):
    output = interpreter.get_output_details()[0]["index"]
    interpreter.invoke()
    dark = interpreter.get_tensor(output)
    interpreter.tensor(_index(interpreter))()[...] = 1.0
    interpreter.invoke()
    assert not np.array_equal(interpreter.get_tensor(output), dark)


def test_no_view_may_be_held_while_the_model_runs(interpreter):
    view = interpreter.tensor(_index(interpreter))()
    with pytest.raises(RuntimeError, match="at least 1 reference to internal data"):
        interpreter.invoke()
    del view
    interpreter.invoke()


def test_a_signature_takes_names_and_any_batch(interpreter):
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["keras_tensor"], "outputs": ["output_0"]}
    }
    runner = interpreter.get_signature_runner()
    outputs = runner(keras_tensor=np.zeros((3, 28, 28, 1), np.float32))
    assert outputs["output_0"].shape == (3, 10)
    with pytest.raises(ValueError, match="Invalid Input name"):
        runner(image=np.zeros((3, 28, 28, 1), np.float32))
    with pytest.raises(ValueError, match='Invalid signature_key provided: "train"'):
        interpreter.get_signature_runner("train")


def test_intermediate_results_are_kept_on_demand():
    interpreter = tf.lite.Interpreter(MODEL, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    interpreter.invoke()
    relu = next(d for d in interpreter.get_tensor_details() if "Relu;" in d["name"])
    assert interpreter.get_tensor(relu["index"]).shape == tuple(relu["shape"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((1, 28, 28, 1)), "Got value of type FLOAT64 but expected type FLOAT32"),
        (np.zeros((28, 28, 1), np.float32), "Got 3 but expected 4 for input 0"),
        (np.zeros((2, 28, 28, 1), np.float32), "Got 2 but expected 1 for dimension 0"),
    ],
)
def test_inputs_of_other_types_and_shapes_are_refused(interpreter, value, message):
    with pytest.raises(ValueError, match=message):
        interpreter.set_tensor(_index(interpreter), value)


def test_a_model_must_be_allocated_first():
    interpreter = tf.lite.Interpreter(MODEL)
    with pytest.raises(RuntimeError, match="Invoke called on model that is not ready"):
        interpreter.invoke()
    with pytest.raises(ValueError, match="Tensor data is null"):
        interpreter.get_tensor(0)
    with pytest.raises(ValueError, match="Tensor is unallocated"):
        interpreter.set_tensor(0, np.zeros((1, 28, 28, 1), np.float32))


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(ValueError, match="Could not open"):
        tf.lite.Interpreter(str(tmp_path / "none.tflite"))
    with pytest.raises(ValueError, match="expected the identifier"):
        tf.lite.Interpreter(model_content=b"something else, and not a model")
    with pytest.raises(ValueError, match="must be specified"):
        tf.lite.Interpreter()
