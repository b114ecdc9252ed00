"""Gradients of operators that are read agree with differences of their values, compiled."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx import standard

pytest.importorskip("onnx")
NAMES = {
    "test_attention_3d_gqa_causal",
    "test_averagepool_2d_pads_count_include_pad",
    "test_basic_deform_conv_with_padding",
    "test_conv_with_autopad_same",
    "test_convtranspose_group_2",
    "test_gridsample_bilinear",
    "test_group_normalization_epsilon",
    "test_gru_with_initial_bias",
    "test_layer_normalization_2d_axis1",
    "test_linear_attention_gated_delta",
    "test_lstm_with_peepholes",
    "test_maxpool_2d_pads",
    "test_scan9_sum",
    "test_scatter_elements_with_axis",
}
STEP = 2e-3


def _total(function, inputs):
    """A sum of all outputs in which each element has another weight."""
    parts = []
    for y in tf.nest.flatten(function(**inputs)):
        wide = tf.cast(y, tf.float64)
        weights = tf.cos(tf.cast(tf.range(tf.size(y)), tf.float64))
        parts.append(tf.reduce_sum(wide * tf.reshape(weights, tf.shape(y))))
    return tf.add_n(parts)


@pytest.fixture(scope="module")
def chosen():
    return [case for case in standard.cases() if case.name in NAMES]


def test_gradients_are_those_of_differences(chosen):
    assert {case.name for case in chosen} == NAMES
    random = np.random.default_rng(0)
    for case in chosen:
        function = read_proto(case.proto).signatures["serving_default"]
        names = [info.name for info in case.proto.graph.input]
        inputs = {n: tf.constant(v) for n, v in zip(names, case.data[0][0], strict=False)}
        total = tf.function(lambda given, f=function: _total(f, given), autograph=False)
        first = names[0]
        with tf.GradientTape() as tape:
            tape.watch(inputs[first])
            value = total(inputs)
        gradient = tape.gradient(value, inputs[first]).numpy()
        way = random.normal(size=gradient.shape).astype(np.float32)
        ahead, behind = (
            float(total(inputs | {first: inputs[first] + sign * STEP * way})) for sign in (1, -1)
        )
        expected = (ahead - behind) / (2 * STEP)
        tolerance = 2e-2 * max(1, abs(expected))
        assert abs(float(np.sum(gradient * way)) - expected) < tolerance, case.name
