"""Transposed and separable convolutions of TensorFlow 1's layers; numbers are TensorFlow 2.21's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.layers import convolutional, core, separable, transposed

v1 = tf.compat.v1
TENTH = v1.constant_initializer(0.1)
HALF = v1.constant_initializer(0.5)
ONE_KERNEL = {"kernel_initializer": TENTH, "bias_initializer": HALF}
TWO_KERNELS = {
    "depthwise_initializer": TENTH,
    "pointwise_initializer": v1.constant_initializer(0.2),
    "bias_initializer": HALF,
}


def computed(function, shape):
    """Shape, name and sum of magnitudes of a layer's outputs, and the shapes of its variables by name."""
    with tf.Graph().as_default(), v1.Session() as session:
        y = function(tf.constant(np.random.RandomState(0).randn(*shape).astype("f")))
        variables = {v.name: v.shape.as_list() for v in v1.global_variables()}
        session.run(v1.global_variables_initializer())
        return y.shape.as_list(), y.name, np.abs(session.run(y)).sum(), variables


CASES = {
    "2d": (
        lambda x: transposed.conv2d_transpose(x, 4, 3, **ONE_KERNEL),
        (2, 5, 6, 3),
        [2, 7, 8, 4],
        301.04156,
    ),
    "2d strides": (
        lambda x: transposed.conv2d_transpose(
            x, 4, [3, 2], strides=2, padding="same", activation=tf.nn.relu, **ONE_KERNEL
        ),
        (2, 5, 6, 3),
        [2, 10, 12, 4],
        520.51495,
    ),
    "large strides": (
        lambda x: transposed.conv2d_transpose(x, 4, 3, strides=4, **ONE_KERNEL),
        (2, 5, 6, 3),
        [2, 20, 24, 4],
        1980.4442,
    ),
    "3d": (
        lambda x: transposed.conv3d_transpose(x, 4, 3, **ONE_KERNEL),
        (2, 5, 6, 4, 3),
        [2, 7, 8, 6, 4],
        1477.9543,
    ),
    "separable": (
        lambda x: separable.separable_conv2d(
            x, 4, 3, strides=(1, 2), padding="same", **TWO_KERNELS
        ),
        (2, 9, 9, 3),
        [2, 9, 5, 4],
        175.51379,
    ),
    "separable, dilated": (
        lambda x: separable.separable_conv2d(
            x, 4, 3, dilation_rate=2, padding="same", **TWO_KERNELS
        ),
        (2, 9, 9, 3),
        [2, 9, 9, 4],
        316.13699,
    ),
    "1d": (
        lambda x: separable.separable_conv1d(
            x, 4, 3, strides=2, padding="same", depth_multiplier=2, **TWO_KERNELS
        ),
        (2, 5, 3),
        [2, 3, 4],
        14.590866,
    ),
    "1d causal": (
        lambda x: separable.SeparableConv1D(4, 3, padding="causal", **TWO_KERNELS)(x),
        (2, 5, 3),
        [2, 5, 4],
        22.296316,
    ),
    "1d dilated": (
        lambda x: separable.separable_conv1d(x, 4, 3, dilation_rate=2, **TWO_KERNELS),
        (2, 9, 3),
        [2, 5, 4],
        20.149345,
    ),
}


@pytest.mark.parametrize("function, shape, result, total", CASES.values(), ids=list(CASES))
def test_shapes_and_numbers(function, shape, result, total):
    found, _, magnitude, _ = computed(function, shape)
    assert found == result
    np.testing.assert_allclose(magnitude, total, rtol=1e-5)


def test_weights_are_named_as_in_tensorflow():
    _, name, _, variables = computed(CASES["2d"][0], (2, 5, 6, 3))
    assert name == "conv2d_transpose/BiasAdd:0"
    assert variables == {
        "conv2d_transpose/kernel:0": [3, 3, 4, 3],
        "conv2d_transpose/bias:0": [4],
    }
    _, name, _, variables = computed(CASES["1d"][0], (2, 5, 3))
    assert name == "separable_conv1d/Squeeze:0"
    assert variables == {
        "separable_conv1d/depthwise_kernel:0": [3, 3, 2],
        "separable_conv1d/pointwise_kernel:0": [1, 6, 4],
        "separable_conv1d/bias:0": [4],
    }


def test_extents_that_are_known_when_the_graph_runs():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, None, 6, 3])
        y = transposed.conv2d_transpose(x, 4, 3, strides=2, **ONE_KERNEL)
        assert y.shape.as_list() == [None, None, 13, 4]
        session.run(v1.global_variables_initializer())
        assert session.run(y, {x: np.ones([2, 5, 6, 3])}).shape == (2, 11, 13, 4)


def test_layers_give_their_output_shapes_and_are_made_again_from_their_configs():
    for layer, shape, expected in (
        (transposed.Conv2DTranspose(4, 3, strides=2, padding="same"), [2, 5, 6, 3], [2, 10, 12, 4]),
        (transposed.Conv3DTranspose(4, 3, strides=2), [2, 5, 6, 7, 3], [2, 11, 13, 15, 4]),
        (separable.SeparableConv2D(4, 3), [2, 5, 6, 3], [2, 3, 4, 4]),
        (convolutional.Conv1D(4, 3, padding="causal", strides=2), [None, 5, 3], [None, 3, 4]),
    ):
        assert layer.compute_output_shape(shape).as_list() == expected
        again = type(layer).from_config(layer.get_config())
        assert again.compute_output_shape(shape).as_list() == expected


def test_a_penalty_on_outputs_is_that_of_one_example():
    with tf.Graph().as_default(), v1.Session() as session:
        y = core.dense(tf.ones([4, 3]), 2, activity_regularizer=tf.nn.l2_loss, **ONE_KERNEL)
        (penalty,) = v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES)
        assert penalty.name == "dense/ActivityRegularizer/truediv:0"
        session.run(v1.global_variables_initializer())
        found, outputs = session.run([penalty, y])
    np.testing.assert_allclose(found, np.square(outputs).sum() / 2 / 4, rtol=1e-6)
