"""Arrays whose extents may be 0 for some calls of a program, such as what is left of a multiple."""

import numpy as np
import pytest

import penstock as tf

SIZES = [9, 8, 10, 11, 4, 64, 67, 5]  # each remainder by 4 twice


def left(x):
    return tf.shape(x)[1] % 4


def padded(mode, axes=(1,)):
    def pad(x):
        amounts = [-tf.shape(x)[axis] % 4 if axis in axes else 0 for axis in range(3)]
        return tf.pad(x, [[0, amount] for amount in amounts], mode)

    return pad


def gradient_of(function):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(function(x) ** 2)
        return tape.gradient(y, x, unconnected_gradients="zero")

    return gradient


def programs_after(function, sizes=SIZES):
    """How many programs a function makes for sizes; its results are those of eager calls."""
    spec = tf.TensorSpec([None, None, 3], tf.float32)
    compiled = tf.function(function, input_signature=[spec], autograph=False)
    for n in sizes:
        x = tf.constant(np.random.default_rng(n).normal(size=(2, n, 3)).astype(np.float32))
        found, expected = compiled(x), function(x)
        for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-4, atol=1e-4)
    (trace,) = compiled._list_all_concrete_functions()
    return len(trace.graph_function.executable.block.programs)


@pytest.mark.parametrize(
    "function",
    [
        padded("SYMMETRIC"),
        padded("REFLECT"),
        gradient_of(padded("SYMMETRIC")),
        gradient_of(padded("REFLECT")),
        lambda x: tf.nn.conv1d(padded("SYMMETRIC")(x), tf.ones([3, 3, 2]), 1, "SAME"),
        lambda x: padded("SYMMETRIC")(x)[:, : tf.shape(x)[1]],
        lambda x: tf.concat([x, x[:, : left(x)], x], 1),
        lambda x: tf.concat([x[:, ::-1], tf.zeros([tf.shape(x)[0], left(x), 3])], 1),
        lambda x: tf.roll(x, left(x), 1),
        lambda x: tf.reduce_sum(x[:, left(x) :] ** 2),
    ],
)
def test_one_program_serves_those_that_are_empty_too(function):
    assert programs_after(function) == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda z, x: tf.nn.softmax(tf.matmul(x, z, transpose_b=True)) @ z,
        lambda z, x: tf.nn.softmax(tf.matmul(z, x, transpose_b=True)) @ x,
        lambda z, x: tf.while_loop(
            lambda i, _: i < tf.shape(z)[1],
            lambda i, total: (i + 1, total + tf.reduce_sum(z[:, i])),
            (0, tf.constant(0.0)),
        )[1],
        lambda z, x: tf.reduce_logsumexp(z, 1),
        lambda z, x: tf.matmul(z, z, transpose_a=True),
        lambda z, x: tf.reduce_prod(z, [0, 1]),
        lambda z, x: tf.cumsum(z, 1),
    ],
)
@pytest.mark.parametrize("part", ["slice", "take"])
def test_numbers(function, part):
    def whole(x):
        head = tf.slice(x, [0, 0, 0], [-1, left(x), -1]) if part == "slice" else x[:, : left(x)]
        return function(head, x)

    assert programs_after(whole) <= 4
    assert programs_after(gradient_of(whole)) <= 4


def test_a_loop_over_the_rows_of_an_empty_array():
    x = tf.zeros([2, 0, 3])

    @tf.function
    def total(x):
        found = tf.constant(1.0)
        for i in tf.range(tf.shape(x)[1]):
            found += tf.reduce_sum(x[:, i])
        return found

    assert float(total(x)) == 1.0


def test_parts_that_begin_behind_every_second_element_are_empty():
    specs = [tf.TensorSpec([3]), tf.TensorSpec([None])]
    compiled = tf.function(
        lambda x, n: x[::2][tf.shape(n)[0] :], input_signature=specs, autograph=False
    )
    x = tf.constant([1.0, 2.0, 3.0])
    for n in (2, 0, 1, 3, 5):
        assert compiled(x, tf.zeros([n])).numpy().tolist() == [1.0, 3.0][n:]
