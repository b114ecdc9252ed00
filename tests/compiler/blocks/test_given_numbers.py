"""Numbers that inputs hold: one program takes 0, 1 and larger ones, unlike for extents."""

import numpy as np
import pytest

import penstock as tf

ROWS, NUMBER = tf.TensorSpec([None, 3]), tf.TensorSpec([], tf.int32)
X = np.arange(36, dtype=np.float32).reshape(12, 3)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: tf.pad(x, [[n, 0], [0, 12 - n]]),
        lambda x, n: x[n:],
        lambda x, n: tf.concat([x[:n], -x[n:]], 0),
        lambda x, n: tf.image.pad_to_bounding_box(x[None, :, :, None], n, 0, 24, 3),
        lambda x, n: tf.reshape(tf.tile(x, [1, n]), [12, n, 3]),
        lambda x, n: tf.range(n) * 2,
        lambda x, n: tf.while_loop(
            lambda i, _: i < n, lambda i, s: (i + 1, s + x[i]), (0, tf.zeros([3]))
        ),
    ],
)
def test_one_program_takes_small_and_large_numbers(function):
    compiled = tf.function(function, input_signature=[ROWS, NUMBER], autograph=False)
    for n in (5, 0, 1, 2, 11, 3, 0):
        given = tf.constant(X), tf.constant(n)
        for found, expected in zip(
            tf.nest.flatten(compiled(*given)), tf.nest.flatten(function(*given)), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    (trace,) = compiled._list_all_concrete_functions()
    assert len(trace.graph_function.executable.block.programs) == 1


@pytest.mark.parametrize("rows", [100, None])
def test_long_constants_that_an_operation_needs_as_numbers(rows):
    sizes = np.arange(100, dtype=np.int32) % 3
    x = np.arange(2.0 * sizes.sum(), dtype=np.float32).reshape(-1, 2)
    signature = [tf.TensorSpec([rows and len(x), 2])]
    parts = tf.function(lambda x: tf.split(x, sizes, num=100), input_signature=signature)(x)
    for part, expected in zip(parts, np.split(x, sizes.cumsum()[:-1]), strict=True):
        np.testing.assert_array_equal(part, expected)
