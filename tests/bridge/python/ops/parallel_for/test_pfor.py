"""Ranks and sizes are numbers where they are known."""

import penstock as tf
import penstock.compat.v1 as v1
from penstock._src.bridge.python.ops.parallel_for import pfor


def test_ranks_and_sizes_are_numbers_where_they_are_known():
    with tf.Graph().as_default():
        known, unknown = v1.placeholder(tf.float32, [3, 5]), v1.placeholder(tf.float32)
        assert (pfor._rank(known), pfor._size(known)) == (2, 15)
        assert tf.is_tensor(pfor._rank(unknown))
        assert pfor._size(unknown, tf.int64).dtype == tf.int64
    assert pfor._expand_dims(tf.ones([3, 5]), 1, 2).shape == [3, 1, 1, 5]
