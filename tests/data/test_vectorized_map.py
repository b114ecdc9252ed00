"""`map` of elementwise functions, computed for many elements at once, against calls for each."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.data.traced import trace
from penstock._src.ops.data_planner.vectorized import vectorized

PIXELS = np.arange(60, dtype=np.uint8).reshape(20, 3)
LABELS = np.arange(20, dtype=np.int32)


def _vectorizes(function, *specs):
    traced = trace(function, specs, "map")
    return vectorized(traced.function, traced.captured) is not None


def test_elementwise_functions_vectorize():
    spec = tf.TensorSpec([3], tf.float32)
    assert _vectorizes(lambda x: x / 255.0 - 0.5, spec)
    assert _vectorizes(lambda x: x + tf.constant([1.0, 2.0, 3.0]), spec)
    assert _vectorizes(lambda x, y: (tf.cast(y, tf.float32), x), spec, tf.TensorSpec([], tf.int32))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reduce_sum(x),
        lambda x: x + tf.ones([2, 3]),
        lambda x: x + tf.random.uniform([3]),
        lambda x: tf.cast(x, tf.int32),
        lambda x: tf.constant(1.0),
    ],
)
def test_other_functions_do_not(function):
    assert not _vectorizes(function, tf.TensorSpec([3], tf.float32))


def test_tensors_of_different_ranks_do_not():
    specs = tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.float32)
    assert not _vectorizes(lambda x, y: x * y, *specs)


@pytest.mark.parametrize("batch", [None, 1, 7, 50])
@pytest.mark.parametrize("drop", [False, True])
def test_results_are_those_of_single_calls(batch, drop):
    def scaled(pixel, label):
        return tf.cast(pixel, tf.float32) / 255.0, label + 1

    made = tf.data.Dataset.from_tensor_slices((PIXELS, LABELS)).shuffle(9, seed=3).map(scaled)
    plain = tf.data.Dataset.from_tensor_slices((PIXELS, LABELS)).shuffle(9, seed=3)
    expected = [(p / np.float32(255), y + 1) for p, y in plain.as_numpy_iterator()]
    if batch:
        made = made.batch(batch, drop_remainder=drop)
        parts = [expected[i : i + batch] for i in range(0, 20, batch)]
        parts = [part for part in parts if len(part) == batch or not drop]
        expected = [tuple(map(np.stack, zip(*part, strict=True))) for part in parts]
    found = list(made.as_numpy_iterator())
    assert len(found) == len(expected)
    for (p, y), (p0, y0) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(p, p0)
        np.testing.assert_array_equal(y, y0)


def test_parallel_calls_that_take_no_time_keep_the_order():
    numbers = tf.data.Dataset.range(500).map(lambda x: tf.reshape(x, [1]), num_parallel_calls=4)
    assert [int(x[0]) for x in numbers] == list(range(500))


def test_captured_values_are_read_when_the_iteration_begins():
    factor = tf.constant(3, tf.int64)
    assert [int(x) for x in tf.data.Dataset.range(4).map(lambda x: x * factor)] == [0, 3, 6, 9]


def test_comparisons_of_shapes_that_do_not_fit_are_one_value_for_each_element():
    # recorded from TensorFlow 2.21
    rows = tf.data.Dataset.from_tensor_slices(np.zeros((300, 2), np.float32))
    other = tf.constant([1.0, 2.0, 3.0])
    assert [x.tolist() for x in rows.map(lambda x: x == other).take(2).as_numpy_iterator()] == [
        False,
        False,
    ]
    batches = rows.map(lambda x: x != other).batch(3).take(1)
    assert [x.tolist() for x in batches.as_numpy_iterator()] == [[True, True, True]]
    texts = rows.map(lambda x: tf.strings.as_string(x) == ["a", "b", "c"]).take(1)
    assert [x.tolist() for x in texts.as_numpy_iterator()] == [False]
