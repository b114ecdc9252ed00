"""The private parts of `nn_ops` that dilated convolutions of libraries are made of."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops.nn_ops import (
    _get_strides_and_dilation_rate,
    _NonAtrousConvolution,
    _WithSpaceToBatch,
)


def convolution(count, padding):
    assert count == 2
    return lambda inputs, filters: tf.nn.conv2d(inputs, filters, 1, padding)


def test_dilated_windows_are_those_of_a_dilated_convolution():
    x = tf.reshape(tf.range(36.0), [1, 6, 6, 1])
    filters = tf.reshape(tf.range(9.0), [3, 3, 1, 1])
    op = _WithSpaceToBatch(x.shape, [2, 1], "SAME", convolution, filter_shape=[3, 3, 1, 1])
    expected = tf.nn.conv2d(x, filters, 1, "SAME", dilations=[2, 1])
    np.testing.assert_array_equal(op(x, filters), expected)


def test_spatial_axes_follow_those_of_the_batch():
    op = _WithSpaceToBatch([2, 1, 6, 6, 1], [2, 2], "VALID", convolution, num_batch_dims=2)
    assert op(tf.ones([2, 1, 6, 6, 1]), tf.ones([3, 3, 1, 1])).shape == [2, 1, 2, 2, 1]


@pytest.mark.parametrize(
    ("rate", "padding", "message"),
    [
        ([0, 1], "SAME", "must be positive"),
        ([2, 1], "X", "must be one of"),
        ([2, 1], "SAME", "must be specified"),
    ],
)
def test_wrong_arguments_are_refused(rate, padding, message):
    op = _WithSpaceToBatch([1, 6, 6, 1], rate, padding, convolution)
    with pytest.raises(ValueError, match=message):
        op(tf.ones([1, 6, 6, 1]), tf.ones([3, 3, 1, 1]))


def test_strides_and_rates_are_ones_by_default_and_checked():
    assert [v.tolist() for v in _get_strides_and_dilation_rate(2, [2, 1], None)] == [[2, 1], [1, 1]]
    for strides, rate, message in (
        ([1], None, "should be 2"),
        ([0, 1], None, "must be positive"),
        (None, [0, 1], "must be positive"),
        ([2, 2], [2, 2], "not supported in conjunction"),
    ):
        with pytest.raises(ValueError, match=message):
            _get_strides_and_dilation_rate(2, strides, rate)


def test_convolutions_without_dilation_are_those_of_their_rank():
    rows = tf.reshape(tf.range(24.0), [2, 6, 2])
    line = _NonAtrousConvolution(rows.shape, [3, 2, 4], "VALID", strides=[2])
    np.testing.assert_array_equal(
        line(rows, tf.ones([3, 2, 4])), tf.nn.conv1d(rows, tf.ones([3, 2, 4]), 2, "VALID")
    )
    image = tf.reshape(tf.range(72.0), [1, 6, 6, 2])
    plane = _NonAtrousConvolution(image.shape, [3, 3, 2, 4], "SAME", strides=[2, 1])
    np.testing.assert_array_equal(
        plane(image, tf.ones([3, 3, 2, 4])),
        tf.nn.conv2d(image, tf.ones([3, 3, 2, 4]), [2, 1], "SAME"),
    )
    with pytest.raises(ValueError, match="at least 3 and at most 5"):
        _NonAtrousConvolution([2], [2], "VALID")
