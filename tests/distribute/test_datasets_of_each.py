"""strategy.distribute_datasets_from_function over two logical CPUs: which elements go where is as in TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context


@pytest.fixture
def strategy():
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    yield tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    _reset_context()


def numbers(count, *batch, **options):
    return tf.data.Dataset.range(count).batch(*batch, **options)


def lengths():
    return tf.data.Dataset.range(1, 6).map(tf.range)


def ragged():
    return tf.data.Dataset.range(5).map(tf.range).ragged_batch(2)


def texts():
    return numbers(5, 2).map(lambda x: (tf.strings.as_string(x), tf.constant([1, 2])))


def sparse():
    return numbers(5, 2).map(tf.sparse.from_dense)


CASES = {
    "odd": (lambda: numbers(5, 2), [[[0, 1], [2, 3]], [[4], []]]),
    "even": (lambda: numbers(7, 2), [[[0, 1], [2, 3]], [[4, 5], [6]]]),
    "known": (lambda: numbers(6, 2, drop_remainder=True), [[[0, 1], [2, 3]]]),
    "again": (lambda: numbers(3, 2).repeat(2), [[[0, 1], [2]], [[0, 1], [2]]]),
    "none": (lambda: numbers(0, 2), []),
    "lengths": (lengths, [[[0], [0, 1]], [[0, 1, 2], [0, 1, 2, 3]], [[0, 1, 2, 3, 4], []]]),
    "ragged": (ragged, [[[[], [0]], [[0, 1], [0, 1, 2]]], [[[0, 1, 2, 3]], []]]),
}


def parts(strategy, value):
    results = strategy.experimental_local_results(value)
    return [x.to_list() if isinstance(x, tf.RaggedTensor) else x.numpy().tolist() for x in results]


@pytest.mark.parametrize("name", CASES)
def test_elements_go_to_replicas_in_turn(strategy, name):
    make, expected = CASES[name]
    dataset = strategy.distribute_datasets_from_function(lambda context: make())
    assert [parts(strategy, element) for element in dataset] == expected


def test_components_are_left_out_together(strategy):
    dataset = strategy.distribute_datasets_from_function(lambda context: texts())
    text, constant = list(dataset)[-1]
    assert parts(strategy, text) == [[b"4"], []]
    assert parts(strategy, constant) == [[1, 2], []]


def test_sparse_elements_are_left_out(strategy):
    dataset = strategy.distribute_datasets_from_function(lambda context: sparse())
    last = strategy.experimental_local_results(list(dataset)[-1])
    assert [part.values.numpy().tolist() for part in last] == [[4], []]


@pytest.mark.parametrize(
    "make", [lambda: numbers(5, 2), lambda: numbers(6, 2, drop_remainder=True), lengths]
)
def test_functions_lose_no_element(strategy, make):
    @tf.function
    def total(elements):
        result = tf.constant(0, tf.int64)
        for element in elements:
            sums = strategy.run(tf.reduce_sum, args=(element,))
            result += strategy.reduce("SUM", sums, axis=None)
        return result

    dataset = strategy.distribute_datasets_from_function(lambda context: make())
    assert int(total(dataset)) == sum(int(np.sum(x)) for x in make().as_numpy_iterator())


def test_an_optional_element_is_empty_after_the_last_turn(strategy):
    dataset = strategy.distribute_datasets_from_function(lambda context: numbers(5, 2))
    iterator = iter(dataset)
    found = [iterator.get_next_as_optional() for _ in range(3)]
    assert [bool(optional.has_value()) for optional in found] == [True, True, False]
    assert parts(strategy, found[1].get_value()) == [[4], []]
