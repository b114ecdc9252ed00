"""tf.data.experimental.enable_debug_mode: functions of datasets run as Python."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.data.experimental.debug_mode import toggle_debug_mode

Dataset = tf.data.Dataset


@pytest.fixture(autouse=True)
def debug_mode():
    tf.data.experimental.enable_debug_mode()
    yield
    toggle_debug_mode(False)


def values(dataset):
    return [value.tolist() for value in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("width", [None, 4])
def test_functions_get_eager_tensors_in_order_and_in_the_thread_that_iterates(width):
    calls = []

    def double(x):
        if tf.executing_eagerly():
            calls.append((int(x), threading.current_thread()))
        else:
            calls.append("traced")
        return x * 2

    dataset = Dataset.range(3).map(double, num_parallel_calls=width, deterministic=False)
    assert values(dataset.prefetch(2)) == [0, 2, 4]
    assert calls == ["traced", *((i, threading.current_thread()) for i in range(3))]


def test_the_body_is_python():
    assert values(Dataset.range(3).map(lambda x: x + int(x) if tf.executing_eagerly() else x)) == [
        0,
        2,
        4,
    ]


def test_datasets_defined_before_stay_traced():
    toggle_debug_mode(False)
    kinds = []
    dataset = Dataset.range(2).map(lambda x: (kinds.append(tf.executing_eagerly()), x)[1])
    tf.data.experimental.enable_debug_mode()
    assert values(dataset) == [0, 1] and kinds == [False]


TABLE = {
    "filter": (lambda d: d.filter(lambda x: x % 2 == 0), [0, 2, 4]),
    "flat_map": (lambda d: d.take(3).flat_map(Dataset.range), [0, 0, 1]),
    "interleave": (
        lambda d: d.take(3).interleave(Dataset.range, 2, num_parallel_calls=2),
        [0, 0, 1],
    ),
    "scan": (lambda d: d.scan(np.int64(0), lambda s, x: (s + x, s + x)), [0, 1, 3, 6, 10]),
    "group_by_window": (
        lambda d: d.group_by_window(lambda x: x % 2, lambda k, w: w.batch(3), window_size=3),
        [[0, 2, 4], [1, 3]],
    ),
    "window": (lambda d: d.take(4).window(2).flat_map(lambda w: w.batch(2)), [[0, 1], [2, 3]]),
    "zip": (lambda d: Dataset.zip((d, d)).map(lambda a, b: a + b), [0, 2, 4, 6, 8]),
    "batch": (lambda d: d.batch(3, num_parallel_calls=2), [[0, 1, 2], [3, 4]]),
    "branch": (lambda d: d.map(lambda x: x * 10 if x > 2 else x), [0, 1, 2, 30, 40]),
    "take_while": (lambda d: d.take_while(lambda x: x < 2), [0, 1]),
}


@pytest.mark.parametrize("name", TABLE)
def test_elements_are_those_of_traced_functions(name):
    build, expected = TABLE[name]
    assert values(build(Dataset.range(5))) == expected
    toggle_debug_mode(False)
    assert values(build(Dataset.range(5))) == expected


def test_structures_and_composite_tensors_come_back():
    dataset = Dataset.range(3).map(
        lambda x: {"n": x, "r": tf.RaggedTensor.from_row_lengths(tf.range(x), [x])}
    )
    assert [element["r"].to_list() for element in dataset] == [[[]], [[0]], [[0, 1]]]


def test_variables_and_tables_are_used():
    total = tf.Variable(0, dtype=tf.int64)
    keys = tf.lookup.KeyValueTensorInitializer([0, 1], [5, 6], tf.int64, tf.int64)
    table = tf.lookup.StaticHashTable(keys, -1)
    dataset = Dataset.range(3).map(lambda x: table.lookup(x) + total.assign_add(x))
    assert values(dataset) == [5, 7, 2]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: tf.fill([x] if tf.executing_eagerly() else [3], x), "shape"),
        (lambda x: tf.cast(x, tf.float32) if tf.executing_eagerly() else x, "dtype"),
        (lambda x: (x, x) if tf.executing_eagerly() else x, "structure"),
        (lambda x: [][0] if tf.executing_eagerly() else x, "IndexError"),
    ],
)
def test_results_must_be_those_of_the_trace(function, message):
    with pytest.raises(tf.errors.OpError, match=message):
        values(Dataset.range(3).map(function))


def test_errors_of_the_function_can_be_ignored():
    def odd_fails(x):
        if tf.executing_eagerly() and x % 2:
            raise ValueError("odd")
        return x

    dataset = Dataset.range(5).map(odd_fails)
    with pytest.raises(tf.errors.InvalidArgumentError, match="ValueError: odd"):
        values(dataset)
    assert values(dataset.ignore_errors()) == [0, 2, 4]


def test_a_graph_refuses_the_mode():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="only supported in eager mode"):
        tf.data.experimental.enable_debug_mode()
