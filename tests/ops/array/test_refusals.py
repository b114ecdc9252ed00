"""What arrays' ops refuse, in TensorFlow's words: when they run, and when a graph is built."""

import re

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw

FLOATS = tf.float32


def of(dtype, dims=None):
    return tf.compat.v1.placeholder(dtype, dims)


WHEN_RUN = {
    "unraveled over no row": (
        lambda: tf.unravel_index([0], [0, 3]),
        "Input dims cannot contain a dim of zero, but dims contains zero at index 0",
    ),
    "unraveled over negative rows": (
        lambda: tf.unravel_index([0], [3, -1]),
        "Input dims cannot be negative. Got dim = -1 at index 1",
    ),
    "product of a matrix and a vector": (
        lambda: tf.matmul(tf.ones([2, 2]), tf.ones([2])),
        "In[0] and In[1] has different ndims: [2,2] vs. [2]",
    ),
    "product of vectors": (
        lambda: tf.matmul(tf.ones([2]), tf.ones([2])),
        "In[0] and In[1] ndims must be == 2: 1",
    ),
    "integers in scientific notation": (
        lambda: tf.strings.as_string(1, scientific=True),
        "scientific and shortest format not supported for datatype int32",
    ),
    "batch of another size": (
        lambda: tf.batch_to_space(np.zeros((4, 1, 1, 1)), [0, 2], [[0, 0], [0, 0]]),
        "Product of block sizes must be positive, got 0",
    ),
    "gather of no row": (
        lambda: tf.gather(np.zeros((0, 3)), [0]),
        "indices[0] = 0 is not in [0, 0)",
    ),
    "gather from a scalar": (lambda: tf.gather_nd(3, [0]), "params must be at least a vector"),
    "gather outside": (
        lambda: tf.gather_nd([[1, 2], [3, 4]], [[0, 5]]),
        "indices[0] = [0, 5] does not index into param shape [2,2], node name: GatherNd",
    ),
    "scatter outside": (
        lambda: tf.scatter_nd([[5, 6]], [1], [3, 3]),
        "indices[0] = [5, 6] does not index into shape [3,3]",
    ),
    "scatter of too few updates": (
        lambda: tf.scatter_nd([[0], [1]], [1, 2, 3], [4]),
        "Dimensions [0,1) of indices[shape=[2,1]] must match dimensions [0,1) of updates[shape=[3]]",
    ),
    "scatter of other rows": (
        lambda: tf.scatter_nd([[0]], [[1, 2]], [4, 3]),
        "Dimensions [1,2) of input[shape=[4,3]] must match dimensions [1,2) of updates[shape=[1,2]]",
    ),
    "scatter into nothing": (
        lambda: tf.scatter_nd([[0], [1]], [1, 2], [0]),
        "Indices and updates specified for empty output.  indices shape: [2,1]",
    ),
    "update of other rows": (
        lambda: tf.tensor_scatter_nd_update([[1, 2]], [[0]], [1]),
        "Inner dimensions of output shape must match inner dimensions of updates shape. "
        "Output: [1,2] updates: [1]",
    ),
    "index before the first": (
        lambda: tf.constant([1, 2, 3])[-5],
        "slice index -5 of dimension 0 out of bounds.",
    ),
    "slice of a scalar": (lambda: tf.constant(1)[0], "Attempting to slice scalar input."),
    "two ellipses": (
        lambda: tf.strided_slice([1, 2, 3], [0], [2], ellipsis_mask=3),
        "Multiple ellipses in slice spec not allowed",
    ),
    "negative part": (
        lambda: tf.split([1, 2, 3], [-2, 5]),
        "Split size at index 0 must be >= 0. Got: -2",
    ),
    "axis twice": (lambda: tf.transpose([[1, 2]], [0, -2]), "1 is missing from {0,0}."),
    "axes of no vector": (lambda: tf.reverse([1, 2], 0), "'dims' must be 1-dimension, not 0"),
    "mirror of nothing": (
        lambda: tf.pad(np.zeros((0, 2)), [[0, 0], [0, 0]], mode="REFLECT"),
        "paddings must be less than the dimension size: 0, 0 not less than 0",
    ),
    "unique along no vector": (
        lambda: raw.UniqueV2(x=[[1, 0]], axis=0),
        "axis expects a 1D vector.",
    ),
    "stitch before the first": (
        lambda: tf.dynamic_stitch([[0, -2]], [[1, 2]]),
        "indices[1] is out of range",
    ),
    "rows before the first": (
        lambda: raw.FractionalAvgPoolGrad(
            orig_input_tensor_shape=[2, 2, 2, 2],
            out_backprop=np.ones((1, 2, 3, 2), np.float32),
            row_pooling_sequence=[-10, 1, 2, 3],
            col_pooling_sequence=[1, 2, 3, 4],
        ),
        "Row sequence tensor values must not be negative, got -10",
    ),
    "window that is too large": (
        lambda: tf.nn.conv2d(np.zeros((1, 2, 2, 1)), np.zeros((4, 3, 1, 1)), 1, "VALID"),
        "Computed output size would be negative: -1 [input_size: 2, effective_filter_size: 4, "
        "stride: 1]",
    ),
    "stride of nothing": (
        lambda: tf.nn.conv2d(np.zeros((1, 2, 2, 1)), np.zeros((1, 1, 1, 1)), 0, "SAME"),
        "Row and column strides should be larger than 0.",
    ),
    "negative padding": (
        lambda: tf.nn.conv2d(
            np.zeros((1, 2, 2, 1)), np.zeros((1, 1, 1, 1)), 1, [[0, 0], [-1, 0], [0, 0], [0, 0]]
        ),
        "All elements of explicit_paddings must be nonnegative",
    ),
    "padded batch": (
        lambda: tf.nn.conv2d(
            np.zeros((1, 2, 2, 1)), np.zeros((1, 1, 1, 1)), 1, [[1, 0], [0, 0], [0, 0], [0, 0]]
        ),
        "Nonzero explicit padding in the batch or depth dimensions is not supported",
    ),
    "range of a histogram": (
        lambda: tf.histogram_fixed_width([1.0], [5.0, 1.0]),
        "but got '[5, 1]'",
    ),
    "softmax axis": (lambda: tf.nn.softmax([1.0], axis=1), "in the input. Received: dim=1"),
    "conditions of another shape": (
        lambda: tf.compat.v1.where([[True, False]], [1, 2], [3, 4]),
        "Input 0: [1,2] != input 1: [2]",
    ),
}


