"""Five models that train for some steps on the CPU and on the GPU from the same weights and data: their losses must agree."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.bridge.cli.doctor.first_light.findings import (
    Found,
    Subject,
    compared,
    failed,
    passed,
)
from penstock._src.bridge.tensorflow_alias import PUBLIC
from penstock._src.util.flags import override

STEPS = 4
ALLOWED = 2e-3  # TF32 on the GPU, and rounding that grows from step to step
RATE = 0.05


class Weights:
    """Makes variables of a model from one seed."""

    def __init__(self, tf: Any) -> None:
        self._tf, self._draw = tf, np.random.default_rng(3)
        self.all: list[Any] = []

    def __call__(self, *shape: int, scale: float | None = None) -> Any:
        """A new variable."""
        inputs = 1
        for extent in shape[:-1]:
            inputs *= extent
        deviation = scale if scale is not None else (2.0 / max(inputs, 1)) ** 0.5
        value = (self._draw.normal(size=shape) * deviation).astype("float32")
        self.all.append(self._tf.Variable(value))
        return self.all[-1]


def mlp(tf: Any, new: Weights, size: int) -> tuple[tuple[int, ...], Callable[[Any], Any]]:
    """Dense layers."""
    width = 8 * size
    layers = [
        (new(n, m), new(m, scale=0.0)) for n, m in ((width, width), (width, width), (width, 10))
    ]

    def apply(x: Any) -> Any:
        for weights, bias in layers[:-1]:
            x = tf.nn.relu(x @ weights + bias)
        return x @ layers[-1][0] + layers[-1][1]

    return (width,), apply


def convolutional(tf: Any, new: Weights, size: int) -> tuple[tuple[int, ...], Callable[[Any], Any]]:
    """Convolutions and pooling."""
    first, second, last = new(3, 3, 3, size), new(3, 3, size, 2 * size), new(2 * size, 10)

    def apply(x: Any) -> Any:
        x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, first, 1, "SAME")), 2, 2, "SAME")
        x = tf.nn.relu(tf.nn.conv2d(x, second, 1, "SAME"))
        return tf.reduce_mean(x, [1, 2]) @ last

    return (2 * size, 2 * size, 3), apply


def residual(tf: Any, new: Weights, size: int) -> tuple[tuple[int, ...], Callable[[Any], Any]]:
    """Residual blocks with normalization."""
    first, last = new(3, 3, 3, size), new(size, 10)
    blocks = [(new(3, 3, size, size), new(3, 3, size, size)) for _ in range(2)]

    def normalized(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        return (x - mean) * tf.math.rsqrt(variance + 1e-3)

    def apply(x: Any) -> Any:
        x = tf.nn.conv2d(x, first, 1, "SAME")
        for a, b in blocks:
            y = tf.nn.conv2d(tf.nn.relu(normalized(x)), a, 1, "SAME")
            x = x + tf.nn.conv2d(tf.nn.relu(normalized(y)), b, 1, "SAME")
        return tf.reduce_mean(tf.nn.relu(normalized(x)), [1, 2]) @ last

    return (size, size, 3), apply


def recurrent(tf: Any, new: Weights, size: int) -> tuple[tuple[int, ...], Callable[[Any], Any]]:
    """An LSTM in a loop."""
    width, length = 2 * size, size
    weights, bias, last = new(2 * width, 4 * width), new(4 * width, scale=0.0), new(width, 10)

    def apply(x: Any) -> Any:
        steps = tf.transpose(x, [1, 0, 2])
        zeros = tf.zeros_like(steps[0])

        def step(t: Any, h: Any, c: Any) -> Any:
            i, f, g, o = tf.split(tf.concat([steps[t], h], 1) @ weights + bias, 4, 1)
            c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(g)
            return t + 1, tf.sigmoid(o) * tf.tanh(c), c

        _, h, _ = tf.while_loop(lambda t, *_: t < length, step, (0, zeros, zeros))
        return h @ last

    return (length, width), apply


def transformer(tf: Any, new: Weights, size: int) -> tuple[tuple[int, ...], Callable[[Any], Any]]:
    """A block with attention."""
    width, heads, length = 4 * size, 4, 2 * size
    q, k, v, out = (new(width, width) for _ in range(4))
    up, down, last = new(width, 2 * width), new(2 * width, width), new(width, 10)

    def split(x: Any) -> Any:
        return tf.transpose(tf.reshape(x, [-1, length, heads, width // heads]), [0, 2, 1, 3])

    def normalized(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-5)

    def apply(x: Any) -> Any:
        y = normalized(x)
        scores = tf.matmul(split(y @ q), split(y @ k), transpose_b=True) / (width // heads) ** 0.5
        mixed = tf.transpose(tf.nn.softmax(scores) @ split(y @ v), [0, 2, 1, 3])
        x = x + tf.reshape(mixed, [-1, length, width]) @ out
        x = x + tf.nn.gelu(normalized(x) @ up) @ down
        return tf.reduce_mean(normalized(x), 1) @ last

    return (length, width), apply


MODELS = {each.__name__: each for each in (mlp, convolutional, residual, recurrent, transformer)}


def losses(name: str, device: str, size: int, batch: int) -> list[float]:
    """The losses of the first steps on a device."""
    tf: Any = importlib.import_module(PUBLIC)
    with override(device=device):
        new = Weights(tf)
        shape, apply = MODELS[name](tf, new, size)
        draw = np.random.default_rng(5)
        x = tf.constant(draw.normal(size=(batch, *shape)).astype("float32"))
        y = tf.constant(draw.integers(0, 10, batch))

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(y, apply(x))
                loss = tf.reduce_mean(entropy)
            for variable, gradient in zip(new.all, tape.gradient(loss, new.all), strict=True):
                variable.assign_sub(RATE * gradient)
            return loss

        return [float(step(x, y)) for _ in range(STEPS)]


def trained(name: str, subject: Subject) -> Iterator[Found]:
    """Compares the losses of a model."""
    size, batch = (4, 2) if subject.is_emulated else (32, 64)
    wanted = losses(name, "CPU", size, batch)
    device_losses = losses(name, subject.device, size, batch)
    worst = max(abs(f - w) / max(abs(w), 1e-6) for f, w in zip(device_losses, wanted, strict=True))
    text = ", ".join(f"{loss:.4f}" for loss in device_losses)
    yield compared(f"losses {text}", worst if worst == worst else float("inf"), ALLOWED)
    falls = device_losses[-1] < device_losses[0]
    yield passed("the loss falls") if falls else failed(f"the loss does not fall: {text}")


STEPS_OF_MODELS = {f"train-{name}": functools.partial(trained, name) for name in MODELS}
