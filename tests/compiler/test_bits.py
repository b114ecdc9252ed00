"""Results have the same bits with any number of threads."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.native import pool


@pytest.fixture
def resized():
    """Sets the number of threads; it is put back."""
    before = pool().threads
    yield pool().resize
    pool().resize(before)


def draw(*shape):
    return tf.constant(np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32))


def normed(x):
    """What a batch norm makes of x: sums over its rows."""
    mean = tf.reduce_mean(x, [0, 1, 2])
    return (x - mean) * tf.math.rsqrt(tf.reduce_mean(tf.square(x - mean), [0, 1, 2]) + 1e-3)


LAYERS = {
    "window": (draw(5, 5, 16, 24), lambda x, w: tf.nn.conv2d(x, w, 2, "SAME")),
    "winograd": (draw(3, 3, 16, 32), lambda x, w: tf.nn.conv2d(x, w, 1, "SAME")),
    "depthwise": (draw(3, 3, 16, 1), lambda x, w: tf.nn.depthwise_conv2d(x, w, [1] * 4, "SAME")),
    "product": (draw(16, 40), lambda x, w: tf.tensordot(x, w, 1)),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_sums_do_not_depend_on_threads(layer, resized):
    weights, apply = LAYERS[layer]
    x = draw(24, 20, 20, 16)

    def step(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = normed(apply(x, w))
            loss = tf.reduce_mean(y * tf.sin(y))
        return [y, loss, *tape.gradient(loss, [x, w])]

    found = []
    for threads in (1, 2, 3):
        resized(threads)
        found.append([t.numpy().tobytes() for t in tf.function(step)(x, weights)])
    assert found[0] == found[1] == found[2]
