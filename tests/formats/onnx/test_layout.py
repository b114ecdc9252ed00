"""Between convolutions that are read no transposes are left, and images keep their values."""

import numpy as np

import penstock as tf
from penstock._src.formats.frozen import freeze
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

RANDOM = np.random.default_rng(4)


def _weights(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def _model():
    nodes = [
        node("Conv", "x w1 b1", "a", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "a s b m v", "n"),
        node("Clip", "n zero six", "c"),
        node("Pad", "c pads", "p"),
        node("Conv", "p w2", "d"),
        node("Add", "d shift", "e"),
        node("Add", "e c", "f"),
        node("Concat", "f c", "g", axis=1),
        node("MaxPool", "g", "h", kernel_shape=[2, 2], strides=[2, 2]),
        node("Resize", "h - scales", "i", mode="linear"),
        node("Conv", "i w3", "y"),
        node("GlobalAveragePool", "y", "z"),
    ]
    return model(
        graph(
            nodes,
            [value("x", ["n", 3, 8, 8])],
            [value("y", ["n", 2, 8, 8]), value("z", ["n", 2, 1, 1])],
            w1=_weights(4, 3, 3, 3),
            b1=_weights(4),
            s=np.abs(_weights(4)) + 0.5,
            b=_weights(4),
            m=_weights(4),
            v=np.abs(_weights(4)) + 0.5,
            zero=np.float32(0),
            six=np.float32(6),
            pads=np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
            w2=_weights(4, 4, 3, 3),
            shift=_weights(1, 4, 1, 1),
            scales=np.float32([1, 1, 2, 2]),
            w3=_weights(2, 8, 1, 1),
        )
    )


def test_transposes_are_left_at_the_ends_alone():
    function = read_proto(_model()).signatures["serving_default"]
    kinds = [op.type for op in freeze(function).operations]
    assert kinds.count("Conv2D") == 3
    assert kinds.count("Transpose") == 3  # that of x, and those of y and z


def test_values_are_those_of_the_reference():
    from onnx import load_from_string
    from onnx.reference import ReferenceEvaluator

    proto, x = _model(), _weights(2, 3, 8, 8)
    expected = ReferenceEvaluator(load_from_string(proto.SerializeToString())).run(None, {"x": x})
    found = read_proto(proto).signatures["serving_default"](x=tf.constant(x))
    for name, values in zip("yz", expected, strict=True):
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4)


def test_gradients_flow_through():
    read = read_proto(_model(), trainable=True)
    with tf.GradientTape() as tape:
        y = read.signatures["serving_default"](x=tf.constant(_weights(1, 3, 8, 8)))["y"]
    names = ("w1", "b1", "s", "w2", "w3", "shift")
    for gradient in tape.gradient(y, [read.root.weights[name] for name in names]):
        assert np.abs(gradient).max() > 0
