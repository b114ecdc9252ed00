"""Prints a digest of the bits of each result; so the results of processes with other numbers of threads can be compared.

PENSTOCK_THREADS=8 python -m tests.soak.determinism
"""

import hashlib
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

import penstock as tf

CASES: dict[str, Callable[[], Any]] = {}
OF_VARIABLES = (
    "updates",
    "generators",
    "training",
)  # make them, which a traced function may do once
LARGE = 300_000  # elements: enough for several tasks


def case(function: Callable[[], Any]) -> Callable[[], Any]:
    CASES[function.__name__] = function
    return function


def numbers(*shape: int, seed: int = 1) -> tf.Tensor:
    """Values of very different sizes, so that sums depend on their order."""
    draw = np.random.default_rng(seed)
    values = draw.standard_normal(shape) * 10.0 ** draw.integers(-4, 4, shape)
    return tf.constant(values.astype(np.float32))


def places(count: int, most: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(2).integers(0, most, count).astype(np.int32))


def gradients(function: Callable[..., Any], *inputs: tf.Tensor) -> list[tf.Tensor]:
    """The result and the gradients of its sum."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        result = function(*inputs)
        total = tf.reduce_sum(result * result)
    return [result, *tape.gradient(total, inputs)]


@case
def reductions() -> Any:
    x = numbers(600, 500)
    reduce = (tf.reduce_sum, tf.reduce_mean, tf.reduce_prod, tf.reduce_max, tf.reduce_logsumexp)
    means = [tf.math.reduce_std(x), tf.math.reduce_variance(x, 0), tf.math.reduce_euclidean_norm(x)]
    return [[r(x), r(x, 0), r(x, 1)] for r in reduce], means


@case
def scans() -> Any:
    x = numbers(400, 600)
    return tf.cumsum(x, 0), tf.cumsum(x, 1), tf.math.cumulative_logsumexp(x, 1), tf.math.cumprod(x)


@case
def norms() -> Any:
    x, scale = numbers(200, 16, 16, 8), tf.ones([8])
    batch = tf.raw_ops.FusedBatchNormV3(x=x, scale=scale, offset=scale, mean=[], variance=[])[:3]
    return (
        batch,
        gradients(lambda x: tf.nn.softmax(x), numbers(600, 500)),
        tf.nn.moments(x, [0, 1, 2]),
    )


@case
def products() -> Any:
    a, b = numbers(257, 700), numbers(700, 131, seed=3)
    batched = gradients(tf.matmul, numbers(5, 64, 96), numbers(5, 96, 32, seed=4))
    return (
        gradients(tf.matmul, a, b),
        batched,
        tf.einsum("ij,jk->k", a, b),
    )


@case
def long_products() -> Any:
    x = numbers(8, 50_000)
    return tf.matmul(x, x, transpose_b=True), gradients(lambda x: tf.linalg.matvec(x, x[0]), x)


@case
def convolutions() -> Any:
    x = numbers(9, 30, 30, 8)
    same = [
        gradients(lambda x, w, s=s: tf.nn.conv2d(x, w, s, "SAME"), x, numbers(k, k, 8, 16))
        for k in (1, 3, 5)
        for s in (1, 2)
    ]
    deep = gradients(
        lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), x, numbers(3, 3, 8, 2)
    )
    turned = gradients(
        lambda x, w: tf.nn.conv2d_transpose(x, w, [9, 60, 60, 4], 2, "SAME"), x, numbers(3, 3, 4, 8)
    )
    volume = gradients(
        lambda x, w: tf.nn.conv3d(x, w, [1] * 5, "SAME"),
        numbers(2, 9, 9, 9, 4),
        numbers(3, 3, 3, 4, 8),
    )
    wide = gradients(
        lambda x, w: tf.nn.conv2d(x, w, 1, "SAME", dilations=2), x, numbers(3, 3, 8, 4)
    )
    return same, deep, turned, volume, wide


@case
def poolings() -> Any:
    x = numbers(9, 30, 30, 8)
    pools = [tf.nn.max_pool2d, tf.nn.avg_pool2d]
    return [gradients(lambda x, p=p, s=s: p(x, 3, s, "SAME"), x) for p in pools for s in (1, 2)]


@case
def bias() -> Any:
    return gradients(tf.nn.bias_add, numbers(700, 300), numbers(300)), gradients(
        tf.add, numbers(40, 50, 60), numbers(50, 1)
    )


@case
def scatters() -> Any:
    values, at = numbers(LARGE), places(LARGE, 1000)
    zeros = tf.zeros([1000])
    found = [
        tf.scatter_nd(at[:, None], values, [1000]),
        tf.tensor_scatter_nd_add(zeros, at[:, None], values),
    ]
    return found, tf.tensor_scatter_nd_max(zeros, at[:, None], values)


@case
def updates() -> Any:
    variable = tf.Variable(tf.zeros([1000]))
    slices = tf.IndexedSlices(numbers(LARGE), places(LARGE, 1000))
    variable.scatter_add(slices)
    variable.scatter_sub(slices)
    return variable.read_value()


@case
def segments() -> Any:
    values, at = numbers(20_000, 16), places(20_000, 100)
    ordered = tf.sort(at)
    unsorted = (
        tf.math.unsorted_segment_sum,
        tf.math.unsorted_segment_mean,
        tf.math.unsorted_segment_prod,
    )
    return (
        [s(values, at, 100) for s in unsorted],
        tf.math.segment_sum(values, ordered),
        tf.math.segment_mean(values, ordered),
    )


@case
def lookups() -> Any:
    return gradients(lambda w: tf.gather(w, places(50_000, 300)), numbers(300, 16)), gradients(
        lambda w: tf.gather_nd(w, places(50_000, 300)[:, None]), numbers(300, 16)
    )


@case
def histograms() -> Any:
    at = places(LARGE, 100)
    return tf.math.bincount(at, weights=numbers(LARGE), minlength=100), tf.histogram_fixed_width(
        numbers(LARGE), [-1.0, 1.0]
    )


@case
def sparse() -> Any:
    at = tf.stack([tf.sort(places(20_000, 500)), places(20_000, 400)], 1)
    x = tf.sparse.SparseTensor(tf.cast(at, tf.int64), numbers(20_000), [500, 400])
    return gradients(
        lambda b: tf.sparse.sparse_dense_matmul(x, b), numbers(400, 30)
    ), tf.sparse.reduce_sum(x, 1)


@case
def losses() -> Any:
    logits, labels = numbers(3000, 100), places(3000, 100)
    sparse = lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels, x)  # noqa: E731
    return gradients(sparse, logits), gradients(tf.nn.l2_loss, logits)


@case
def images() -> Any:
    x = numbers(4, 40, 40, 3)
    sizes = [
        gradients(lambda x, m=m: tf.image.resize(x, [61, 57], m), x)
        for m in ("bilinear", "nearest", "bicubic")
    ]
    boxes = tf.constant(np.random.default_rng(3).random((50, 4)).astype(np.float32))
    crops = gradients(lambda x: tf.image.crop_and_resize(x, boxes, places(50, 4), [7, 7]), x)
    return sizes, crops


@case
def random_numbers() -> Any:
    tf.random.set_seed(7)
    kinds = [
        tf.random.normal([LARGE]),
        tf.random.uniform([LARGE]),
        tf.random.truncated_normal([LARGE]),
        tf.random.shuffle(tf.range(5000)),
    ]
    kinds += [
        tf.random.gamma([50_000], 0.7),
        tf.random.poisson([50_000], 4.0),
        tf.random.categorical(numbers(300, 20), 100),
    ]
    kinds += [tf.nn.dropout(numbers(LARGE), 0.3), tf.random.stateless_normal([LARGE], [1, 2])]
    return kinds


@case
def generators() -> Any:
    generator = tf.random.Generator.from_seed(3)
    return (
        generator.normal([LARGE]),
        generator.uniform([LARGE]),
        generator.binomial([9000], 9.0, 0.4),
    )


@case
def sorting() -> Any:
    x = places(LARGE, 5000)
    return (
        tf.argsort(x, stable=True),
        tf.math.top_k(x, 100),
        tf.unique_with_counts(x),
        tf.where(x > 2500),
    )


@case
def linear_algebra() -> Any:
    x = numbers(3, 80, 80) / 1e4
    spd = tf.matmul(x, x, transpose_b=True) + tf.eye(80)
    return (
        tf.linalg.cholesky(spd),
        tf.linalg.inv(spd),
        tf.linalg.det(spd),
        tf.linalg.solve(spd, x),
        tf.linalg.eigvalsh(spd),
    )


@case
def training() -> Any:
    first, second = tf.Variable(numbers(64, 128) / 1e4), tf.Variable(numbers(128, 10) / 1e4)
    x, labels = numbers(500, 64) / 1e4, places(500, 10)
    for _ in range(5):
        with tf.GradientTape() as tape:
            logits = tf.nn.relu(x @ first) @ second
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        for variable, gradient in zip(
            (first, second), tape.gradient(loss, [first, second]), strict=True
        ):
            variable.assign_sub(0.1 * gradient)
    return first.read_value(), second.read_value()


@case
def fourier() -> Any:
    x = numbers(50, 4096)
    return tf.signal.rfft(x), tf.signal.stft(x, 256, 128), tf.signal.fft2d(tf.complex(x, x))


def digest(result: Any) -> str:
    """Of the bits of all tensors in a structure."""
    made = hashlib.sha256()
    for tensor in tf.nest.flatten(result, expand_composites=True):
        made.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return made.hexdigest()[:16]


def main() -> None:
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.random.set_seed(1)
    tf.config.experimental.enable_op_determinism()
    for name, function in CASES.items():
        print(name, "eager", digest(function()))
        tf.random.set_seed(1)
        if name not in OF_VARIABLES:
            print(name, "compiled", digest(tf.function(function, autograph=False)()))


if __name__ == "__main__":
    main()
