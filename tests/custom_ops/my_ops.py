"""Ops of each kind, for the tests beside it."""

import numpy as np

import penstock as tf


@tf.op
def swish(x, *, beta: float = 1.0):
    """x * sigmoid(beta * x)."""
    return x * tf.sigmoid(beta * x)


@tf.op(gradient=lambda x, _y, dy: 10.0 * dy)
def marked(x):
    return x * 1.0


@tf.op(kind="numpy", shape="x", gradient=lambda x, _y, dy, *, power: dy * power * x ** (power - 1))
def power(x, *, power: int = 2):
    return x**power


@tf.op(kind="primitives", gradient=lambda _x, y, dy, *, rate: dy * y * rate)
def growth(p, x, *, rate: float = 1.0):
    return p.exp(x * rate)


@tf.op(kind="primitives", gradient=lambda x, _y, dy: tf.ones_like(x) * dy[:, None])
def row_sums(p, x):
    return p.reduce_sum(x, 1)


@tf.op(kind="numpy", elementwise=True, dtype="float32")
def hypotenuse(x, y):
    return np.hypot(x, y)


@tf.op(kind="numpy", dtype=["x", "int32"], shape=lambda x: [[x[0]], []])
def row_norms(x):
    return np.linalg.norm(x, axis=1), len(x)


@tf.op(kind="numpy", dtype="string", shape="x")
def upper(x):
    return np.char.upper(x.astype("S"))
