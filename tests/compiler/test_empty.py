"""Programs in which some extents are 0: what has elements is computed all the same, and nothing else crashes."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util import flags

SHAPES = [(3, 0), (0, 3), (0, 0), (2, 0, 3), (2, 3, 0), (0, 300), (40, 30, 0)]


def agrees(f, *arguments, unknown):
    """Compares a function, compiled and run on poisoned memory, with itself run eagerly."""
    spec = [tf.TensorSpec([None] * len(a.shape), a.dtype) for a in arguments]
    with flags.override(check=1):
        got = tf.function(f, input_signature=spec if unknown else None)(*arguments)
    for g, w in zip(tf.nest.flatten(got), tf.nest.flatten(f(*arguments)), strict=True):
        np.testing.assert_array_equal(g, w)


def rows_and_elements(x):
    return tf.reduce_sum(x, -1), tf.reduce_max(x, -1), -x


def rows_of_two_axes(x):
    return tf.reduce_prod(x, list(range(1, len(x.shape)))), x * 2


def normalized(x):
    mean = tf.reduce_sum(x, -1, keepdims=True)
    return x - mean, mean


def along_each_axis(x):
    return [tf.reduce_min(x, axis) for axis in range(len(x.shape))]


def entropies(x):
    return tf.nn.softmax(x), tf.reduce_logsumexp(x, -1), x + 1


def bools(x):
    return tf.logical_not(x > 1), tf.reduce_any(x > 1, -1, keepdims=True)


@pytest.mark.parametrize("unknown", [False, True], ids=["static", "unknown"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "f", [rows_and_elements, rows_of_two_axes, normalized, along_each_axis, entropies, bools]
)
def test_reductions_without_elements_have_their_neutral_value(f, shape, unknown):
    agrees(f, tf.ones(shape), unknown=unknown)


def products(x, y):
    z = tf.matmul(x, y)
    return z, tf.exp(z) + 1, tf.reduce_sum(z * 2, 0), tf.reduce_sum(tf.tanh(z))


def gradients(x, y):
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = tf.reduce_sum(tf.nn.relu(tf.matmul(x, y) + 1))
    return tape.gradient(z, [x, y])


@pytest.mark.parametrize("unknown", [False, True], ids=["static", "unknown"])
@pytest.mark.parametrize(
    "m, k, n", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 4), (0, 4, 0), (70, 0, 40)]
)
@pytest.mark.parametrize("f", [products, gradients])
def test_products_without_elements_are_zero(f, m, k, n, unknown):
    agrees(f, tf.ones((m, k)), tf.ones((k, n)), unknown=unknown)


def test_rows_of_bools_alone_are_reduced():
    x = tf.constant(np.arange(12).reshape(4, 3) % 5 == 0)
    agrees(lambda x: (tf.logical_not(x), tf.reduce_any(x, 1, keepdims=True)), x, unknown=False)


def test_values_without_elements_are_not_written_in_place():
    def losses_and_scores(x):
        y = x * tf.random.stateless_uniform(tf.shape(x), [9, 2])
        labels = tf.cast(tf.argmax(y, -1), tf.int32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=y)
        return losses, tf.matmul(y, tf.ones([6, 2]), transpose_b=True)

    agrees(losses_and_scores, tf.zeros([0, 2]), unknown=True)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_padding_of_nothing_is_all_padding(dtype):
    """LLVM aborts where it finds late that a vector converted to bfloat is constant."""

    def padded(x):
        return tf.pad(x, [[2, 3], [1, 2]], constant_values=1)

    agrees(padded, tf.zeros([0, 4], dtype), unknown=False)


def test_the_place_of_the_largest_of_one_beside_other_results():
    def program(x):
        variance = tf.nn.moments(tf.matmul(x, x, transpose_b=True), [0], keepdims=True)[1]
        labels = tf.cast(tf.argmax(variance, -1), tf.int32)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, variance)

    assert tf.function(program, autograph=False)(tf.ones([1, 1])).numpy() == 0
