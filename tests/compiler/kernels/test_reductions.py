"""Reductions of arrays whose extents are unknown when the kernel is made."""

import numpy as np
import pytest

import penstock as tf

SHAPES = [(256, 3, 2), (1, 1, 1), (0, 3, 2), (7, 5000, 1), (40000, 1, 2), (3, 2, 31)]
READS = {
    "in order": lambda x: tf.square(x - 0.5),
    "of a row": lambda x: x * tf.range(tf.cast(tf.shape(x)[2], tf.float32)),
    "turned": lambda x: tf.transpose(x, [2, 0, 1]) + 1.0,
    "cut": lambda x: x[::-1, :, :1] - 0.25,
    "numbered": lambda x: tf.reshape(tf.range(tf.cast(tf.size(x), tf.float32)), tf.shape(x)) * x,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("read", READS)
def test_sums_of_all_elements_whatever_is_known_of_the_shape(read, shape):
    x = np.random.default_rng(1).uniform(0, 1, shape).astype(np.float32)
    eager = READS[read](tf.constant(x)).numpy().astype(np.float64)
    for known in ([None, *shape[1:]], [None, None, None], None):
        spec = tf.TensorSpec(known, tf.float32)
        f = tf.function(lambda x: tf.reduce_sum(READS[read](x)), input_signature=[spec])
        np.testing.assert_allclose(f(x).numpy(), eager.sum(), rtol=4e-6)


def test_small_inner_axes_do_not_make_one_running_sum():
    x = np.full((4000, 3, 2), 0.1, np.float32)
    f = tf.function(tf.reduce_sum, input_signature=[tf.TensorSpec([None, 3, 2])])
    np.testing.assert_allclose(f(x).numpy(), x.astype(np.float64).sum(), rtol=3e-6)


def test_several_reductions_of_one_array_are_made_together():
    x = np.random.default_rng(3).normal(size=(500, 3, 2)).astype(np.float32)
    f = tf.function(
        lambda x: (tf.reduce_max(x), tf.reduce_sum(x * x)),
        input_signature=[tf.TensorSpec([None, None, 2])],
    )
    most, squares = f(x)
    assert most.numpy() == x.max()
    np.testing.assert_allclose(squares.numpy(), np.square(x.astype(np.float64)).sum(), rtol=1e-6)