@pytest.mark.parametrize("call, message", WHEN_RUN.values(), ids=WHEN_RUN)
def test_ops_refuse_when_they_run(call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)):
        call()


WHEN_BUILT = {
    "gather axis": (
        lambda: tf.gather(of(FLOATS, [2, 3]), of(tf.int32, [2]), axis=-3),
        "Shape must be at least rank 3 but is rank 2 for",
    ),
    "gather axes": (
        lambda: tf.gather(of(FLOATS, [2, 3]), of(tf.int32, [2]), axis=of(tf.int32, [2])),
        "Shape must be rank 0 but is rank 1 for",
    ),
    "index vectors": (
        lambda: tf.gather_nd(of(FLOATS, [2, 3]), of(tf.int32, [None, 4])),
        "but saw indices shape: [?,4] and params shape: [2,3] for",
    ),
    "slice from behind": (
        lambda: tf.slice(of(FLOATS, [4]), [5], [-1]),
        "Negative dimension size caused by subtracting 5 from 4 for",
    ),
    "squeeze": (
        lambda: raw.Squeeze(input=of(FLOATS, [2, 1]), axis=[5]),
        "squeeze_dims[0] not in [-2,2) for",
    ),
    "expand": (
        lambda: tf.expand_dims(of(FLOATS, [2, 1]), 5),
        "dim 5 not in the interval [-3, 2] for",
    ),
    "pack": (
        lambda: raw.Pack(values=[of(FLOATS, [3]), of(FLOATS, [4])], axis=0),
        "Shapes are [3] and [4]\n\tFrom merging shape 0 with other shapes for",
    ),
    "unpack": (
        lambda: raw.Unpack(value=of(FLOATS, [3]), num=3, axis=2),
        "Invalid axis: 2; must be in [-1,1) for",
    ),
    "split axis": (
        lambda: tf.split(of(FLOATS, [3]), 3, axis=1),
        "Dimension size, given by scalar input 1 must be in range [-1, 1) for",
    ),
    "split sizes": (
        lambda: tf.split(of(FLOATS, [3]), [-1, -1]),
        "size_splits can only have one -1 for",
    ),
    "concat": (
        lambda: tf.concat([of(FLOATS, [2, 2]), of(FLOATS, [3])], 1),
        "Shape must be rank 2 but is rank 1 for",
    ),
    "reduction": (
        lambda: tf.reduce_sum(of(FLOATS, [3]), 1),
        "Invalid reduction dimension 1 for input with 1 dimensions for",
    ),
    "reverse": (
        lambda: tf.reverse(of(FLOATS, [2]), [0, 0]),
        "axis 0 specified more than once for",
    ),
    "depth": (
        lambda: tf.one_hot(of(tf.int32), -3),
        "Dimension size, given by scalar input 1, must be non-negative but is -3 for",
    ),
    "scatter": (
        lambda: tf.scatter_nd(of(tf.int32, [2, 2]), of(FLOATS, [3]), [3, 4]),
        "Dimensions [0,1) of indices[shape=[2,2]] = [2] must match dimensions [0,1) of "
        "updates[shape=[3]] = [3]: Dimension 0 in both shapes must be equal, but are 2 and 3.",
    ),
    "segments": (
        lambda: tf.math.unsorted_segment_sum(of(FLOATS, [4, 3]), of(tf.int32, [5]), 3),
        "Dimensions must be equal, but are 4 and 5 for",
    ),
    "paddings": (
        lambda: tf.pad(of(FLOATS, [1, 2, 3]), of(tf.int32, [3, 3])),
        "Dimension must be 2 but is 3 for",
    ),
    "negative paddings": (
        lambda: tf.pad(of(FLOATS, [1]), [[-1, 0]]),
        "Paddings must be non-negative for",
    ),
    "window that is too large": (
        lambda: tf.nn.max_pool2d(of(FLOATS, [1, 3, 3, 1]), 5, 2, "VALID"),
        "Negative dimension size caused by subtracting 5 from 3 for",
    ),
    "product": (
        lambda: tf.matmul(of(FLOATS, [2, 3]), of(FLOATS, [4, 5])),
        "Dimensions must be equal, but are 3 and 4 for '{{node MatMul}} = MatMul",
    ),
    "cross entropy of three axes": (
        lambda: raw.SoftmaxCrossEntropyWithLogits(
            features=of(FLOATS, [2, 1, 4]), labels=of(FLOATS, [2, 1, 4])
        ),
        "Shape must be broadcasted with rank 2, but is rank 3 for",
    ),
    "ids of joined strings": (
        lambda: tf.strings.unsorted_segment_join([["a", "b"], ["c", "d"]], [0, 1, 1], 2),
        "Dimensions must be equal, but are 2 and 3 for",
    ),
    "serialized sparse tensor": (
        lambda: raw.DeserializeSparse(serialized_sparse=of(tf.variant, []), dtype=tf.int32),
        "Shape must be at least rank 1 but is rank 0 for",
    ),
}


