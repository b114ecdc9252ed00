"""Ops that newer ones have replaced. The constants are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops


def draw(*shape):
    return np.random.RandomState(0).randn(*shape).astype("f")


def test_axes_in_another_layout():
    assert raw.DataFormatDimMap(x=[0, 1, -1, -2]).numpy().tolist() == [0, 2, 1, 3]
    assert raw.DataFormatVecPermute(x=[1, 2, 3, 4]).numpy().tolist() == [1, 4, 2, 3]
    assert raw.DataFormatVecPermute(x=[1, 2]).numpy().tolist() == [1, 2]


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_padding_fused_with_a_convolution(padding):
    x, w, paddings = draw(1, 4, 5, 2), draw(3, 3, 2, 3), [[0, 0], [1, 1], [2, 0], [0, 0]]
    attrs = {"strides": [1, 1, 1, 1], "padding": padding}
    made = raw.FusedPadConv2D(input=x, paddings=paddings, filter=w, mode="REFLECT", **attrs)
    expected = tf.nn.conv2d(tf.pad(x, paddings, "REFLECT"), w, **attrs)
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_gradients_by_shapes_of_tensors():
    x, w, dy = draw(1, 4, 4, 2), draw(2, 2, 2, 3), draw(1, 4, 4, 3)
    attrs = {"out_backprop": dy, "strides": [1, 1, 1, 1], "padding": "SAME"}
    made = raw.Conv2DBackpropInputV2(input=x, filter=w, **attrs)
    expected = raw.Conv2DBackpropInput(input_sizes=x.shape, filter=w, **attrs)
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_gradient_of_batch_normalization():
    t, m, v, beta, gamma = (tf.constant(a) for a in (draw(2, 2, 2, 3), *np.abs(draw(4, 3))))
    attrs = {"variance_epsilon": 0.01, "scale_after_normalization": True}
    with tf.GradientTape() as tape:
        inputs = [t, m, v, beta, gamma]
        tape.watch(inputs)
        made = raw.BatchNormWithGlobalNormalization(t=t, m=m, v=v, beta=beta, gamma=gamma, **attrs)
        loss = tf.reduce_sum(made * made)
    found = tape.gradient(loss, inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        other = tf.nn.batch_normalization(t, m, v, beta, gamma, 0.01)
        loss = tf.reduce_sum(other * other)
    for mine, theirs in zip(found, tape.gradient(loss, inputs), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=5e-6)
