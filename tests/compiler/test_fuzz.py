"""Small random graphs give what eager execution gives."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penstock as tf

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
EXTENTS = st.sampled_from([1, 2, 3, 7])

UNARY = [
    tf.abs,
    tf.negative,
    tf.square,
    tf.sign,
    lambda x: tf.where(x > 0, x, -x * 3),
    lambda x: tf.reshape(x, [-1]),
    lambda x: tf.transpose(x),
    lambda x: tf.gather(x, [0, 0], axis=-1),
    lambda x: tf.gather(x, [0, 0], axis=0),
    lambda x: tf.concat([x, x], 0),
    lambda x: tf.concat([x, x], -1),
    lambda x: x[..., ::-1],
    lambda x: x[::2],
    lambda x: tf.cumsum(x, 0, exclusive=True),
    lambda x: tf.cumsum(x, -1, reverse=True),
    lambda x: tf.reduce_sum(x, 0, keepdims=True),
    lambda x: tf.reduce_max(x, -1, keepdims=True),
    lambda x: tf.reduce_min(x, 0, keepdims=True),
    lambda x: tf.sort(x),
    lambda x: tf.pad(x, [[1, 0]] * x.shape.rank),
    lambda x: tf.cast(tf.argmax(x, 0)[None], x.dtype),
]
FLOATS = [
    tf.tanh,
    tf.sigmoid,
    lambda x: tf.exp(-tf.abs(x)),
    tf.nn.softmax,
    lambda x: tf.reduce_mean(x, 0, keepdims=True),
]
BINARY = [tf.add, tf.subtract, tf.multiply, tf.maximum, lambda x, y: tf.where(x > y, x, y + 1)]
STEP = st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))


def program(steps, *arguments):
    """Applies each step to values that earlier ones gave; returns all that were made."""
    values = list(arguments)
    is_float = arguments[0].dtype.is_floating
    for which, first, second in steps:
        x, y = values[first % len(values)], values[second % len(values)]
        functions = UNARY + (FLOATS if is_float else [])
        if which % 3:
            made = functions[which % len(functions)](x)
        elif which % 2 and x.shape.rank == y.shape.rank == 2 and x.shape[1] == y.shape[0]:
            made = tf.matmul(x, y)
        else:
            try:
                tf.broadcast_static_shape(x.shape, y.shape)
            except ValueError:
                continue
            made = BINARY[which % len(BINARY)](x, y)
        if made.shape.num_elements() <= 4096:
            values.append(tf.clip_by_value(made, tf.cast(-50, x.dtype), tf.cast(50, x.dtype)))
    return values[len(arguments) :]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 10,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(STEP, min_size=2, max_size=9),
    EXTENTS,
    EXTENTS,
    st.sampled_from(["float32", "int32", "float64"]),
)
def test_compiled_is_eager(steps, rows, columns, dtype):
    draw = np.random.RandomState(rows * 31 + columns)
    shapes = [(rows, columns), (columns, rows), (1, columns)]
    arguments = [tf.cast(draw.randint(-9, 10, s) / 2, dtype) for s in shapes]
    expected = program(steps, *arguments)
    if expected:
        found = tf.function(lambda *a: program(steps, *a), autograph=False)(*arguments)
        for e, f in zip(expected, found, strict=True):
            assert e.dtype == f.dtype and e.shape == f.shape
            np.testing.assert_allclose(e.numpy(), f.numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "function",
    [
        lambda b, c: (tf.gather(b, [0, 0]) + 1, tf.gather(c, [0, 0], axis=1) + 1),
        lambda b, c: (tf.concat([b[:1], b[:1]], 1) + 1, tf.concat([c, c], 0) + 1),
        lambda b, c: (tf.broadcast_to(c, [1, 5]) * 2, b * 2),
    ],
)
def test_spaces_that_differ_in_axes_of_one(function):
    b, c = tf.constant([[1], [2], [3], [4], [5]]), tf.constant([[-2]])
    for expected, found in zip(function(b, c), tf.function(function)(b, c), strict=True):
        np.testing.assert_array_equal(expected.numpy(), found.numpy())
