"""Calls of operations of every kind, compiled for the GPU, beside the same calls run eagerly on the CPU."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.bridge.cli.doctor.first_light.findings import (
    Found,
    Subject,
    compared,
    failed,
    measured,
)
from penstock._src.bridge.tensorflow_alias import PUBLIC
from penstock._src.util.flags import override

ALLOWED = 1e-4  # relative to the largest element
NARROW = 2e-2  # of half-precision types


def calls(tf: Any) -> dict[str, Callable[[Any, Any], Any]]:
    """The calls by name, as functions of a float32 matrix and a matrix of small integers."""

    def loop(x: Any, n: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            return i + 1, tf.tanh(y @ tf.transpose(y) @ x) + x

        return tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]

    def images(x: Any) -> Any:
        return tf.reshape(x, [2, 8, 8, -1])

    def filters(x: Any) -> Any:
        return tf.reshape(tf.reshape(x, [-1])[: 3 * 3 * 4 * 8], [3, 3, 4, 8])

    return {
        "arithmetic": lambda x, n: (x * 2.0 - tf.square(x)) / (tf.abs(x) + 1.0),
        "functions": lambda x, n: tf.exp(-tf.abs(x)) + tf.sin(x) + tf.math.erf(x) + tf.sqrt(tf.abs(x)),
        "logarithms": lambda x, n: tf.math.log1p(tf.abs(x)) + tf.math.lgamma(tf.abs(x) + 1.0),
        "integers": lambda x, n: n * 3 + n // 2 - n % 3 + tf.bitwise.left_shift(n, 1),
        "comparisons": lambda x, n: tf.where((x > 0.0) & (x < 1.0), x, -x),
        "casts": lambda x, n: tf.cast(x * 10.0, tf.int32) + n,
        "half": lambda x, n: tf.cast(tf.cast(x, tf.float16) * tf.cast(x, tf.float16), tf.float32),
        "bfloat16": lambda x, n: tf.cast(tf.cast(x, tf.bfloat16) + tf.cast(x, tf.bfloat16), tf.float32),
        "float64": lambda x, n: tf.reduce_sum(tf.cast(x, tf.float64) ** 3, 0),
        "sums of rows": lambda x, n: tf.reduce_sum(x, 1),
        "sums of columns": lambda x, n: tf.reduce_mean(x, 0),
        "sums of all": lambda x, n: tf.reduce_logsumexp(x),
        "extremes": lambda x, n: (tf.reduce_max(x, 1), tf.argmin(x, 0)),
        "softmax": lambda x, n: tf.nn.softmax(x) + tf.nn.log_softmax(x),
        "normalization": lambda x, n: tf.nn.l2_normalize(x - tf.reduce_mean(x, 1, True), 1),
        "product": lambda x, n: x @ tf.transpose(x),
        "products of a batch": lambda x, n: tf.einsum("bij,bkj->bik", *[tf.reshape(x, [4, 8, -1])] * 2),
        "convolution": lambda x, n: tf.nn.conv2d(images(x), filters(x), 1, "SAME"),
        "convolution with strides": lambda x, n: tf.nn.conv2d(images(x), filters(x), 2, "VALID"),
        "depthwise convolution": lambda x, n: tf.nn.depthwise_conv2d(
            images(x), filters(x)[..., :1], [1, 1, 1, 1], "SAME"
        ),
        "pooling": lambda x, n: (tf.nn.max_pool2d(images(x), 2, 2, "SAME"), tf.nn.avg_pool2d(images(x), 3, 1, "SAME")),
        "transposes": lambda x, n: tf.transpose(images(x), [3, 0, 2, 1]),
        "slices": lambda x, n: tf.concat([x[1::2, ::-1], tf.pad(x, [[1, 0], [0, 0]])[:4]], 0),
        "gather": lambda x, n: tf.gather(x, n[0] % 4),
        "scatter": lambda x, n: tf.tensor_scatter_nd_add(x, n[:1, :4][..., None][0] % 8, x[:4]),
        "segments": lambda x, n: tf.math.unsorted_segment_sum(x, n[:, 0] % 5, 5),
        "sort": lambda x, n: (tf.sort(x, 1), tf.argsort(x, 0)),
        "top": lambda x, n: tf.math.top_k(x, 3).values,
        "running sums": lambda x, n: tf.cumsum(x, 1, exclusive=True) + tf.math.cumulative_logsumexp(x, 0),
        "one hot": lambda x, n: tf.one_hot(n % 4, 4),
        "random numbers": lambda x, n: tf.random.stateless_normal([64], [1, 2]),
        "loop": loop,
        "condition": lambda x, n: tf.cond(tf.reduce_sum(n) > 3, lambda: x + 1.0, lambda: x - 1.0),
        "gradient": lambda x, n: tf.gradients(tf.reduce_sum(tf.nn.softplus(x @ tf.transpose(x))), x)[0],
    }  # fmt: skip


def conformance(subject: Subject) -> Iterator[Found]:
    """Compares each call."""
    tf: Any = importlib.import_module(PUBLIC)
    draw = np.random.default_rng(7)
    x = tf.constant(draw.normal(size=(32, 16)).astype(np.float32))
    n = tf.constant(draw.integers(0, 9, (32, 16)).astype(np.int32))
    right = 0
    for name, call in calls(tf).items():
        try:
            with override(device="CPU"):
                wanted = tf.nest.flatten(tf.function(call)(x, n))
            # Whole float32 products: the step `products` allows TF32.
            with override(device=subject.device, tensor_float_32=False):
                results = tf.nest.flatten(tf.function(call)(x, n))
            worst = max(
                _difference(f.numpy(), w.numpy()) for f, w in zip(results, wanted, strict=True)
            )
        except Exception as error:  # the report goes on after a failure
            yield failed(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
            continue
        verdict = compared(name, worst, NARROW if name in ("half", "bfloat16") else ALLOWED)
        if verdict.level == "failed":
            yield verdict
        right += verdict.level == "passed"
    yield measured(f"{right} of {len(calls(tf))} kinds of calls agree with the CPU's results")


def _difference(result: Any, wanted: Any) -> float:
    """The largest difference, relative to the largest element; infinite if shapes differ or either has a NaN."""
    if result.shape != wanted.shape or result.dtype != wanted.dtype:
        return float("inf")
    if not wanted.size:
        return 0.0
    a, b = (np.asarray(each, np.float64) for each in (result, wanted))
    worst = np.max(np.abs(a - b)) / max(1.0, float(np.max(np.abs(b))))
    return float(worst) if np.isfinite(worst) else float("inf")
