"""Axes that are repeated only in calls in which an expression of an extent is 1: products, convolutions, sums and gradients of them."""

import numpy as np
import pytest

import penstock as tf

# Numbers of rows that are computed from an unknown extent, and extents of which some make them 1.
ROWS = {
    "a quotient": (lambda n: n // 2, [2, 6, 3]),
    "a difference": (lambda n: n - 1, [2, 5, 2]),
    "a remainder": (lambda n: n % 3, [5, 4, 2]),
    "a minimum": (lambda n: tf.minimum(n - 1, 3), [9, 2, 3]),
    "an entry": (lambda n: tf.gather([1, 2, 3, 1], n % 4), [5, 4, 6]),
}
WEIGHTS = np.random.default_rng(0).normal(size=(6, 6)).astype("float32")
KERNEL = np.random.default_rng(1).normal(size=(3, 3, 6, 4)).astype("float32")


def repeated(x, count):
    """The rows, or one row four times."""
    return tf.broadcast_to(x, [tf.where(tf.equal(count, 1), 4, count), 6])


def product(x, count):
    rows = repeated(x, count)
    return rows @ WEIGHTS + tf.reduce_sum(tf.matmul(rows, rows, transpose_b=True))


def product_of_columns(x, count):
    rows = repeated(x, count)
    return tf.matmul(rows, rows, transpose_a=True)


def attention(x, count):
    rows = repeated(x, count)[tf.newaxis]
    return tf.nn.softmax(tf.matmul(rows, rows, transpose_b=True)) @ rows


def convolution(x, count):
    rows = tf.reshape(repeated(x, count), [1, -1, 1, 6])
    return tf.nn.conv2d(tf.broadcast_to(rows, [2, tf.shape(rows)[1], 7, 6]), KERNEL, 1, "SAME")


def sums(x, count):
    rows = repeated(x, count)
    return tf.reduce_sum(rows, 0) + tf.reduce_max(tf.cumsum(rows, 0), 0)


def beside_others(x, count):
    wide = tf.ones([tf.where(tf.equal(count, 1), 4, count), 6])
    return tf.einsum("ab,cb->ac", x + wide, x) + tf.einsum("ab,ab->", x * wide, wide)


def gradient(x, count):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.tanh(repeated(x, count) @ WEIGHTS) ** 2)
    return tape.gradient(loss, x)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(
    "body",
    [product, product_of_columns, attention, convolution, sums, beside_others, gradient],
    ids=lambda body: body.__name__,
)
def test_an_axis_is_repeated_where_its_extent_is_one(body, rows):
    count_of, extents = ROWS[rows]

    def program(x):
        count = count_of(tf.shape(x)[0])
        return body(x[:count], count)

    compiled = tf.function(program, input_signature=[tf.TensorSpec([None, 6])])
    for n in extents:
        x = tf.constant(np.random.default_rng(n).normal(size=(n, 6)).astype("float32"))
        np.testing.assert_allclose(compiled(x), program(x), rtol=1e-4, atol=1e-4)
