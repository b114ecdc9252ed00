"""Products and convolutions with XLA's dimension numbers, of operands of two types."""

import numpy as np
import pytest

import penstock as tf
from penstock import raw_ops
from penstock._src.proto.layout import ConvolutionDimensionNumbers, DotDimensionNumbers

RNG = np.random.default_rng(0)
WRAPS = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])


def dot(lhs, rhs, dtype, **axes):
    numbers = DotDimensionNumbers(**axes)
    return raw_ops.XlaDotV2(
        lhs=lhs,
        rhs=rhs,
        dimension_numbers=numbers.SerializeToString(),
        precision_config=b"",
        preferred_element_type=dtype,
    )


@WRAPS
def test_sums_of_int8_products_do_not_overflow(wrap):
    x = RNG.integers(-128, 128, (5, 70), np.int8)
    w = RNG.integers(-128, 128, (33, 70), np.int8)
    axes = {"lhs_contracting_dimensions": [1], "rhs_contracting_dimensions": [1]}
    y = wrap(lambda x: dot(x, w, tf.int32, **axes))(tf.constant(x))
    np.testing.assert_array_equal(y, x.astype(np.int32) @ w.T.astype(np.int32))


@WRAPS
def test_batch_axes_come_first(wrap):
    x = RNG.normal(size=(3, 4, 5)).astype(np.float32)
    w = RNG.integers(-9, 9, (5, 6, 4), np.int8)
    axes = {
        "lhs_contracting_dimensions": [2],
        "rhs_contracting_dimensions": [0],
        "lhs_batch_dimensions": [1],
        "rhs_batch_dimensions": [2],
    }
    y = wrap(lambda x: dot(x, w, tf.float32, **axes))(tf.constant(x))
    np.testing.assert_allclose(y, np.einsum("abc,cdb->bad", x, w), rtol=1e-5, atol=1e-5)


def test_extents_that_differ_are_refused():
    x, w = tf.zeros([2, 3], tf.int8), tf.zeros([4, 5], tf.int8)
    axes = {"lhs_contracting_dimensions": [1], "rhs_contracting_dimensions": [0]}
    with pytest.raises(tf.errors.InvalidArgumentError, match="XlaDotV2: axes 1 and 0"):
        dot(x, w, tf.int32, **axes)


def convolution(x, kernel, dtype, strides, padding, groups=1, dilation=(1, 1)):
    """Channels last, kernels as TensorFlow's."""
    numbers = ConvolutionDimensionNumbers(
        input_batch_dimension=0,
        input_feature_dimension=3,
        input_spatial_dimensions=[1, 2],
        kernel_input_feature_dimension=2,
        kernel_output_feature_dimension=3,
        kernel_spatial_dimensions=[0, 1],
        output_batch_dimension=0,
        output_feature_dimension=3,
        output_spatial_dimensions=[1, 2],
    )
    return raw_ops.XlaConvV2(
        lhs=x,
        rhs=kernel,
        window_strides=np.array(strides, np.int32),
        padding=np.array(padding, np.int32),
        lhs_dilation=np.array([1, 1], np.int32),
        rhs_dilation=np.array(dilation, np.int32),
        feature_group_count=np.int32(groups),
        dimension_numbers=numbers.SerializeToString(),
        precision_config=b"",
        preferred_element_type=dtype,
        batch_group_count=1,
    )


@WRAPS
def test_convolutions_are_those_of_conv2d(wrap):
    x = RNG.integers(-128, 128, (2, 9, 8, 4), np.int8)
    kernel = RNG.integers(-128, 128, (3, 3, 4, 6), np.int8)
    edges = [[1, 2], [0, 1]]
    y = wrap(lambda x: convolution(x, kernel, tf.int32, [2, 1], edges))(tf.constant(x))
    expected = tf.nn.conv2d(
        tf.cast(x, tf.float64), tf.cast(kernel, tf.float64), [2, 1], [[0, 0], *edges, [0, 0]]
    )
    assert y.dtype == tf.int32
    np.testing.assert_array_equal(y, expected)


@WRAPS
def test_groups_are_those_of_depthwise_convolutions(wrap):
    x = RNG.normal(size=(1, 7, 7, 3)).astype(np.float32)
    kernel = RNG.integers(-9, 9, (3, 3, 3, 2), np.int8)
    flat = kernel.reshape(3, 3, 1, 6)
    y = wrap(lambda x: convolution(x, flat, tf.float32, [1, 1], [[1, 1], [1, 1]], 3))(
        tf.constant(x)
    )
    expected = tf.nn.depthwise_conv2d(x, kernel.astype(np.float32), [1, 1, 1, 1], "SAME")
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_the_number_of_features_is_checked():
    x, kernel = tf.zeros([1, 4, 4, 3]), tf.zeros([2, 2, 2, 5])
    with pytest.raises(tf.errors.InvalidArgumentError, match="3 features do not fit 1 groups"):
        convolution(x, kernel, tf.float32, [1, 1], [[0, 0], [0, 0]])
