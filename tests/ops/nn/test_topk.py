"""The order of `tf.math.top_k(sorted=False)`, as TensorFlow 2.21 gives it (samplers draw by places in it), and other selections."""

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


@pytest.mark.parametrize("k", [1, 3, 20])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("find", [tf.math.approx_max_k, tf.math.approx_min_k])
def test_approximate_extremes_are_compiled(k, axis, find):
    x = np.random.default_rng(0).integers(0, 9, (21, 20, 20)).astype(np.float32)
    x[0, 3, 5], x[2, 2, 2] = np.nan, -np.inf
    function = tf.function(lambda x: find(x, k, axis), autograph=False)
    assert "host" not in str(function.explain(x))
    for found, wanted in zip(function(x), find(x, k, axis), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_approximate_extremes_of_too_few_elements_are_refused():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="at least k columns"):
        tf.function(lambda x: tf.math.approx_max_k(x, 4))(np.ones((2, 3), np.float32))


@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize("columns", [20, 300])
def test_elements_in_order_of_short_and_long_rows(columns, reverse):
    x = np.random.default_rng(0).normal(size=(40, columns)).astype(np.float32)
    wanted = np.sort(x)[:, ::-1][:, 7] if reverse else np.sort(x)[:, 7]
    select = lambda x: tf.raw_ops.NthElement(input=x * 1.0, n=7, reverse=reverse)  # noqa: E731
    np.testing.assert_array_equal(select(x), wanted)
    np.testing.assert_array_equal(tf.function(select, autograph=False)(x), wanted)
    in_a_loop = tf.function(
        lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, select(x)), [0, x[:, 0]])[
            1
        ]
    )
    np.testing.assert_array_equal(in_a_loop(x), wanted)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint32, np.float16, np.float32])
@pytest.mark.parametrize("columns", [3, 100])
def test_of_equal_elements_in_many_rows_the_first_comes_first(dtype, columns):
    rng = np.random.default_rng(columns)
    rows = np.round(rng.normal(size=(200, columns)) * 3)
    if np.dtype(dtype).kind == "f":
        rows[rows == 1] = -0.0
        rows[0, 0], rows[1, 1] = np.inf, -np.inf
    rows = (np.abs(rows) if np.dtype(dtype).kind == "u" else rows).astype(dtype)
    values, places = tf.math.top_k(rows, 3)
    expected = np.argsort(-rows.astype(np.float64), axis=-1, kind="stable")[:, :3]
    assert places.numpy().tolist() == expected.tolist()
    np.testing.assert_array_equal(values, np.take_along_axis(rows, expected, -1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("k", [0, 1, 2, 6])
def test_nan_is_the_least_of_a_few_numbers(dtype, k):
    rows = np.array([[np.nan, 1, -np.inf, 1, np.inf, np.nan], [0.0, -0.0, 2, 0, -1, 2]], dtype)
    places = np.array([[4, 1, 3, 2, 0, 5], [2, 5, 0, 1, 3, 4]])[:, :k]
    values, found = tf.math.top_k(rows, k)
    assert found.numpy().tolist() == places.tolist()
    expected = np.take_along_axis(rows, places, -1)
    assert values.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("classes", [1, 15, 16, 70])
@pytest.mark.parametrize("k", [-1, 0, 1, 5, 100])
def test_rows_are_read_as_far_as_the_answer_needs(classes, k):
    generator = np.random.default_rng(classes)
    predictions = generator.integers(-9, 9, (40, classes)).astype(np.float32)
    predictions[5:8, classes // 2] = np.nan, np.inf, -np.inf
    targets = generator.integers(-1, classes + 1, 40)
    is_there = (targets >= 0) & (targets < classes)
    score = predictions[np.arange(40), np.where(is_there, targets, 0)][:, None]
    expected = is_there & np.isfinite(predictions).all(1) & ((predictions > score).sum(1) < k)
    np.testing.assert_array_equal(tf.math.in_top_k(targets, predictions, k), expected)
