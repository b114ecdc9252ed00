"""Functions whose values depend on unknown extents by a remainder, a bit, a table or a comparison: many sizes in changing order.

They run as users run them: without the flags of tests.
"""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util import flags

SIZES = (13, 25, 8, 12, 1, 13, 49, 7, 0, 25, 8)
MANY_SIZES = (*range(1, 24), 3, 23, 8)
TABLE = np.arange(1, 25, dtype=np.float32).reshape(8, 3)
SQUARE = np.arange(36, dtype=np.float32).reshape(6, 6) + 1
IMAGE = np.arange(72, dtype=np.float32).reshape(1, 6, 6, 2)


@pytest.fixture(autouse=True)
def as_users_run_it():
    with flags.override(verify=0, check=0, guard=0, checked=0, disable="", optimize=2):
        yield


def f(n):
    return tf.cast(n, tf.float32)


def gradient(function):
    """A function of x and n, and its gradient by x."""

    def both(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, n)
        return y, tape.gradient(y, x)

    return both


def grown(x, n):
    rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[3])
    step = lambda i, rows: (i + 1, rows.write(i, f(i) + tf.reduce_sum(x, 0)))  # noqa: E731
    return tf.while_loop(lambda i, rows: i < n % 4 + 1, step, [0, rows])[1].stack()


