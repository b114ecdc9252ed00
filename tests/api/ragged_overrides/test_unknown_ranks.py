"""Ragged tensors whose flat values have a rank that a function does not know."""

import math

import numpy as np
import pytest

import penstock as tf

SPLITS = tf.constant([0, 2, 2, 6], tf.int64)
UNKNOWN = [tf.TensorSpec(None, tf.int32), tf.TensorSpec(None, tf.int64)]


def ragged(values, splits):
    return tf.RaggedTensor.from_row_splits(values, splits)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: tf.reduce_sum(x, 0),
        lambda x: tf.reduce_max(x, 1),
        lambda x: tf.reduce_sum(x, [0, 1]),
        tf.reduce_sum,
        tf.rank,
        lambda x: tf.where(x > 1),
    ],
)
def test_functions_give_what_eager_calls_give(f):
    traced = tf.function(lambda v, s: f(ragged(v, s)), input_signature=UNKNOWN, autograph=False)
    for shape in ([6], [6, 2]):
        values = tf.reshape(tf.range(math.prod(shape)), shape)
        np.testing.assert_array_equal(traced(values, SPLITS), f(ragged(values, SPLITS)))


def test_padding_is_found_in_matrices():
    @tf.function(input_signature=UNKNOWN[:1])
    def unpadded(x):
        return tf.RaggedTensor.from_tensor(x, padding=0)

    assert unpadded([[1, 0], [2, 3]]).to_list() == [[1], [2, 3]]


@pytest.mark.parametrize("arguments", [{"axis": -1}, {"keepdims": True}])
def test_what_takes_the_rank_is_refused(arguments):
    traced = tf.function(lambda v, s: tf.reduce_sum(ragged(v, s), **arguments), autograph=False)
    with pytest.raises(ValueError, match="rank"):
        traced.get_concrete_function(*UNKNOWN)


@pytest.mark.parametrize(
    "f, message",
    [
        (lambda x: tf.expand_dims(x, -1), r"axis=-1 may only be negative if rank\(input\)"),
        (lambda x: tf.squeeze(x, [1, -1]), r"axis\[1\]=-1 may only be negative if rank\(input\)"),
        (lambda x: tf.reverse(x, [-1]), r"axis\[0\]=-1 may only be negative if rank\(tensor\)"),
        (tf.nn.softmax, r"axis=-1 may only be negative if rank\(input_tensor\)"),
        (lambda x: tf.concat([x, x], -1), "axis=-1 may only be negative if ndims"),
        (lambda x: tf.split(x, 2, -1), "axis=-1 may only be negative if ndims"),
    ],
)
def test_negative_axes_are_refused(f, message):
    traced = tf.function(lambda v, s: f(ragged(v, s)), autograph=False)
    with pytest.raises(ValueError, match=message):
        traced.get_concrete_function(*UNKNOWN)
