"""Graphs that round operands for training: nodes and numbers are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
rewrite = v1.train.do_quantize_training_on_graphdef
# What TensorFlow computes.
FIRST = [4.170103, 0.456105, 4.430735, 3.779156, 6.776417, -0.325789, 6.515786, -1.759263]
SECOND = [3.909472, -2.932103, 2.345683, 3.323051, 9.773679, 0.0, 8.600838, -1.368315]
TANH = [0.571429, 0.333333, -0.380952, -0.095238]


def normal(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def graph_of(build, bits=8):
    """The rewritten graph of what `build` makes."""
    with tf.Graph().as_default() as graph:
        build()
    return rewrite(graph.as_graph_def(), bits)


def results(definition, feeds):
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(definition, name="")
        return [session.run("y:0", {"x:0": x}) for x in feeds]


def x(*shape):
    return v1.placeholder(tf.float32, shape, name="x")


def rounded(definition):
    """{operand: (is signed, the sources of its range)}."""
    nodes = [node for node in definition.node if node.op == "QuantizeAndDequantizeV2"]
    return {n.input[0]: (n.attr["signed_input"].b, n.input[1:]) for n in nodes}


def test_ranges_are_averaged_over_runs():
    def build():
        h = tf.nn.relu6(tf.nn.conv2d(x(1, 4, 4, 2), normal([3, 3, 2, 3]), 1, "SAME"))
        tf.nn.conv2d(tf.nn.max_pool2d(h, 2, 2, "SAME"), normal([1, 1, 3, 2]), 1, "SAME", name="y")

    drawn = np.random.default_rng(0)
    drawn.normal(size=(3, 3, 4))
    feeds = [drawn.normal(size=(1, 4, 4, 2)).astype("f") * k for k in (1, 3)]
    first, second = results(graph_of(build, 4), feeds)
    np.testing.assert_allclose(first.ravel(), FIRST, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(second.ravel(), SECOND, rtol=1e-5, atol=1e-5)


def test_fixed_ranges():
    definition = graph_of(
        lambda: tf.matmul(tf.tanh(x(2, 2)), tf.sigmoid(normal([2, 2])), name="y"), 3
    )
    assert [node.name for node in definition.node[-6:]] == [
        "Tanh/InputMin", "Tanh/InputMax", "Tanh/QuantizeAndDequantizeV2",
        "Sigmoid/InputMin", "Sigmoid/InputMax", "Sigmoid/QuantizeAndDequantizeV2",
    ]  # fmt: skip
    drawn = np.random.default_rng(0)
    drawn.normal(size=(3, 3, 4)), drawn.normal(size=(2, 1, 4, 4, 2))
    (result,) = results(definition, [drawn.normal(size=(2, 2)).astype("f")])
    np.testing.assert_allclose(result.ravel(), TANH, atol=1e-5)


@pytest.mark.parametrize(
    ("operand", "is_signed"),
    [
        (tf.nn.relu, False),
        (lambda h: tf.reshape(tf.nn.relu(h), [2, 2]), False),
        (lambda h: tf.concat([tf.nn.relu(h), h], 0), False),
        (lambda h: tf.concat([h, tf.nn.relu(h)], 0), True),
        (lambda h: tf.transpose(tf.nn.relu(h)), True),
        (lambda h: tf.nn.relu(h) + 1.0, True),
    ],
)
def test_the_sign_of_what_an_operand_comes_from(operand, is_signed):
    definition = graph_of(lambda: tf.matmul(operand(x(2, 2)), tf.ones([2, 2])))
    (first, _) = rounded(definition).values()
    assert first[0] is is_signed and first[1][0].endswith("/Min/AssignValue")


def test_each_operand_is_rounded_once_and_gradients_are_not():
    def build():
        h = tf.nn.relu(x(2, 2))
        y = tf.matmul(h, tf.matmul(h, h))
        v1.gradients(y, [h])

    definition = graph_of(build)
    assert list(rounded(definition)) == ["Relu", "MatMul"]
    of_gradients = [n for n in definition.node if n.op == "MatMul" and "gradients/" in n.name]
    assert of_gradients and not any("Quantize" in text for n in of_gradients for text in n.input)


def test_other_outputs_than_the_first_are_rounded_themselves():
    def build():
        parts = tf.split(x(4, 2), 2)
        tf.matmul(parts[1], tf.constant([[1.0, 0.0], [0.0, 1.0]]), name="y")

    definition = graph_of(build)
    assert list(rounded(definition))[0] == "split:1"
    value = np.float32([[9, 9], [9, 9], [1, -1], [0.5, 0]])
    np.testing.assert_allclose(results(definition, [value])[0], value[2:], atol=1e-2)


def test_refusals():
    products = [lambda: tf.matmul(x(2, 2), tf.ones([2, 2])) for _ in range(3)]
    with pytest.raises(NotImplementedError, match="unknown op: x_2 with type: Placeholder"):
        graph_of(lambda: [product() for product in products])
    for bits in (0, 64):
        with pytest.raises(IndexError, match=rf"range \[1, 63\] but is: {bits}"):
            graph_of(products[0], bits)
    with pytest.raises(ValueError, match="are float64; only float32"):
        graph_of(lambda: tf.matmul(tf.ones([2, 2], tf.float64), tf.ones([2, 2], tf.float64)))
    broken = v1.GraphDef()
    broken.node.add(name="a", op="MatMul", input=["q", "q"])
    with pytest.raises(ValueError, match="Node 'a': Unknown input node 'q'"):
        rewrite(broken, 8)
    assert not rewrite(v1.GraphDef(), 8).node
