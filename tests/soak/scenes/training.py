"""Training: steps of a function of one's own, and Keras's fit."""

from collections.abc import Callable

import numpy as np

import penstock as tf


def training_steps() -> Callable[[int], None]:
    """Gradient descent in a tf.function, called from Python."""
    weights, bias = tf.Variable(tf.ones([4, 4])), tf.Variable(tf.zeros([4]))
    inputs = [tf.random.normal([8, 4], seed=i) for i in range(4)]

    @tf.function
    def train(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.tanh(x @ weights + bias) - x))
        weights_gradient, bias_gradient = tape.gradient(loss, [weights, bias])
        weights.assign_sub(0.1 * weights_gradient)
        bias.assign_sub(0.1 * bias_gradient)
        return loss

    def step(i: int) -> None:
        float(train(inputs[i % 4]))

    return step


def fits() -> Callable[[int], None]:
    """A hundred steps of fit at a time."""
    tf.install_as_tensorflow()
    import keras

    model = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    x = np.ones([400, 4], np.float32)

    def step(i: int) -> None:
        model.fit(x, x[:, :1], batch_size=4, verbose=0)

    return step
