"""Barriers to optimization: what is computed of them is computed anew, so that it need not be kept."""

import re

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_inputs_come_out_unchanged_with_their_gradients(wrap):
    x, n = tf.constant([1.0, np.inf, np.nan]), tf.constant([[1, 2]])
    given = wrap(lambda x, n: raw.XlaOptimizationBarrier(input=[x, n]))(x, n)
    for found, wanted in zip(given, (x, n), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = wrap(lambda x: 3.0 * raw.XlaOptimizationBarrier(input=[x, n])[0])(x)
    np.testing.assert_array_equal(tape.gradient(y, x), [3.0, 3.0, 3.0])


def test_what_is_computed_of_it_is_computed_anew():
    @tf.function
    def twice(x, y):
        again = raw.XlaOptimizationBarrier(input=[x, y])[0]
        return tf.sin(x) + tf.sin(again)

    x = tf.ones([4])
    text = twice.experimental_get_compiler_ir(x, x)(stage="primitives")
    assert len(re.findall(r"= sin\(", text)) == 2
    np.testing.assert_allclose(twice(x, x), 2 * np.sin(np.ones(4)), rtol=1e-6)


def temporaries(wrap):
    """The bytes that a gradient through ten layers keeps, and the gradient."""
    weights = tf.constant(np.random.default_rng(0).standard_normal((32, 32)) / 6, tf.float32)

    def layer(x):
        for _ in range(4):
            x = tf.tanh(x @ weights) + tf.sin(x)
        return x

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(10):
                y = wrap(layer)(y)
        return tape.gradient(y, x)

    x = tf.random.stateless_normal([1024, 32], [1, 2])
    number, unit = re.search(r"temporaries in ([\d.]+) (\w*B)", str(slope.explain(x))).groups()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6}[unit], slope(x)


def test_gradients_that_compute_again_keep_less_and_are_the_same():
    kept, plain = temporaries(lambda layer: layer)
    less, found = temporaries(tf.recompute_grad)
    assert less < kept / 2
    np.testing.assert_array_equal(found, plain)


def test_a_gradient_that_computes_again_has_a_gradient():
    @tf.function
    def second(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.recompute_grad(lambda z: z**3)(x)
            slope = inner.gradient(y, x)
        return outer.gradient(slope, x)

    np.testing.assert_allclose(second(tf.constant([1.0, 2.0])), [6.0, 12.0], rtol=1e-6)