PROGRAMS = {
    "switch_case": lambda x, n: tf.switch_case(n % 3, [lambda: x + 9.0, lambda: x * 2.0, lambda: x - 7.0]),
    "cond": lambda x, n: tf.cond(tf.cast(n % 2, tf.bool), lambda: x + 9.0, lambda: x * 2.0),
    "power_of_two": lambda x, n: tf.cond(tf.equal(tf.bitwise.bitwise_and(n, n - 1), 0), lambda: x, lambda: -x),
    "bits": lambda x, n: x * f(tf.bitwise.bitwise_xor(n, 5) - tf.bitwise.right_shift(n, 1)),
    "table": lambda x, n: x * tf.gather(tf.constant(TABLE), n % 8),
    "indexed": lambda x, n: x + tf.constant(TABLE)[n % 8],
    "days": lambda x, n: x * f(tf.constant([31, 28, 31, 30, 31, 30, 31])[n % 7]),
    "comparison": lambda x, n: x * tf.where(n > 12, 2.0, tf.where(tf.equal(n, 12), 3.0, 5.0)),
    "roll": gradient(lambda x, n: tf.roll(x, n % 5, 0) * tf.sin(x)),
    "axis": lambda x, n: tf.reduce_sum(x) * tf.reduce_sum(tf.constant(SQUARE), n % 2) + tf.cumsum(SQUARE, n % 2)[1],
    "argmax_axis": lambda x, n: (tf.argmax(tf.sin(tf.constant(SQUARE)), axis=n % 2), tf.reduce_sum(x)),
    "transpose": lambda x, n: tf.transpose(tf.constant(SQUARE), [n % 2, 1 - n % 2]) * tf.reduce_sum(x),
    "band_part": lambda x, n: tf.linalg.band_part(tf.constant(SQUARE), n % 4, n % 3) * tf.reduce_sum(x),
    "diag": lambda x, n: tf.linalg.diag([1.0, 2.0, 3.0], k=n % 4) * tf.reduce_sum(x),
    "top_k": lambda x, n: (tf.math.top_k(tf.constant(TABLE[:, 0]), n % 4 + 1)[0], tf.reduce_sum(x)),
    "range": lambda x, n: (tf.range(n % 5), tf.range(n % 5, 20, n % 3 + 1), tf.reduce_sum(x)),
    "linspace": gradient(lambda x, n: tf.linspace(tf.reduce_sum(x), 1.0, n % 4 + 1)),
    "while": lambda x, n: tf.while_loop(lambda i, a: i < n % 6, lambda i, a: (i + 1, a * 2.0), [0, x])[1],
    "maximum_iterations": lambda x, n: tf.while_loop(
        lambda i, a: i < 9, lambda i, a: (i + 1, a + 2.0), [0, x], maximum_iterations=n % 6
    )[1],
    "grown": grown,
    "slices": lambda x, n: (x[n % 4 :] * 2.0, x[: n % 4 + 1], x[:: n % 3 + 1] * 2.0, x[: -(n % 4 + 1)], x[:n // 2]),
    "pad_to_multiple": gradient(lambda x, n: tf.tanh(tf.pad(x, [[0, -n % 4], [0, 0]]))),
    "pad_in_front": gradient(lambda x, n: tf.cumsum(tf.pad(x, [[-n % 4, 0], [0, 0]])) ** 2),
    "chunks": lambda x, n: tf.reduce_sum(tf.reshape(tf.pad(x, [[0, -n % 4], [0, 0]]), [-1, 4, 3]), 1),
    "space_to_batch": lambda x, n: tf.space_to_batch(x[None], [4], [[0, -n % 4]]) * 2.0,
    "reshape": lambda x, n: tf.reshape(tf.range(60.0), [n % 5 + 1, -1]) * tf.reduce_sum(x),
    "interleaved": lambda x, n: tf.transpose(tf.reshape(x[: n - n % 2], [2, n // 2, 3]), [1, 0, 2]) * 2.0,
    "tile": lambda x, n: tf.tile(x, [n % 3, 2]),
    "repeat": lambda x, n: tf.repeat(x, n % 3 + 1, axis=1) + f(n),
    "one_hot": lambda x, n: tf.one_hot([0, 2], n % 4 + 1) * tf.reduce_sum(x),
    "division": lambda x, n: (tf.cast(x, tf.int32) // (n % 4 + 1), tf.cast(x, tf.int32) % (n % 4 + 1)),
    "seed": lambda x, n: tf.random.stateless_normal([n % 7], [n % 4, 1]) * tf.reduce_sum(x),
    "resize": lambda x, n: tf.image.resize(tf.constant(IMAGE), [n % 4 + 2, 5]) * tf.reduce_sum(x),
    "crop": lambda x, n: tf.image.crop_to_bounding_box(tf.constant(IMAGE), n % 3, n % 2, 3, 3) * tf.reduce_sum(x),
    "rot90": lambda x, n: tf.image.rot90(tf.constant(IMAGE), k=n % 4) * tf.reduce_sum(x),
    "segment_sum": lambda x, n: tf.math.unsorted_segment_sum(x, tf.range(n) % (n % 3 + 1), n % 3 + 2),
    "bincount": lambda x, n: (tf.math.bincount(tf.range(n) % 5, minlength=n % 4 + 1, maxlength=n % 4 + 1), x[:1]),
    "median": lambda x, n: tf.sort(tf.pad(x, [[0, 2], [0, 0]]), 0)[n // 2],
    "frame": lambda x, n: tf.signal.frame(x[:, 0], 4, n % 3 + 1, pad_end=True) * 2.0,
    "gathered": lambda x, n: tf.gather(x, (tf.range(n) * 3 + n % 4) % tf.maximum(n, 1)) * 2.0,
    "int8": lambda x, n: x * f(tf.cast(n * 37, tf.int8)),
}  # fmt: skip


def compare(traced, function, *arrays):
    given = [tf.constant(array) for array in arrays]
    found = tf.nest.flatten(traced(*given))
    expected = tf.nest.flatten(function(*given))
    shapes = [array.shape for array in arrays]
    for made, wanted in zip(found, expected, strict=True):
        assert made.shape == wanted.shape, f"{shapes}"
        np.testing.assert_allclose(made, wanted, 2e-4, 1e-4, err_msg=f"{shapes}")


def data(rows, columns=3):
    return (np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) % 17 - 5) / 4


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_extent(name):
    function = lambda x: PROGRAMS[name](x, tf.shape(x)[0])  # noqa: E731
    traced = tf.function(function, input_signature=[tf.TensorSpec([None, 3])])
    for n in SIZES:
        compare(traced, function, data(n))


@pytest.mark.parametrize(
    "name", ["switch_case", "bits", "roll", "pad_in_front", "slices", "gathered"]
)
def test_more_sizes_than_are_planned_for(name):
    function = lambda x: PROGRAMS[name](x, tf.shape(x)[0])  # noqa: E731
    traced = tf.function(function, input_signature=[tf.TensorSpec([None, 3])])
    for n in MANY_SIZES:
        compare(traced, function, data(n))


# Equal, products of one another, one more, 0, 1 and primes.
PAIRS = (
    (6, 6),
    (4, 2),
    (2, 4),
    (5, 6),
    (7, 1),
    (1, 7),
    (1, 1),
    (3, 9),
    (13, 11),
    (0, 3),
    (6, 6),
    (3, 0),
    (8, 9),
    (4, 16),
)


def crossed(x, y):
    n, m = tf.shape(x)[0], tf.shape(y)[0]
    return tf.tensordot(x[:, 0], y[:, 0], 0)[n % 2 :, : m % 3 + 1] * f(n * m % 5)


TWO = {
    "crossed": crossed,
    "minimum": lambda x, y: (
        x[: tf.shape(y)[0]] + y[: tf.minimum(tf.shape(x)[0], tf.shape(y)[0])][:1]
    ),
    "equal": lambda x, y: tf.cond(
        tf.equal(tf.shape(x)[0], tf.shape(y)[0]), lambda: x + 1.0, lambda: x - 1.0
    ),
    "joined": lambda x, y: tf.roll(tf.concat([x, y], 0), tf.shape(x)[0] - tf.shape(y)[0], 0),
    "repeated": lambda x, y: tf.pad(
        tf.repeat(tf.repeat(x, 2, 0), 2, 1), [[1, tf.shape(y)[0] % 3], [1, 1]]
    ),
    "product": lambda x, y: (
        tf.reshape(tf.tile(x, [tf.shape(y)[0], 1]), [tf.shape(y)[0], tf.shape(x)[0], 3]) * 2.0
    ),
}


@pytest.mark.parametrize("name", TWO)
def test_two_extents_that_coincide(name):
    specs = [tf.TensorSpec([None, None]), tf.TensorSpec([None, None])]
    traced = tf.function(TWO[name], input_signature=specs)
    for n, m in PAIRS:
        compare(traced, TWO[name], data(n), data(m) + 1.0)
