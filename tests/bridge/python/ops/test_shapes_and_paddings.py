"""Ranks, sizes, labels, paddings and checks of images; expected values are TensorFlow's."""

import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import (
    array_ops,
    confusion_matrix,
    image_ops_impl,
    math_ops,
    nn_ops,
    random_grad,
    stateful_random_ops,
    tensor_array_grad,
)
from penstock._src.bridge.python.ops.nn_ops import (
    _get_strides_and_dilation_rate,
    _NonAtrousConvolution,
    _WithSpaceToBatch,
)

v1 = tf.compat.v1
ANY = [None, None, None, None]


@pytest.mark.parametrize(
    "labels, predictions, more, expected",
    [
        ([3, 1], [3], 0, ([3], [3])),
        ([3], [3, 1], 0, ([3], [3])),
        ([3, 2], [3], 0, ([3, 2], [3])),
        ([3, 1], [3, 5], 1, ([3], [3, 5])),
        ([3], [3, 5, 1], 1, ([3], [3, 5])),
        ([3], [3, 1], 1, ([3], [3, 1])),
    ],
)
def test_a_last_axis_too_many_is_squeezed(labels, predictions, more, expected):
    found = confusion_matrix.remove_squeezable_dimensions(
        tf.zeros(labels), tf.zeros(predictions), more
    )
    assert tuple(x.shape.as_list() for x in found) == expected


def test_ranks_may_be_known_only_when_a_graph_runs():
    with tf.Graph().as_default(), v1.Session() as session:
        labels, predictions = v1.placeholder(tf.float32), v1.placeholder(tf.float32)
        made = confusion_matrix.remove_squeezable_dimensions(labels, predictions)
        found = session.run(made, {labels: np.zeros([3, 1]), predictions: np.zeros([3])})
    assert [x.shape for x in found] == [(3,), (3,)]


def test_known_ranks_and_sizes_are_constants():
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 2])
        kinds = [
            array_ops.rank_internal(x).op.type,
            array_ops.rank_internal(x, optimize=False).op.type,
            array_ops.size_internal(x).op.type,
            array_ops.size_internal(v1.placeholder(tf.float32, [None, 0])).op.type,
        ]
    assert kinds == ["Const", "Rank", "Size", "Const"]
    assert int(array_ops.size_internal(tf.sparse.from_dense([[1, 0, 2]]))) == 3


def test_gathering_by_batches_checks_ranks():
    params = tf.reshape(tf.range(12), [2, 3, 2])
    found = array_ops.batch_gather_nd(params, [[[0]], [[2]]], 1)
    assert found.numpy().tolist() == [[[0, 1]], [[10, 11]]]
    with pytest.raises(ValueError, match="`batch_dims` = 2 must be less than rank.`indices`. = 2"):
        tf.gather_nd(params, [[0], [1]], batch_dims=2)
    with pytest.raises(TypeError, match="must be an int; got 0.5"):
        array_ops.batch_gather_nd(params, [[0]], 0.5)


def test_paddings_become_attributes():
    assert nn_ops.convert_padding("SAME") == ("SAME", [])
    assert nn_ops.convert_padding([[0, 0], [1, 2]], 2) == ("EXPLICIT", [0, 0, 1, 2])
    for wrong in ("EXPLICIT", [[1]] * 4, [1] * 4, [[1, 1]] * 3):
        with pytest.raises(ValueError, match="padding"):
            nn_ops.convert_padding(wrong)


def test_states_of_generators():
    assert stateful_random_ops._uint_to_int(2**64 - 1) == -1
    assert stateful_random_ops._get_counter_size(stateful_random_ops.RNG_ALG_PHILOX) == 2
    assert stateful_random_ops.non_deterministic_ints([3]).shape == [3]
    with pytest.raises(ValueError, match="unsupported value 7"):
        stateful_random_ops._get_counter_size(7)


def test_axes_of_length_one_come_first():
    assert random_grad.add_leading_unit_dimensions(tf.zeros([2, 3]), 2).shape == [1, 1, 2, 3]


@pytest.mark.parametrize("axes", [[0, 2], [-2], 1, []])
def test_reductions_that_keep_their_axes(axes):
    expected = tf.reduce_sum(tf.zeros([2, 3, 5]), axes, keepdims=True).shape.as_list()
    assert list(math_ops.reduced_shape([2, 3, 5], axes)) == expected
    dynamic = tf.function(
        math_ops.reduced_shape,
        input_signature=[tf.TensorSpec([3], tf.int32), tf.TensorSpec(None, tf.int32)],
    )
    assert dynamic([2, 3, 5], tf.constant(axes, tf.int32)).numpy().tolist() == expected


def test_operations_know_their_call_of_gradients():
    with tf.Graph().as_default():
        with tf.name_scope("scope/gradients_1/more"):
            made = tf.constant(1.0, name="x")
    assert tensor_array_grad._GetGradSource(made) == "scope/gradients_1"
    with tf.Graph().as_default(), pytest.raises(ValueError, match="start with gradients"):
        tensor_array_grad._GetGradSource(tf.constant(1.0))


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


def test_known_images_are_returned():
    image = tf.ones([2, 4, 5, 3])
    np.testing.assert_array_equal(image_ops_impl._AssertAtLeast3DImage(image), image)
    np.testing.assert_array_equal(image_ops_impl._Assert3DImage(image[0]), image[0])
    assert (
        image_ops_impl._Check3DImage(image[0]) == []
        and image_ops_impl._CheckAtLeast3DImage(image) == []
    )
    assert image_ops_impl._ImageDimensions(image, 4) == [2, 4, 5, 3]


@pytest.mark.parametrize(
    ("check", "shape", "said"),
    [
        (image_ops_impl._Check3DImage, [2, 3], "must be three-dimensional"),
        (image_ops_impl._Check3DImage, [0, 3, 1], "all dims of 'image.shape' must be > 0"),
        (image_ops_impl._CheckAtLeast3DImage, [2, 3], "at least three-dimensional"),
        (
            image_ops_impl._CheckAtLeast3DImage,
            [1, 2, 0, 3],
            "inner 3 dims of 'image.shape' must be > 0",
        ),
    ],
)
def test_known_shapes_of_no_images_are_refused(check, shape, said):
    with pytest.raises(ValueError, match=said):
        check(tf.ones(shape))


def test_unknown_extents_are_checked_when_run():
    @tf.function(input_signature=[tf.TensorSpec(ANY)])
    def area(image):
        image = image_ops_impl._AssertAtLeast3DImage(image)
        _, height, width, _ = image_ops_impl._ImageDimensions(image, 4)
        return height * width

    assert area(tf.ones([2, 4, 5, 3])).numpy() == 20
    with pytest.raises(tf.errors.InvalidArgumentError, match="inner 3 dims"):
        area(tf.ones([2, 4, 0, 3]))

    @tf.function(input_signature=[tf.TensorSpec(ANY[:3])])
    def same(image):
        with pytest.raises(ValueError, match="fully defined"):
            image_ops_impl._Check3DImage(image)
        return image_ops_impl._Assert3DImage(image)

    assert same(tf.ones([4, 5, 3])).shape == [4, 5, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="all dims"):
        same(tf.ones([0, 5, 3]))


def test_checks_of_images_have_their_private_path():
    program = "import penstock; penstock.install_as_tensorflow(); from tensorflow.python.ops.image_ops_impl import _AssertAtLeast3DImage, _ImageDimensions"
    subprocess.run([sys.executable, "-c", program], check=True)
