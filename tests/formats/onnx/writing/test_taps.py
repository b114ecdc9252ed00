"""Convolutions of float64 run in ONNX Runtime, which has no kernel of its own for them."""

import numpy as np
import pytest

import penstock as tf
from tests.formats.onnx.runtime import check, concrete

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
random = np.random.default_rng(4)


@pytest.mark.parametrize(
    ("padding", "strides", "dilations"),
    [("SAME", [1, 1], 1), ("SAME", [2, 3], 1), ("VALID", [2, 1], 1), ("VALID", [1, 1], 2)],
)
@pytest.mark.parametrize("inner", [4, 1])
def test_convolutions_of_doubles(padding, strides, dilations, inner):
    x, filters = random.normal(size=(2, 9, 8, 4)), random.normal(size=(3, 2, inner, 4))
    function = lambda x: tf.nn.conv2d(x, filters, strides, padding, dilations=dilations)  # noqa: E731
    proto = check(concrete(function, [x]), [x], 1e-12, 1e-12)
    assert "Conv" not in {node.op_type for node in proto.graph.node}


def test_convolutions_of_volumes_and_rows():
    x, filters = random.normal(size=(1, 4, 5, 6, 2)), random.normal(size=(2, 3, 1, 2, 3))
    function = lambda x: tf.nn.conv3d(x, filters, [1, 1, 2, 1, 1], "SAME")  # noqa: E731
    check(concrete(function, [x]), [x], 1e-12, 1e-12)
    rows, of_rows = random.normal(size=(2, 9, 4)), random.normal(size=(3, 4, 5))
    check(concrete(lambda x: tf.nn.conv1d(x, of_rows, 2, "SAME"), [rows]), [rows], 1e-12, 1e-12)


def test_a_depthwise_convolution_of_doubles_of_any_batch():
    x, filters = random.normal(size=(2, 7, 6, 3)), random.normal(size=(3, 3, 3, 1))
    function = lambda x: tf.nn.depthwise_conv2d(x, filters, [1, 2, 2, 1], "SAME")  # noqa: E731
    check(concrete(function, [x], dynamic=(0,)), [x], 1e-12, 1e-12)


def test_a_valid_convolution_of_doubles_of_any_size():
    x, filters = random.normal(size=(1, 8, 7, 3)), random.normal(size=(3, 2, 3, 2))
    function = lambda x: tf.nn.conv2d(x, filters, 2, "VALID")  # noqa: E731
    check(concrete(function, [x], dynamic=(0, 1, 2)), [x], 1e-12, 1e-12)
