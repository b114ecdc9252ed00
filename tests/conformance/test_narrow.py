"""float16 and bfloat16 over so many elements that sums and counts leave what the types hold: eager and compiled."""

import numpy as np
import pytest

import penstock as tf

COUNT = 70_000  # above the largest float16; bfloat16 lacks it
EPSILON = {"float16": 2**-10, "bfloat16": 2**-7}
RANDOM = np.random.default_rng(0)
LINE = RANDOM.uniform(0.5, 1, COUNT)
IMAGE = RANDOM.uniform(0.5, 1, (1, 280, 280, 2))
IDS = np.zeros(COUNT, np.int32)


def gradient(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


# name -> (what is computed, the same in float64, of what)
CASES = {
    "mean": (tf.reduce_mean, np.mean, LINE),
    "mean of one number": (
        lambda x: tf.reduce_mean(tf.broadcast_to(x[0], [COUNT])), lambda x: x[0], LINE,
    ),
    "variance": (tf.math.reduce_variance, np.var, LINE),
    "mean's gradient": (
        lambda x: gradient(lambda x: tf.reduce_mean(x) * 100, x),
        lambda x: np.full_like(x, 100 / COUNT), LINE,
    ),
    "pooling": (
        lambda x: tf.nn.avg_pool2d(x, 280, 1, "VALID"), lambda x: x.mean((1, 2), keepdims=True), IMAGE,
    ),
    "sum of scaled": (lambda x: tf.reduce_sum(x * tf.cast(0.01, x.dtype)), lambda x: x.sum() * 0.01, LINE),
    "sum of divided": (lambda x: tf.reduce_sum(x / tf.cast(100, x.dtype)), lambda x: x.sum() / 100, LINE),
    "softmax": (lambda x: tf.nn.softmax(x) * 1000, lambda x: softmax(x) * 1000, LINE),
    "log softmax": (tf.nn.log_softmax, lambda x: np.log(softmax(x)), LINE),
    "cross entropy": (
        lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits([0], x[None]),
        lambda x: -np.log(softmax(x))[:1], LINE,
    ),
    "half of the sum of squares": (tf.nn.l2_loss, lambda x: (x * x).sum() / 2, LINE),
    "norm": (tf.math.reduce_euclidean_norm, lambda x: np.sqrt((x * x).sum()), LINE),
    "mean of segments": (lambda x: tf.math.unsorted_segment_mean(x, IDS, 1), lambda x: x.mean(keepdims=True), LINE),
    "sum of segments over the root": (
        lambda x: tf.math.unsorted_segment_sqrt_n(x, IDS, 1),
        lambda x: x.sum(keepdims=True) / COUNT**0.5, LINE,
    ),
    "sum of segments": (lambda x: tf.math.unsorted_segment_sum(x, IDS, 1), lambda x: x.sum(keepdims=True), LINE),
    "scatter": (
        lambda x: tf.scatter_nd(IDS[:, None], x, [2]), lambda x: np.array([x.sum(), 0]), LINE,
    ),
    "gather's gradient": (
        lambda x: gradient(lambda y: tf.reduce_sum(tf.gather(y, IDS) * tf.cast(0.5, x.dtype)), x[:2]),
        lambda x: np.array([COUNT / 2, 0]), LINE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("dtype", list(EPSILON))
@pytest.mark.parametrize("name", list(CASES))
def test_sums_and_counts_beyond_a_narrow_type(name, dtype, compiled):
    function, exact, values = CASES[name]
    x = tf.cast(values, dtype)
    wanted = exact(np.asarray(x).astype(np.float64))
    if compiled:
        function = tf.function(function, autograph=False)
    made = np.asarray(tf.convert_to_tensor(function(x))).astype(np.float64)
    np.testing.assert_allclose(made, wanted, rtol=3 * EPSILON[dtype], atol=1e-3 * EPSILON[dtype])