@pytest.mark.parametrize("call, message", WHEN_BUILT.values(), ids=WHEN_BUILT)
def test_graphs_refuse_when_they_are_built(call, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=re.escape(message)):
        call()


LEFT_TO_THE_RUN = {
    "slice": (lambda: tf.slice(of(FLOATS, [3, 4]), [1, 1], [2, 9]), [2, 9]),
    "transpose": (lambda: tf.transpose(of(FLOATS, [2, 3]), [0, 0]), [2, 2]),
    "one_hot": (lambda: tf.one_hot(of(tf.int32, [None, 2]), 3, axis=5), [None, 2, 3]),
    "argmax": (lambda: tf.argmax(of(FLOATS, [3]), 1), []),
    "batches": (
        lambda: tf.gather(of(FLOATS, [3, 3, 4]), of(tf.int32, [2, None]), batch_dims=1),
        [3, None, 4],
    ),
    "index vectors": (
        lambda: tf.scatter_nd(of(tf.int32, [2, 3]), of(FLOATS, [2]), [3, 4]),
        [3, 4],
    ),
}


@pytest.mark.parametrize("call, dims", LEFT_TO_THE_RUN.values(), ids=LEFT_TO_THE_RUN)
def test_what_only_a_run_refuses_has_a_shape(call, dims):
    with tf.Graph().as_default():
        assert call().shape.as_list() == dims


def test_rows_without_elements_are_not_looked_up():
    assert tf.gather(np.zeros((2, 0)), [7]).shape == (1, 0)
    assert tf.function(lambda x: tf.gather(x, [7]))(np.zeros((2, 0))).shape == (1, 0)


def test_no_batches_come_before_the_first_axis():
    found = tf.gather([[1, 2], [3, 4]], [[0], [1]], batch_dims=1, axis=0)
    np.testing.assert_array_equal(found, [[[1, 2]], [[3, 4]]])


def test_strides_of_the_batch_are_not_implemented():
    with pytest.raises(tf.errors.UnimplementedError, match="strides in the batch and depth"):
        tf.nn.conv2d(np.zeros((1, 2, 2, 1)), np.zeros((1, 1, 1, 1)), [2, 1, 1, 1], "SAME")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tf.norm([1.0, 2.0], ord="x"), "'ord' must be a supported vector norm, got x"),
        (
            lambda: tf.norm([[1.0]], ord="x", axis=[0, 1]),
            "'ord' must be a supported matrix norm in",
        ),
        (lambda: tf.sort([3, 1], direction="x"), "should be one of ASCENDING, DESCENDING"),
        (lambda: tf.nn.embedding_lookup([], [0]), "Length of params is currently 0."),
        (lambda: tf.nn.embedding_lookup(None, [0]), "params must be specified"),
        (
            lambda: tf.tensordot([[1.0]], [[1.0]], axes=3),
            "`axes` must not be larger than the number of dimensions of tensor",
        ),
    ],
)
def test_functions_refuse_their_arguments(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
