"""What code may name of formats that nothing is written in yet, against TensorFlow 2.21."""

import pytest

import penstock as tf

missing = pytest.raises(tf.errors.UnimplementedError, match="is not implemented")


def test_models_to_convert_are_checked(tmp_path):
    lite = tf.lite
    function = tf.function(lambda x: x * 2, autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec([2]))
    converter = lite.TFLiteConverter.from_concrete_functions([concrete])
    assert converter.target_spec.supported_ops == {lite.OpsSet.TFLITE_BUILTINS}
    converter.target_spec.supported_ops = [lite.OpsSet.SELECT_TF_OPS]
    assert converter.convert()[4:8] == b"TFL3"
    with pytest.raises(ValueError, match="takes in a list of ConcreteFunction"):
        lite.TFLiteConverter.from_concrete_functions([function])
    with pytest.raises(OSError):
        lite.TFLiteConverter.from_saved_model(str(tmp_path))
    with pytest.raises(ValueError, match="must be specified"):
        lite.Interpreter()
    with pytest.raises(ValueError, match="expected the identifier"):
        lite.Interpreter(model_content=b"model")
    doubled = lite.experimental.authoring.compatible(function)
    assert float(doubled(tf.constant(2.0))) == 4.0
    with missing:
        lite.experimental.authoring.compatible(function, raise_exception=True)


def test_other_compilers_are_missing():
    with missing:
        tf.mlir.experimental.write_bytecode("module.mlirbc", "module {}")
    assert tf.experimental.tensorrt.ConversionParams().precision_mode == "FP32"
    with pytest.raises(RuntimeError, match="without|not been built with TensorRT"):
        tf.experimental.tensorrt.Converter("model")


def test_samples_of_inputs_are_written(tmp_path):
    make = tf.quantization.experimental.TfRecordRepresentativeDatasetSaver
    path = str(tmp_path / "samples")
    (file,) = make({"serve": path}).save({"serve": [{"x": tf.constant([1.0])}] * 2}).values()
    assert file.tfrecord_file_path == path
    assert len(list(tf.data.TFRecordDataset(path))) == 2
    options = tf.quantization.experimental.QuantizationOptions(signature_keys=["serve"])
    options.representative_datasets["serve"].CopyFrom(file)
    with pytest.raises(ValueError, match="does not exist in the provided path_map"):
        make({"serve": path}).save({"other": []})
    with pytest.raises(KeyError, match="Invalid input keys"):
        make({"serve": path}, {"serve": ["x"]}).save({"serve": [{"y": 1.0}]})
    with pytest.raises(OSError, match="does not exist"):
        tf.quantization.experimental.quantize_saved_model(str(tmp_path))
