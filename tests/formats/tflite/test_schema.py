"""Records of a TFLite file: written, read back, and refused where the file is damaged."""

import numpy as np
import pytest

from penstock._src.formats.tflite.schema import (
    SCHEMA,
    ModelFileError,
    Record,
    decode_model,
    encode_model,
)


def _model() -> Record:
    quantization = SCHEMA["QuantizationParameters"](
        scale=[0.5, 0.25], zero_point=[0, -3], quantized_dimension=1
    )
    tensor = SCHEMA["Tensor"](
        name="grüße", shape=[2, 3], type=9, buffer=1, quantization=quantization
    )
    options = SCHEMA["Conv2DOptions"](stride_w=2, stride_h=1, dilation_w_factor=3)
    operator = SCHEMA["Operator"](
        inputs=[0, 0, -1], outputs=[0], builtin_options=options, mutating_variable_inputs=[True]
    )
    graph = SCHEMA["SubGraph"](tensors=[tensor], operators=[operator], inputs=[0], outputs=[0])
    return SCHEMA["Model"](
        version=3,
        operator_codes=[SCHEMA["OperatorCode"](builtin_code=3, version=5)],
        subgraphs=[graph],
        buffers=[SCHEMA["Buffer"](), SCHEMA["Buffer"](data=bytes(range(6)))],
    )


def test_a_model_is_read_as_it_was_written():
    model = decode_model(encode_model(_model()), "model.tflite")
    graph = model.subgraphs[0]
    tensor, operator = graph.tensors[0], graph.operators[0]
    assert (tensor.name, tensor.type, list(tensor.shape)) == ("grüße", 9, [2, 3])
    np.testing.assert_array_equal(tensor.quantization.scale, np.float32([0.5, 0.25]))
    assert tensor.quantization.zero_point.tolist() == [0, -3]
    assert operator.inputs.tolist() == [0, 0, -1]
    assert operator.builtin_options.TABLE.name == "Conv2DOptions"
    assert operator.builtin_options.dilation_w_factor == 3
    assert operator.builtin_options.dilation_h_factor == 1  # the schema's default
    assert operator.builtin_options2 is None
    assert model.operator_codes[0].version == 5
    assert bytes(model.buffers[1].data) == bytes(range(6))
    assert model.buffers[0].data is None


def test_buffers_are_aligned_to_16_bytes():
    data = encode_model(_model())
    buffer = decode_model(data, "model.tflite").buffers[1].data
    start = buffer.__array_interface__["data"][0]
    whole = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    assert (start - whole) % 16 == 0


def test_another_file_is_refused_by_name():
    with pytest.raises(ModelFileError, match="notes.txt: expected the identifier b'TFL3'"):
        decode_model(b"hello, world", "notes.txt")


def test_a_cut_file_names_the_place():
    data = encode_model(_model())
    with pytest.raises(ModelFileError, match=r"m.tflite: Model\.\w+.* at byte \d+"):
        decode_model(data[: len(data) // 2], "m.tflite")


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match="Tensor has no field 'shap'"):
        SCHEMA["Tensor"](shap=[1])
