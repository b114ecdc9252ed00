"""Units all of whose nodes are computed again by their readers leave no kernel behind."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("dtype", [tf.uint32, tf.uint64, tf.int64])
def test_whole_numbers_of_all_bits(dtype):
    def draw():
        return tf.random.stateless_uniform([9], seed=[1, 2], minval=None, maxval=None, dtype=dtype)

    np.testing.assert_array_equal(tf.function(draw, autograph=False)(), draw())
