"""Models that ONNX Runtime's own optimizer and quantizers have written: read here, beside ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

import penstock as tf
from penstock._src.formats.model import of_function
from penstock._src.formats.onnx.reading.model import read
from penstock._src.formats.onnx.writing.model import model_proto
from tests.formats.onnx.runtime import concrete

IMAGES = np.random.default_rng(0).normal(size=(2, 12, 10, 3)).astype(np.float32)
ROWS = np.random.default_rng(1).normal(size=(4, 16)).astype(np.float32)


def weight(*shape, seed):
    drawn = np.random.default_rng(seed).normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
    return tf.constant(drawn.astype(np.float32))


def convolutional(x):
    y = tf.nn.leaky_relu(tf.nn.conv2d(x, weight(3, 3, 3, 8, seed=2), 1, "SAME"), 0.1)
    z = tf.nn.conv2d(y, weight(3, 3, 8, 8, seed=3), 1, "SAME")
    y = tf.nn.relu(y + z)
    y = tf.nn.avg_pool2d(y, 2, 2, "VALID")
    y = tf.concat([y, tf.sigmoid(y)], 3)
    return tf.reduce_mean(y, [1, 2]) @ weight(16, 5, seed=4)


def perceptron(x):
    y = tf.nn.relu(x @ weight(16, 64, seed=2) + weight(64, seed=5))
    return y @ weight(64, 8, seed=3) + 1.0


def written(function, x, path):
    contents = model_proto(of_function(concrete(function, [x]))).SerializeToString()
    path.write_bytes(contents)
    return str(path)


def session(path, **options):
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    for name, value in options.items():
        setattr(settings, name, value)
    return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])


def operators(path):
    import onnx

    return {n.op_type for n in onnx.load(path).graph.node if n.domain == "com.microsoft"}


def same(path, x, atol):
    (expected,) = session(path).run(None, {"x0": x})
    (found,) = read(path).signatures["serving_default"](x0=tf.constant(x)).values()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=atol)


class Samples(CalibrationDataReader):
    def __init__(self, x):
        self._left = iter([{"x0": x}])

    def get_next(self):
        return next(self._left, None)


@pytest.mark.parametrize(("function", "x"), [(convolutional, IMAGES), (perceptron, ROWS)])
def test_optimized_models(function, x, tmp_path):
    path = written(function, x, tmp_path / "plain.onnx")
    fused = str(tmp_path / "fused.onnx")
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session(path, graph_optimization_level=level, optimized_model_filepath=fused)
    assert operators(fused)
    same(fused, x, atol=1e-4)


# Weights of 7 bits: see `weights_of_7_bits`.
@pytest.mark.parametrize("kind", [QuantType.QUInt8, QuantType.QInt8])
@pytest.mark.parametrize(("function", "x"), [(convolutional, IMAGES), (perceptron, ROWS)])
def test_quantized_models(function, x, kind, tmp_path):
    path = written(function, x, tmp_path / "plain.onnx")
    quantized = str(tmp_path / "quantized.onnx")
    settings = {"activation_type": kind, "weight_type": QuantType.QInt8, "reduce_range": True}
    quantize_static(path, quantized, Samples(x), QuantFormat.QOperator, **settings)
    if function is convolutional:
        assert {"QLinearAdd", "QLinearLeakyRelu", "QLinearConcat"} <= operators(quantized)
    (plain,) = session(path).run(None, {"x0": x})
    same(quantized, x, atol=2 * np.ptp(plain) / 255)


def test_products_quantized_at_run_time(tmp_path):
    path = written(perceptron, ROWS, tmp_path / "plain.onnx")
    quantized, fused = str(tmp_path / "quantized.onnx"), str(tmp_path / "fused.onnx")
    quantize_dynamic(path, quantized, reduce_range=True)
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session(quantized, graph_optimization_level=level, optimized_model_filepath=fused)
    assert "DynamicQuantizeMatMul" in operators(fused)
    same(fused, ROWS, atol=1e-4)
