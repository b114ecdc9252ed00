"""Windows over interleaved grids. Expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(144, dtype=np.float32).reshape(2, 3, 6, 4)


def neighbours(grids, spatial_dims, padding):
    """The sums of neighbours along the third axis."""
    return grids[:, :, 1:] + grids[:, :, :-1]


def test_dilation_that_the_graph_does_not_know():
    x = np.arange(24, dtype=np.float32).reshape(2, 6, 2)

    def sums(rates):
        return tf.nn.with_space_to_batch(
            x, rates, "SAME", lambda grids, *_: grids[:, :-2] + grids[:, 2:], filter_shape=[3]
        )

    traced = tf.function(sums, input_signature=[tf.TensorSpec([1], tf.int32)])
    for rate in (2, 3):
        np.testing.assert_array_equal(traced([rate]), sums([rate]))


def test_axes_other_than_the_first():
    out = tf.nn.with_space_to_batch(X, [2, 1], "VALID", neighbours, spatial_dims=[2, 3])
    np.testing.assert_array_equal(out, X[:, :, 2:] + X[:, :, :-2])
    out = tf.nn.with_space_to_batch(
        X, [2, 2], "SAME", neighbours, filter_shape=[2, 1], data_format="NCHW"
    )
    padded = np.pad(X, [(0, 0), (0, 0), (1, 1), (0, 0)])
    np.testing.assert_array_equal(out, padded[:, :, 2:] + padded[:, :, :-2])


def test_explicit_padding():
    pads = [[0, 0], [0, 0], [2, 1], [0, 0]]
    out = tf.nn.with_space_to_batch(X, [1, 2], pads, neighbours)
    padded = np.pad(X, pads)
    np.testing.assert_array_equal(out, padded[:, :, 2:] + padded[:, :, :-2])


def test_refused_arguments():
    for rates, padding, axes, message in [
        ([[2]], "VALID", None, "rank` must be 1"),
        ([2, 2], "VALID", [3, 2], "monotonically increasing"),
        ([2, 2], "VALID", [0, 2], "monotonically increasing"),
        ([2, 2], "VALID", [5, 7], "must be at least 8"),
        ([2, 2], "SAME", None, "`filter_shape` must be specified"),
        ([2, 2], "FULL", None, "must be one of 'SAME' or 'VALID'"),
        ([0, 1], "VALID", None, "must be positive"),
    ]:
        with pytest.raises(ValueError, match=message):
            tf.nn.with_space_to_batch(X, rates, padding, neighbours, spatial_dims=axes)


@pytest.mark.parametrize("padding", ["SAME", "VALID", [[0, 0], [1, 2], [0, 1], [0, 0]]])
def test_depthwise_strides_within_the_grids_of_a_dilation(padding):
    images = tf.constant(np.random.default_rng(0).normal(size=[1, 9, 8, 2]), tf.float32)
    filters = tf.constant(np.random.default_rng(1).normal(size=[3, 2, 2, 2]), tf.float32)

    def plain(grids, _, padding):
        return tf.nn.depthwise_conv2d(grids, filters, [1, 2, 2, 1], padding)

    def dilated(images):
        return tf.nn.depthwise_conv2d(images, filters, [1, 2, 2, 1], padding, dilations=[2, 3])

    expected = tf.nn.with_space_to_batch(images, [2, 3], padding, plain, filter_shape=[3, 2])
    np.testing.assert_array_equal(dilated(images), expected)
    unknown = tf.TensorSpec([None, None, None, 2])
    traced = tf.function(dilated, input_signature=[unknown])(images)
    np.testing.assert_allclose(traced, expected, rtol=1e-5, atol=1e-5)
