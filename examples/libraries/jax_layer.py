"""A function of JAX inside of a TensorFlow program: jax2tf hands it over as StableHLO, and Penstock compiles it.

Run with `penstock run examples/libraries/jax_layer.py`. It needs the package jax.
"""

import jax
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
from jax.experimental import jax2tf


def network(weights, x):
    """A perceptron of one hidden layer, in JAX."""
    (w1, b1), (w2, b2) = weights
    return jnp.tanh(x @ w1 + b1) @ w2 + b2


def train(steps=300):
    """Fits the network with TensorFlow's tape and variables; returns the first and the last loss."""
    random = np.random.RandomState(0)
    sizes = [(1, 32), (32, 1)]
    weights = [
        (tf.Variable(random.randn(*size).astype("f")), tf.Variable(np.zeros(size[1], "f")))
        for size in sizes
    ]
    variables = [v for layer in weights for v in layer]
    # any number of rows: the module is made once, for a symbolic size
    call = jax2tf.convert(network, polymorphic_shapes=[None, "rows, 1"])
    x = np.linspace(-2, 2, 128, dtype="f")[:, None]
    y = np.sin(3 * x)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((call(weights, x) - y) ** 2)
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(0.05 * gradient)
        return loss

    losses = [float(step()) for _ in range(steps)]
    kept = tuple((w.numpy(), b.numpy()) for w, b in weights)
    np.testing.assert_allclose(call(weights, x[:7]), jax.jit(network)(kept, x[:7]), atol=1e-5)
    return losses[0], losses[-1]


if __name__ == "__main__":
    print("loss {:.4f} -> {:.4f}".format(*train()))
