"""Programs that devices of StableHLO run."""

import numpy as np

import penstock as tf
from penstock._src.util import flags


def trained(device):
    """Losses and weights of three steps of a small convolutional network with dropout."""
    random = np.random.default_rng(0)
    images = tf.constant(random.standard_normal((8, 10, 10, 2)), tf.float32)
    labels = tf.constant(random.integers(0, 4, 8))
    filters = tf.Variable(tf.constant(0.3 * random.standard_normal((3, 3, 2, 6)), tf.float32))
    weights = tf.Variable(tf.constant(0.1 * random.standard_normal((6, 4)), tf.float32))

    @tf.function
    def step(seed):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(tf.nn.conv2d(images, filters, 2, "SAME"))
            hidden = tf.reduce_mean(tf.nn.max_pool2d(hidden, 2, 1, "VALID"), [1, 2])
            hidden = tf.nn.experimental.stateless_dropout(hidden, 0.3, seed)
            logits = hidden @ weights
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        for variable, gradient in zip(
            [filters, weights], tape.gradient(loss, [filters, weights]), strict=True
        ):
            variable.assign_sub(0.5 * gradient)
        return loss

    with flags.override(device=device):
        losses = [step(tf.constant([1, number])).numpy() for number in range(3)]
    return [*losses, filters.numpy(), weights.numpy()]
