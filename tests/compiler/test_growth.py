"""The compiler's work grows with the length of a program, not exponentially with its nesting. Work is counted, not timed."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.lower.lowering import Lowering
from penstock._src.ir.builder import Builder


@pytest.fixture
def work(monkeypatch):
    """Returns (operations lowered, nodes made) by a call of a function."""
    counts = {"lower": 0, "new": 0}

    def counted(cls, name):
        original = getattr(cls, name)

        def method(*args, **kwargs):
            counts[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(cls, name, method)

    counted(Lowering, "lower")
    counted(Builder, "new")

    def measure(function, *args):
        counts.update(lower=0, new=0)
        tf.function(function)(*args)
        return counts["lower"], counts["new"]

    return measure


def nested_cond(depth):
    def inner(x, level):
        if not level:
            return x + 1.0
        return tf.cond(
            tf.reduce_sum(x) > float(level),
            lambda: inner(x, level - 1) * 2.0,
            lambda: x - float(level),
        )

    return lambda x: inner(x, depth)


def nested_while(depth):
    def inner(x, level):
        if not level:
            return x * 1.5
        return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, inner(y, level - 1)), (0, x))[
            1
        ]

    return lambda x: inner(x, depth)


def nested_scan(depth):
    def inner(x, level):
        if not level:
            return tf.tanh(x)
        return tf.map_fn(lambda row: inner(row[None] * tf.ones([2, 1]), level - 1)[0], x)

    return lambda x: inner(x, depth)


def nested_while_writing(depth):
    total = tf.Variable(0.0)

    def inner(x, level):
        if not level:
            total.assign_add(tf.reduce_sum(x))
            return x
        return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, inner(y, level - 1)), (0, x))[
            1
        ]

    return lambda x: inner(x, depth) + total


def gradient_of(function):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    return gradient


X = np.array([1.0, 2.0], np.float32)


@pytest.mark.parametrize("make", [nested_cond, nested_while, nested_scan])
def test_nesting_is_lowered_once_for_each_level(work, make):
    lowered, made = work(make(4), tf.constant(X))
    twice_lowered, twice_made = work(make(8), tf.constant(X))
    assert twice_lowered < 2.3 * lowered
    assert twice_made < 2.3 * made


@pytest.mark.parametrize(
    "make",
    [
        nested_while_writing,
        lambda depth: gradient_of(nested_cond(depth)),
        lambda depth: gradient_of(nested_while(depth)),
    ],
)
def test_nesting_that_hands_values_out_grows_with_its_square_at_most(work, make):
    lowered, made = work(make(4), tf.constant(X))
    twice_lowered, twice_made = work(make(8), tf.constant(X))
    assert twice_lowered < 4.5 * lowered
    assert twice_made < 4.5 * made
