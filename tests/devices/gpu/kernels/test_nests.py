"""Loop nests on the emulated GPU, beside the interpreter of primitives."""

import numpy as np
import pytest

import penstock as tf
from tests.devices.gpu.emulated import by_reference, on_gpu

RANDOM = np.random.default_rng(7)


def normal(*shape):
    return tf.constant(RANDOM.standard_normal(shape).astype(np.float32))


CASES = {
    "elementwise": (lambda x: tf.exp(x) * 2.0 + tf.tanh(x), (37, 129)),
    "vectors": (lambda x: x * 2.0 - tf.abs(x), (64, 64)),
    "a tail of vectors": (lambda x: x * x, (1027,)),
    "broadcasts": (lambda x: x + x[0] - x[:, :1], (33, 20)),
    "transposes": (lambda x: tf.transpose(x, [2, 0, 1]) + 1.0, (3, 5, 7)),
    "pads and slices": (lambda x: tf.pad(x, [[1, 1], [2, 3]])[::2, ::-1], (37, 29)),
    "concats": (lambda x: tf.concat([x, x * 2.0], 1), (5, 7)),
    "short sums": (lambda x: tf.reduce_sum(x, 1), (100, 9)),
    "sums by warps": (lambda x: tf.reduce_sum(x, 1), (40, 200)),
    "sums by blocks": (lambda x: tf.reduce_sum(x, 1), (3, 5000)),
    "sums of everything": (lambda x: tf.reduce_sum(x), (100, 900)),
    "sums of columns": (lambda x: tf.reduce_sum(x, 0), (300, 70)),
    "sums of two axes": (lambda x: tf.reduce_mean(x, [0, 2]), (6, 5, 50)),
    "largest": (lambda x: tf.reduce_max(x, 1) - tf.reduce_min(x, 1), (7, 333)),
    "products": (lambda x: tf.reduce_prod(x * 0.1 + 1.0, 1), (7, 60)),
    "any and all": (lambda x: (tf.reduce_any(x > 3, 1), tf.reduce_all(x < 3, 1)), (40, 1500)),
    "least of sums": (lambda x: tf.reduce_min(tf.einsum("be,abcde->abcd", x[0, :, 0, 0], x), [1, 2, 3]), (2, 4, 4, 2, 2)),
    "largest of sums by blocks": (lambda x: tf.reduce_max(tf.einsum("be,abcde->abcd", x[0, :, 0, 0], x), [1, 2, 3]), (2, 4, 70, 5, 2)),
    "first largest": (lambda x: tf.argmax(tf.round(x), 1), (9, 500)),
    "first least of columns": (lambda x: tf.argmin(tf.round(x), 0), (500, 9)),
    "moments": (lambda x: tf.nn.moments(x, [1]), (20, 300)),
    "softmax by warps": (tf.nn.softmax, (12, 100)),
    "softmax by blocks": (tf.nn.softmax, (3, 4000)),
    "layer norm": (
        lambda x: (x - tf.reduce_mean(x, 1, True)) * tf.math.rsqrt(tf.math.reduce_variance(x, 1, True) + 1e-3),
        (11, 257),
    ),
    "gathers": (lambda x: tf.gather(x, [3, 1, 2, 3]), (5, 33)),
    "pooling": (lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), (2, 8, 8, 4)),
    "bfloat16": (lambda x: tf.cast(tf.cast(x, tf.bfloat16) * 3, tf.float32), (31, 8)),
    "float16": (lambda x: tf.reduce_sum(tf.cast(x, tf.float16), 1), (31, 88)),
    "float64": (lambda x: tf.reduce_sum(tf.exp(tf.cast(x, tf.float64)), 1), (3, 300)),
    "complex": (lambda x: tf.abs(tf.complex(x, x * 2.0)), (9, 17)),
    "int64": (lambda x: tf.reduce_sum(tf.cast(x * 100, tf.int64), 1), (9, 170)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_nest_computes_what_the_interpreter_does(name):
    function, shape = CASES[name]
    x = normal(*shape)
    found, wanted = on_gpu(function, x), by_reference(function, x)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_of_equal_elements_the_first_is_found():
    rows = np.zeros((3, 100), np.float32)
    rows[1, [33, 99]] = 5
    rows[2] = -np.inf
    np.testing.assert_array_equal(on_gpu(lambda x: tf.argmax(x, 1), tf.constant(rows)), [0, 33, 0])


@pytest.mark.parametrize("rows", [0, 1, 5, 64])
def test_one_kernel_serves_every_number_of_rows(rows):
    function = tf.function(
        lambda x: tf.nn.softmax(x) + 1.0, input_signature=[tf.TensorSpec([None, 50])]
    )
    x = normal(rows, 50)
    np.testing.assert_allclose(on_gpu(function, x), tf.nn.softmax(x).numpy() + 1, rtol=1e-5)
