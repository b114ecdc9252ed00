"""Checks inside of compiled loops and branches: they are carried out of them and looked at after the run."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.steps import ProgramStep


def messages(function, *args):
    """What the function's programs check; it must have no other steps."""
    executable = function.get_concrete_function(*args).graph_function.executable
    steps = list(executable.steps())
    assert steps and all(isinstance(step, ProgramStep) for step in steps)
    return [check.message for step in steps for check in step.compiled.function.checks]


INDICES = tf.constant([0, 1, 3, 2, 5, -1])


@tf.function
def write(count, indices):
    array = tf.TensorArray(tf.float32, 4)
    for i in tf.range(count):
        array = array.write(indices[i], tf.cast(i, tf.float32))
    return array.stack()


@tf.function
def read(start, count, indices):
    array, total = tf.TensorArray(tf.float32, 4).unstack([1.0, 2.0, 3.0, 4.0]), 0.0
    for i in tf.range(start, count):
        total += array.read(indices[i])
    return total


def test_indices_of_tensor_arrays():
    assert write(tf.constant(4), INDICES).numpy().tolist() == [0, 1, 3, 2]
    assert float(read(tf.constant(0), tf.constant(4), INDICES)) == 10.0
    assert len(messages(write, tf.constant(4), INDICES)) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tried to write to index"):
        write(tf.constant(5), INDICES)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tried to access an element"):
        read(tf.constant(0), tf.constant(5), INDICES)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tried to access an element"):
        read(tf.constant(5), tf.constant(6), INDICES)


def test_counters_of_loops_need_no_check():
    @tf.function
    def squares(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            given = tf.TensorArray(tf.float32, 7).unstack(x)
            made = tf.TensorArray(tf.float32, 7)
            for i in tf.range(7):
                made = made.write(i, given.read(6 - i) ** 2)
            total = tf.reduce_sum(made.stack() * tf.range(7.0))
        return tape.gradient(total, x)

    x = tf.constant(np.arange(7, dtype=np.float32))
    np.testing.assert_allclose(squares(x), 2 * x.numpy() * np.arange(7)[::-1])
    assert messages(squares, x) == []


def test_assertions_tell_their_texts():
    @tf.function
    def total(count):
        found = 0
        for i in tf.range(count):
            tf.debugging.assert_less(i, 3, message="too large")
            found += i
        return found

    assert int(total(tf.constant(3))) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[too large\]"):
        total(tf.constant(6))


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: lambda *a: tf.cond(a[0][0] > -9, lambda: f(*a), lambda: f(*a) * 2.0)])  # fmt: skip
def test_labels_outside_of_the_classes(wrap):
    def loss(labels, logits):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    compiled = tf.function(wrap(loss), autograph=False)
    logits = tf.constant(np.random.default_rng(0).normal(size=(3, 4)), tf.float32)
    good, bad = tf.constant([0, 1, 3]), tf.constant([0, 1, 4])
    np.testing.assert_allclose(compiled(good, logits), loss(good, logits), rtol=1e-6)
    for function in (compiled, loss):
        with pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range of"):
            function(bad, logits)


def test_only_the_branch_taken_is_checked():
    @tf.function
    def quotient(take, x, y):
        return tf.cond(take, lambda: x // y, lambda: x)

    four, zero = tf.constant([4]), tf.constant([0])
    assert quotient(tf.constant(False), four, zero).numpy().tolist() == [4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero"):
        quotient(tf.constant(True), four, zero)
