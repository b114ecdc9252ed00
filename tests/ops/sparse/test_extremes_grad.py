"""Gradients of the elementwise larger and smaller of two sparse tensors."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_those_of_the_dense_function(name, compiled):
    rng = np.random.default_rng(3)
    a, b = rng.integers(-2, 3, (2, 6, 7)).astype(np.float32)
    a[rng.random(a.shape) < 0.4] = 0
    b[rng.random(b.shape) < 0.4] = 0
    weights = rng.normal(size=a.shape).astype(np.float32)

    def sparse(a, b):
        extreme = getattr(tf.sparse, name)(tf.sparse.from_dense(a), tf.sparse.from_dense(b))
        return tf.sparse.to_dense(extreme)

    def dense(a, b):
        return getattr(tf, name)(a, b)

    def gradients(function):
        def run(a, b):
            with tf.GradientTape() as tape:
                tape.watch([a, b])
                loss = tf.reduce_sum(function(a, b) * weights)
            return tape.gradient(loss, [a, b])

        run = tf.function(run) if compiled else run
        return [x.numpy() for x in run(tf.constant(a), tf.constant(b))]

    by_a, by_b = gradients(dense)
    found_a, found_b = gradients(sparse)
    np.testing.assert_array_equal(found_a, np.where(a != 0, by_a, 0))
    # A missing element equals zero, but there is nothing that could get its gradient.
    np.testing.assert_array_equal(found_b, np.where(b != 0, by_b, 0))
