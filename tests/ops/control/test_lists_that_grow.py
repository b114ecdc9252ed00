"""Gradients of loops that fill lists which grow: TensorArrays of dynamic size."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.block import Block


def accumulated(lengths, x, w):
    """The gradient of a loss of a loop that appends to a TensorArray."""
    states = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    h = tf.zeros_like(x[:, 0])
    for i in tf.range(tf.shape(x)[1]):
        h = tf.where((i < lengths)[:, None], tf.tanh(x[:, i] @ w + h), h)
        states = states.write(i, h)
    return tf.reduce_mean(tf.square(states.stack())) + tf.reduce_mean(h)


def traced():
    """A function of any lengths that returns loss and gradient."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, None, 3]),
            tf.TensorSpec([3, 3]),
        ]
    )
    def step(lengths, x, w):
        with tf.GradientTape() as tape:
            tape.watch(w)
            loss = accumulated(lengths, x, w)
        return loss, tape.gradient(loss, w)

    return step


def drawn(random, batch, length):
    """Inputs of these extents."""
    return (
        random.integers(1, length + 1, batch).astype(np.int32),
        random.normal(size=(batch, length, 3)).astype(np.float32),
        random.normal(size=(3, 3)).astype(np.float32),
    )


def eagerly(lengths, x, w):
    """Loss and gradient without a graph."""
    w = tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch(w)
        loss = accumulated(tf.constant(lengths), tf.constant(x), w)
    return loss, tape.gradient(loss, w)


def test_forward_loop_keeps_lengths_of_lists_rather_than_lists():
    graph = traced().get_concrete_function().graph
    kept = [
        op.get_attr("element_dtype")
        for op in graph.get_operations()
        if op.type == "EmptyTensorList"
    ]
    assert kept
    assert tf.variant not in kept


@pytest.mark.parametrize("extents", [(1, 1), (2, 1), (3, 7), (5, 2)])
def test_gradient_is_that_of_eager_loops(extents):
    given = drawn(np.random.default_rng(3), *extents)
    for result, wanted in zip(traced()(*given), eagerly(*given), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)


def test_second_gradient_is_that_of_eager_loops():
    def curved(x, w):
        with tf.GradientTape() as outer:
            outer.watch(w)
            with tf.GradientTape() as inner:
                inner.watch(w)
                loss = accumulated(tf.constant([2, 4]), x, w)
            slope = tf.reduce_sum(tf.square(inner.gradient(loss, w)))
        return outer.gradient(slope, w)

    _, x, w = map(tf.constant, drawn(np.random.default_rng(4), 2, 4))
    np.testing.assert_allclose(tf.function(curved)(x, w), curved(x, w), rtol=1e-4, atol=1e-5)


def test_lists_of_other_lengths_need_no_other_programs(monkeypatch):
    made = []
    specialize = Block.specialize
    monkeypatch.setattr(
        Block, "specialize", lambda self, values: made.append(self) or specialize(self, values)
    )
    step, random = traced(), np.random.default_rng(5)
    step(*drawn(random, 4, 6))
    step(*drawn(random, 3, 5))
    before = len(made)
    for extents in ((7, 9), (2, 12), (11, 3), (6, 20)):
        step(*drawn(random, *extents))
    assert len(made) == before


def read_back(x, w, first):
    """The sum of a list to which each step appends what it computes of earlier items."""
    best = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
    best = best.write(0, x[0])
    for i in tf.range(1, tf.shape(x)[0]):
        best = best.write(i, tf.tanh(best.read(i - 1) * w + x[i] + best.read(first)))
    return tf.reduce_sum(best.stack())


def test_gradient_of_items_that_the_loop_reads():
    random = np.random.default_rng(6)
    w, first = tf.constant([0.5, -0.3]), tf.constant(0)

    def slopes(x, w, first):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            total = read_back(x, w, first)
        return tape.gradient(total, [x, w], unconnected_gradients="zero")

    step = tf.function(
        slopes,
        input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([2]), tf.TensorSpec([], tf.int32)],
    )
    for length in (1, 2, 3, 8):
        x = tf.constant(random.normal(size=(length, 2)).astype(np.float32))
        for result, wanted in zip(step(x, w, first), slopes(x, w, first), strict=True):
            np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)


def test_gradient_of_items_that_growth_left_unset():
    """A list whose second write leaves items between: they are zeros that depend on nothing."""

    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            items = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[])
            for i in tf.range(tf.shape(x)[0]):
                items = items.write(2 * i, x[i] * x[i])
            total = tf.reduce_sum(
                items.stack() * tf.range(1.0, 2.0 * tf.cast(tf.shape(x)[0], tf.float32))
            )
        return tape.gradient(total, x)

    x = tf.constant([1.0, 2.0, 3.0])
    step = tf.function(slopes, input_signature=[tf.TensorSpec([None])])
    np.testing.assert_allclose(step(x), 2 * x * tf.constant([1.0, 3.0, 5.0]))
    np.testing.assert_allclose(step(x[:2]), 2 * x[:2] * tf.constant([1.0, 3.0]))


def test_gradient_of_a_list_that_began_before_the_loop():
    def slopes(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            items = tf.TensorArray(
                tf.float32, size=0, dynamic_size=True, clear_after_read=False
            ).unstack(x)
            before = items.size()
            for i in tf.range(tf.shape(y)[0]):
                items = items.write(before + i, y[i] * items.read(i))
            total = tf.reduce_sum(tf.square(items.stack()))
        return tape.gradient(total, [x, y])

    random = np.random.default_rng(7)
    step = tf.function(slopes, input_signature=[tf.TensorSpec([None, 2])] * 2)
    for extents in ((2, 1), (3, 5), (1, 4)):
        given = [tf.constant(random.normal(size=(n, 2)).astype(np.float32)) for n in extents]
        for result, wanted in zip(step(*given), slopes(*given), strict=True):
            np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)
