"""Loops whose branches read and write lists: trees, and lists handed on through branches and inner loops."""

import numpy as np
import pytest

import penstock as tf

WIDTH = 3


def encoded(x, left, right, leaf, inner):
    """The state of the last node; a node without children is a leaf."""
    n = tf.shape(x)[0]
    states = tf.TensorArray(tf.float32, n, element_shape=[WIDTH], clear_after_read=False)
    for i in tf.range(n):
        if left[i] < 0:
            states = states.write(i, tf.tanh(tf.linalg.matvec(leaf, x[i])))
        else:
            both = tf.concat([states.read(left[i]), states.read(right[i])], 0)
            states = states.write(i, tf.tanh(tf.linalg.matvec(inner, both)))
    return tf.reduce_sum(tf.square(states.read(n - 1)))


def with_gradient(*arguments):
    x, left, right, leaf, inner = arguments
    with tf.GradientTape() as tape:
        tape.watch((leaf, inner))
        loss = encoded(x, left, right, leaf, inner)
    return loss, *tape.gradient(loss, (leaf, inner))


def drawn(leaves):
    """A tree of so many leaves, children before parents."""
    random = np.random.default_rng(leaves)
    count, free = 2 * leaves - 1, list(range(leaves))
    left = np.full(count, -1, np.int32)
    right = left.copy()
    for node in range(leaves, count):
        left[node], right[node] = free.pop(0), free.pop(0)
        free.append(node)
    x = random.normal(size=(count, 2)).astype(np.float32)
    weights = (random.normal(size=(WIDTH, k)).astype(np.float32) for k in (2, 2 * WIDTH))
    return tuple(map(tf.constant, (x, left, right, *weights)))


def compiled():
    of = tf.TensorSpec
    return tf.function(
        with_gradient,
        input_signature=[of([None, 2]), of([None], tf.int32), of([None], tf.int32),
                         of([WIDTH, 2]), of([WIDTH, 2 * WIDTH])],
    )  # fmt: skip


def test_trees_of_any_size_give_the_eager_loss_and_gradients():
    step = compiled()
    for leaves in (2, 5, 4, 9, 3):
        arguments = drawn(leaves)
        for result, expected in zip(step(*arguments), with_gradient(*arguments), strict=True):
            np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_gradient_accumulates_no_lists():
    graph = compiled().get_concrete_function().graph
    kept = [
        op.get_attr("element_dtype")
        for op in graph.get_operations()
        if op.type == "EmptyTensorList"
    ]
    assert kept
    assert tf.variant not in kept


def test_loops_over_trees_are_compiled():
    lines = str(compiled().explain(*drawn(4))).splitlines()
    assert not [line for line in lines if line.startswith("host") and "While" in line]


def chosen(x, n):
    """Lists that one branch hands on as they are, that both write to, and that an inner loop fills."""
    kept = tf.TensorArray(tf.float32, n, element_shape=[]).unstack(tf.zeros([n]))
    both = tf.TensorArray(tf.float32, n, element_shape=[]).unstack(tf.ones([n]))
    for i in tf.range(n):
        if x[i] > 0.0:
            kept = kept.write(i, x[i] * x[i])
            both = both.write(i, x[i])
        else:
            both = both.write(n - 1 - i, 2.0 * x[i])
            for j in tf.range(i):
                kept = kept.write(j, tf.sin(x[j]) * x[i])
    return kept.stack(), both.stack()


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_lists_handed_on_by_branches(n):
    x = tf.constant(np.random.default_rng(n).normal(size=n).astype(np.float32))

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            kept, both = chosen(x, tf.size(x))
            loss = tf.reduce_sum(kept * both)
        return kept, both, tape.gradient(loss, x)

    step = tf.function(run, input_signature=[tf.TensorSpec([None])])
    for result, expected in zip(step(x), run(x), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
