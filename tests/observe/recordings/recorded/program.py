"""A program of which a run on TensorFlow is recorded: `record.py`. FACTOR and NARROW change what it computes."""

import os

import numpy as np
import tensorflow as tf

FACTOR = float(os.environ.get("FACTOR", "2"))
DTYPE = tf.bfloat16 if os.environ.get("NARROW") else tf.float32
rng = np.random.default_rng(0)
w = tf.Variable(rng.normal(size=(4, 3)).astype(np.float32), name="w")
table = tf.Variable(rng.normal(size=(5, 4)).astype(np.float32), name="table")


def scaled(x):
    return tf.nn.softplus(x) * tf.cast(FACTOR, x.dtype)


@tf.function
def step(ids, seed):
    with tf.GradientTape() as tape:
        x = tf.gather(table, ids)
        x = tf.nn.experimental.stateless_dropout(x, 0.3, seed)
        h = scaled(tf.cast(x @ w, DTYPE))
        for _ in tf.range(2):
            h = tf.tanh(h) + h / 3.0
        if tf.reduce_sum(h) > 1.0:
            h = h - tf.reduce_max(h)
        loss = tf.reduce_mean(tf.cast(tf.nn.log_softmax(h), tf.float32) ** 2)
    gradients = tape.gradient(loss, [w, table])
    w.assign_sub(0.1 * gradients[0])
    table.scatter_sub(gradients[1])
    return loss


step(tf.constant([0, 3, 3]), tf.constant([7, 1]))
