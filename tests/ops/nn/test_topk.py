"""The order of `tf.math.top_k(sorted=False)`, as TensorFlow 2.21 gives it: samplers draw by places in it."""

import numpy as np
import pytest

import penstock as tf

# Values, k, and the indices that TensorFlow gives.
ORDERS = [
    ([2, 0, 1], 2, [2, 0]),
    ([2, 1, 3, 0], 3, [1, 0, 2]),
    ([3, 2, 1, 0], 3, [2, 1, 0]),
    ([0, 3, 4, 1, 2], 3, [4, 2, 1]),
    ([0, 4, 2, 3, 1], 3, [2, 3, 1]),
    ([1, 0, 4, 2, 3], 3, [3, 2, 4]),
    ([2, 2, 2, 2], 2, [1, 0]),
    ([5, 7, 1], 3, [1, 0, 2]),
    ([5, 7, 1], 1, [1]),
]


@pytest.mark.parametrize("values, k, expected", ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "bfloat16"])
def test_unsorted_elements_have_the_order_of_a_heap(values, k, expected, dtype):
    x = tf.constant(values, dtype)

    def f(x):
        return tf.math.top_k(x, k, sorted=False)

    for run in (f, tf.function(f)):
        found = run(x)
        assert found.indices.numpy().tolist() == expected
        assert found.values.numpy().tolist() == [values[i] for i in expected]


def test_many_lines_of_many_elements_are_kept_alike_by_the_host_and_by_kernels():
    x = np.random.RandomState(0).randint(-40, 40, (3, 2, 700)).astype(np.float32)
    x[0, 0, ::7] = np.nan

    @tf.function(input_signature=[tf.TensorSpec([None, None, None])])
    def f(x):
        return tf.math.top_k(x * 1.0, tf.shape(x)[-1] // 50, sorted=False)

    for count in (700, 150):
        part = x[..., :count]
        values, indices = tf.math.top_k(part, count // 50, sorted=False)
        np.testing.assert_array_equal(f(part)[1], indices)
        np.testing.assert_array_equal(f(part)[0], values)


def test_the_gradient_goes_to_the_elements_that_were_kept():
    x = tf.Variable([0.0, 3.0, 4.0, 1.0, 2.0])

    @tf.function
    def f():
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.math.top_k(x, 3, sorted=False).values * [1.0, 2.0, 3.0])
        return tape.gradient(y, x)

    assert f().numpy().tolist() == [0.0, 3.0, 2.0, 0.0, 1.0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "uint8"])
def test_the_largest_is_the_first_of_equals_and_nan_only_of_nan(dtype):
    random = np.random.default_rng(1)
    values = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, 1e-40])
    if tf.as_dtype(dtype).is_integer:
        values = np.arange(4)
    largest = tf.function(lambda x: tf.math.top_k(x, 1))
    for kinds in range(1, len(values) + 1):
        x = tf.cast(random.choice(values[:kinds], (40, 6)), dtype)
        rows = np.asarray(tf.cast(x, tf.float64))
        order = [
            max(
                range(6),
                key=lambda i: (
                    row[i] == row[i],
                    np.nan_to_num(row[i], nan=0, posinf=9, neginf=-9),
                    -i,
                ),
            )
            for row in rows
        ]
        found, index = largest(x)
        np.testing.assert_array_equal(index[:, 0], order)
        np.testing.assert_array_equal(tf.cast(found[:, 0], tf.float64), rows[np.arange(40), order])
