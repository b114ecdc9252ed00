"""Convolutions of small integers with fused epilogues; expected numbers are TensorFlow's, with oneDNN."""

import numpy as np
import pytest

import penstock as tf

# Op, whether the input is signed, type of the bias, the first results, the upper ends of their range.
EXPECTED = [
    ("QuantizedConv2DAndReluAndRequantize", False, "float32", [0, 5, 0, 0, 0, 0], [10.0]),
    ("QuantizedConv2DAndRelu", False, "float32", [0, 4874, 0, 0, 0, 0], [80236.38]),
    ("QuantizedConv2DAndRequantize", False, "float32", [-54, 3, -41, -11, -33, -3], [10.0]),
    (
        "QuantizedConv2DPerChannel",
        False,
        "float32",
        [-103353, 3249, -78887, -14730, -63891, -3963],
        [80236.38, 54706.62],
    ),
    ("QuantizedConv2DWithBiasAndReluAndRequantize", False, "float32", [0, 12, 0, 0, 3, 1], [10.0]),
    ("QuantizedConv2DWithBiasAndReluAndRequantize", False, "qint32", [0, 17, 0, 0, 0, 6], [10.0]),
    (
        "QuantizedConv2DWithBiasAndReluAndRequantize",
        True,
        "float32",
        [16, 44, 66, 0, 97, 22],
        [10.0],
    ),
    ("QuantizedConv2DWithBiasAndRelu", False, "float32", [0, 11794, 0, 0, 2606, 975], [80236.38]),
    (
        "QuantizedConv2DWithBiasAndRelu",
        True,
        "float32",
        [7457, 21077, 31713, 0, 46694, 10380],
        [146458.67],
    ),
    ("QuantizedConv2DWithBiasAndRequantize", False, "float32", [-19, 6, -6, -8, 1, 1], [10.0]),
    ("QuantizedConv2DWithBiasAndRequantize", False, "qint32", [-66, 8, -53, -5, -46, 3], [10.0]),
    ("QuantizedConv2DWithBiasAndRequantize", True, "float32", [8, 22, 33, -6, 49, 11], [10.0]),
    (
        "QuantizedConv2DWithBias",
        False,
        "float32",
        [-36856, 11794, -12390, -15175, 2606, 975],
        [80236.38],
    ),
    (
        "QuantizedConv2DWithBias",
        True,
        "float32",
        [7457, 21077, 31713, -5655, 46694, 10380],
        [146458.67],
    ),
    (
        "QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize",
        False,
        "float32",
        [0, 105, 0, 96, 0, 93],
        [10.0],
    ),
    (
        "QuantizedDepthwiseConv2DWithBiasAndRelu",
        False,
        "float32",
        [0, 101225, 0, 92119, 0, 89924],
        [80236.38],
    ),
    (
        "QuantizedDepthwiseConv2DWithBias",
        False,
        "float32",
        [-53643, 101225, -51028, 92119, -34904, 89924],
        [80236.38],
    ),
    (
        "QuantizedDepthwiseConv2D",
        False,
        "float32",
        [-44183, 650, -41568, -8456, -25444, -10651],
        [80236.38],
    ),
]


def arguments(name, signed, bias):
    generator = np.random.default_rng(0)
    pick = generator.integers
    low, high = (-127, 128) if signed else (0, 256)
    multiplier = 1 if "Depthwise" in name else 2
    per_channel = "PerChannel" in name
    given = {
        "input": tf.constant(pick(low, high, (1, 4, 4, 2)), tf.qint8 if signed else tf.quint8),
        "filter": tf.constant(pick(-127, 128, (2, 2, 2, multiplier)), tf.qint8),
        "min_input": -0.9 if signed else 0.0,
        "max_input": 1.1,
        "min_filter": [-1.2, -0.7] if per_channel else -1.2,
        "max_filter": [1.0, 0.8] if per_channel else 1.0,
    }
    if "WithBias" in name:
        floats = bias == "float32"
        given["bias"] = tf.constant(
            generator.normal(size=2) * 3 if floats else pick(-50000, 50000, 2), bias
        )
    if "Requantize" in name:
        given |= {"min_freezed_output": -9.0, "max_freezed_output": 10.0}
    return given


@pytest.mark.parametrize("name, signed, bias, first, ends", EXPECTED)
def test_results_and_ranges(name, signed, bias, first, ends):
    op = getattr(tf.raw_ops, name)
    made = op(**arguments(name, signed, bias), strides=[1, 1, 1, 1], padding="VALID")
    assert np.ravel(made.output)[:6].tolist() == first
    np.testing.assert_allclose(np.ravel(made.max_output), ends, rtol=1e-6)


def test_shapes_are_known_in_graphs():
    op = tf.raw_ops.QuantizedDepthwiseConv2D

    @tf.function
    def traced(image):
        given = arguments("QuantizedDepthwiseConv2D", False, "") | {"input": image}
        return op(**given, strides=[1, 2, 2, 1], padding="SAME")

    graph = traced.get_concrete_function(tf.TensorSpec([None, 5, 5, 2], tf.quint8))
    assert graph.output_shapes[0].as_list() == [None, 3, 3, 2]
