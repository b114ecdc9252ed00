"""Functions: traced again for new values and shapes, and dropped."""

import logging
from collections.abc import Callable

import penstock as tf

LIFETIME = 50  # traces before a function is dropped: a living one keeps its traces. Short runs look after whole lives
DISTINCT = 40  # kernels, that a soak waits for no compiler


def _made() -> Callable[..., tf.Tensor]:
    weights = tf.Variable(tf.ones([4, 4]))

    @tf.function
    def f(x: tf.Tensor, k: float | tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.nn.relu(x @ weights + k))
        return tape.gradient(loss, weights)

    return f


def retraces() -> Callable[[int], None]:
    """Calls with ever new Python values, of functions that live for a while."""
    logging.getLogger("penstock").setLevel(logging.ERROR)
    x, current = tf.ones([3, 4]), [_made()]

    def step(i: int) -> None:
        if i % LIFETIME == 0:
            current[0] = _made()
        current[0](x, 0.5 * (i % LIFETIME))

    return step


def dropped_functions() -> Callable[[int], None]:
    """Functions called once, whose kernels nobody has seen before."""
    logging.getLogger("penstock").setLevel(logging.ERROR)
    x = tf.ones([3, 4])

    def step(i: int) -> None:
        _made()(x, 1.0 + i)

    return step


def shapes() -> Callable[[int], None]:
    """Calls of a function with new shapes, then of its successor."""
    logging.getLogger("penstock").setLevel(logging.ERROR)
    current = [_made()]

    def step(i: int) -> None:
        if i % LIFETIME == 0:
            current[0] = _made()
        current[0](tf.ones([1 + i % DISTINCT, 4]), tf.constant(1.0))

    return step
