"""Errors of functions end in the user's file, line and source, while they are traced and when they run."""

import numpy as np
import pytest

import penstock as tf


def message(call):
    with pytest.raises((ValueError, TypeError, LookupError, tf.errors.OpError)) as caught:
        call()
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


@tf.function
def product(x):
    return tf.matmul(x, x)


@tf.function
def looked_up(x):
    return {}["missing"] + x


def refused(x):
    raise ValueError("not this")


@tf.function
def gathered(x, i):
    return tf.gather(x, i)


@tf.function
def inverse(x):
    return tf.linalg.inv(x)


@tf.function
def loss(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


@tf.function
def quotient(x, y):
    for _ in tf.range(2):
        x = x // y
    return x


CASES = {
    "shapes": (lambda: product(tf.ones([2, 3])), "in product: return tf.matmul(x, x)"),
    "KeyError": (lambda: looked_up(1.0), 'in looked_up: return {}["missing"] + x'),
    "datasets": (
        lambda: tf.data.Dataset.range(2).map(refused),
        'in refused: raise ValueError("not this")',
    ),
    "index": (
        lambda: gathered(tf.ones([2]), 5),
        "5 is not in [0, 2) [[{{node GatherV2}}]]\nin user",
    ),
    "check": (lambda: inverse(tf.zeros([2, 2])), "in inverse: return tf.linalg.inv(x)"),
    "value": (lambda: loss([0, 7], tf.ones([2, 3])), "label value of 7"),
    "value in a loop": (lambda: quotient(tf.constant(3), tf.constant(0)), "division by zero"),
}


@pytest.mark.parametrize("call, text", CASES.values(), ids=CASES)
def test_message(call, text):
    found = message(call)
    assert text in found and found.count("in user code: File ") == 1


def test_only_what_the_check_depends_on_is_computed_again():
    calls = []

    @tf.function
    def step(labels):
        logits = tf.numpy_function(
            lambda: calls.append(1) or np.ones([2, 3], np.float32), [], tf.float32
        )
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.reshape(logits, [2, 3]))

    assert "label value of 9" in message(lambda: step(tf.constant([0, 9])))
    assert calls == [1]


def test_a_loop_stands_at_its_first_line():
    @tf.function
    def total(n):
        found = 0
        for i in tf.range(n):
            found += i
            found *= 2
        return found

    graph = total.get_concrete_function(tf.constant(3)).graph
    (loop,) = (op for op in graph.get_operations() if "While" in op.type)
    assert loop.traceback[-1].text == "for i in tf.range(n):"
