"""Frozen graphs without what only training needs; the results stay the same."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.tools import optimize_for_inference_lib as lib

v1 = tf.compat.v1
FLOAT = tf.float32.as_datatype_enum


def run(graph_def, output, value):
    with tf.Graph().as_default() as graph:
        (found,) = tf.import_graph_def(graph_def, return_elements=[f"{output}:0"], name="")
        with v1.Session(graph=graph) as session:
            return session.run(found, {"x:0": value})


def kinds(graph_def):
    return [node.op for node in graph_def.node]


def vector(generator, n):
    return tf.constant(generator.random(n) + 0.5, tf.float32)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_batch_norms_become_weights_and_biases(depthwise, with_bias):
    generator = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [2, 5, 5, 3], name="x")
        kernel = tf.constant(generator.normal(size=(2, 2, 3, 2)), tf.float32)
        convolve = v1.nn.depthwise_conv2d_native if depthwise else tf.nn.conv2d
        channels = 6 if depthwise else 2
        y = convolve(x, kernel, [1, 1, 1, 1], "SAME")
        if with_bias:
            y = tf.nn.bias_add(y, vector(generator, channels))
        values = [vector(generator, channels) for _ in range(4)]
        normed = tf.raw_ops.FusedBatchNormV3(
            x=y,
            **dict(zip(("scale", "offset", "mean", "variance"), values, strict=True)),
            is_training=False,
        )
        tf.identity(normed.y, name="y")
    frozen = graph.as_graph_def()
    made = lib.optimize_for_inference(frozen, ["x"], ["y"], FLOAT)
    assert "BiasAdd" in kinds(made) and "FusedBatchNormV3" not in kinds(made)
    given = generator.normal(size=(2, 5, 5, 3))
    np.testing.assert_allclose(run(made, "y", given), run(frozen, "y", given), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("with_gamma", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_batch_norms_of_single_operations_are_found(with_gamma, turned):
    generator = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [2, 5, 5, 3], name="x")
        kernel = tf.constant(generator.normal(size=(2, 2, 3, 4)), tf.float32)
        y = tf.nn.conv2d(x, kernel, 1, "SAME")
        beta, mean, variance, gamma = (vector(generator, 4) for _ in range(4))
        scale = tf.math.rsqrt(tf.raw_ops.Add(x=variance, y=tf.constant(0.001)))
        if with_gamma:
            scale = scale * gamma
        terms = [y * scale, beta - mean * scale]
        if turned:
            terms.reverse()
        tf.raw_ops.Add(x=terms[0], y=terms[1], name="y")
    frozen = graph.as_graph_def()
    made = lib.fuse_decomposed_batch_norm(frozen)
    assert kinds(made).count("FusedBatchNorm") == 1 and "Rsqrt" not in kinds(made)
    given = generator.normal(size=(2, 5, 5, 3))
    np.testing.assert_allclose(run(made, "y", given), run(frozen, "y", given), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("resized, padded", [(True, True), (True, False), (False, True)])
def test_resizes_and_paddings_go_into_convolutions(resized, padded):
    generator = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        y = v1.placeholder(tf.float32, [1, 4, 4, 2], name="x")
        if resized:
            y = tf.raw_ops.ResizeBilinear(images=y, size=[8, 8])
        if padded:
            y = tf.pad(y, [[0, 0], [1, 1], [2, 2], [0, 0]], mode="REFLECT")
        kernel = tf.constant(generator.normal(size=(2, 2, 2, 3)), tf.float32)
        tf.nn.conv2d(y, kernel, [1, 1, 1, 1], "VALID", name="y")
    frozen = graph.as_graph_def()
    made = lib.fuse_resize_and_conv(frozen, ["y"])
    assert not {"Conv2D", "MirrorPad", "ResizeBilinear"} & set(kinds(made))
    given = generator.normal(size=(1, 4, 4, 2))
    np.testing.assert_allclose(run(made, "y", given), run(frozen, "y", given), rtol=1e-4, atol=1e-5)


def test_switches_become_constants():
    with tf.Graph().as_default() as graph:
        v1.placeholder(tf.bool, [], name="is_training")
        v1.placeholder_with_default(True, [], name="keras_learning_phase")
    made = lib.convert_placeholder_to_const(graph.as_graph_def(), ["is_training=True"])
    values = {n.name: bool(lib.values_from_const(n)) for n in made.node if n.op == "Const"}
    assert values["is_training"] and not values["keras_learning_phase"]


def test_graphs_are_checked():
    graph_def = v1.GraphDef()
    graph_def.node.add(name="a", op="NoOp", input=["^b"])
    with pytest.raises(ValueError, match="not found"):
        lib.ensure_graph_is_valid(graph_def)
    graph_def.node.add(name="a", op="NoOp")
    with pytest.raises(ValueError, match="Duplicate"):
        lib.ensure_graph_is_valid(graph_def)
