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


def test_convolutions_along_one_axis_take_activations_and_sums_into_their_kernels():
    nodes = [
        node("Conv", "x w1", "a", pads=[2, 2]),
        node("Erf", "a", "b"),
        node("Conv", "b w2", "c", pads=[4, 4], dilations=[2]),
        node("Add", "b c", "y"),
    ]
    ends = [value("x", ["n", 3, "t"])], [value("y", ["n", 8, "t"])]
    w1, w2 = _weights(8, 3, 5), _weights(8, 8, 5)
    proto = model(graph(nodes, *ends, w1=w1, w2=w2))
    function = read_proto(proto).signatures["serving_default"]
    for length in (40, 23):
        x = _weights(2, 3, length)
        function(x=tf.constant(x))
        programs = function.explain().split("\nprogram ")[1:]
        # That of each program is the transpose of y.
        assert [p.count("codegen/nests") for p in programs] == [1] * len(programs)
        hidden = tf.math.erf(_convolved(x, w1, 1))
        y = _transposed(hidden + _convolved(hidden, w2, 2))
        np.testing.assert_allclose(function(x=tf.constant(x))["y"], y, rtol=1e-5, atol=1e-5)


def _convolved(x, w, dilation):
    """With channels last, if `x` has them first as `w`."""
    last = _transposed(x) if isinstance(x, np.ndarray) else x
    return tf.nn.conv1d(last, w.transpose(2, 1, 0), 1, "SAME", dilations=dilation)


def _transposed(x):
    return np.transpose(x, [0, 2, 1])
