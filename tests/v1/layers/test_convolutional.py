"""Convolutional and pooling layers of TensorFlow 1."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.layers import convolutional, pooling

v1 = tf.compat.v1
X = np.reshape(np.arange(2 * 8 * 8 * 3, dtype=np.float32), [2, 8, 8, 3]) / 100
ONES = {
    "kernel_initializer": v1.ones_initializer(),
    "bias_initializer": v1.ones_initializer(),
}


def test_a_convolution_names_its_weights_and_operations():
    with tf.Graph().as_default():
        layer = convolutional.Conv2D(4, 5, padding="same", activation="relu")
        output = layer(tf.ones([2, 8, 8, 3]))
        assert [(v.name, v.shape) for v in layer.weights] == [
            ("conv2d/kernel:0", [5, 5, 3, 4]),
            ("conv2d/bias:0", [4]),
        ]
        assert (layer.name, output.name, output.shape) == (
            "conv2d_1",
            "conv2d/Relu:0",
            [2, 8, 8, 4],
        )
        with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
            layer(tf.ones([2, 8, 8, 4]))


def test_functions_apply_layers():
    with tf.Graph().as_default(), v1.Session() as session:
        one = convolutional.conv2d(X, 2, 3, name="q", dilation_rate=2, **ONES)
        same = convolutional.conv2d(X, 2, 3, name="q", reuse=True, dilation_rate=2)
        deep = convolutional.conv3d(X[None], 2, 2, strides=(1, 2, 2), use_bias=False)
        session.run(v1.global_variables_initializer())
        found, again, other = session.run([one, same, deep])
    np.testing.assert_allclose(found[0, 0, :2, 0], [15.85, 16.66], rtol=1e-6)
    np.testing.assert_array_equal(found, again)
    assert other.shape == (1, 1, 4, 4, 2)


def test_windows_are_pooled():
    first = pooling.MaxPooling2D((2, 2), (2, 2), padding="same", data_format="channels_first")
    with tf.Graph().as_default():
        assert first(tf.ones([1, 3, 5, 5])).shape == [1, 3, 3, 3]
        assert pooling.average_pooling1d(tf.ones([1, 5, 5]), 2, 2).shape == [1, 2, 5]
        with pytest.raises(ValueError, match="expected ndim=4, found ndim=2"):
            pooling.max_pooling2d(tf.ones([2, 2]), 2, 1)


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"kernel_size": (1, 2, 3)}, "`kernel_size` must be a tuple of 2 integers"),
        ({"padding": "other"}, "`padding` argument must be"),
        ({"data_format": "x"}, "`data_format` argument must be"),
    ],
)
def test_arguments_are_checked(arguments, text):
    with pytest.raises(ValueError, match=text):
        convolutional.Conv2D(**{"filters": 4, "kernel_size": 3, **arguments})


def test_volumes_with_their_channels_first_are_pooled_with_them_last():
    with tf.Graph().as_default(), v1.Session() as session:
        x = tf.random.normal([2, 3, 4, 4, 4], seed=1)
        y = pooling.MaxPooling3D(2, 2, data_format="channels_first")(x)
        assert y.name == "max_pooling3d/transpose_1:0"
        inputs, found = session.run([x, y])
    expected = inputs.reshape(2, 3, 2, 2, 2, 2, 2, 2).max(axis=(3, 5, 7))
    np.testing.assert_array_equal(found, expected)
