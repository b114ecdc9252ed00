"""Tensor arrays that grow in loops stay in the program, also where the loop may end early."""

import numpy as np
import pytest

import penstock as tf


def on_host(function):
    traces = function._list_all_concrete_functions()
    return [op for t in traces for op in t.graph_function.executable.host_ops]


@pytest.mark.parametrize("limit", [0.0, 0.5, 9.0])
def test_an_array_written_until_the_loop_ends(limit):
    def steps(x, limit):
        array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(20):
            x = x * 1.3
            array = array.write(i, x)
            if tf.reduce_sum(x) > limit:
                break
        return array.stack()

    x = np.float32([0.1, 0.05])
    function = tf.function(steps)
    found = function(x, tf.constant(limit))
    expected = [x * np.float32(1.3) ** (i + 1) for i in range(20)]
    count = next((i + 1 for i, e in enumerate(expected) if e.sum() > limit), 20)
    np.testing.assert_allclose(found, expected[:count], 1e-4)
    assert on_host(function) == []


def test_places_that_are_left_out_are_zeros():
    @tf.function
    def every_other(x):
        array = tf.TensorArray(tf.float32, size=1, dynamic_size=True, element_shape=[])
        for i in tf.range(3):
            array = array.write(2 * i + 1, x + tf.cast(i, tf.float32))
        return array.stack(), array.size()

    values, size = every_other(tf.constant(1.0))
    assert values.numpy().tolist() == [0, 1, 0, 2, 0, 3] and size == 6
    assert on_host(every_other) == []


def test_places_that_nothing_is_known_of_are_the_hosts():
    @tf.function
    def scattered(places):
        array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(3):
            array = array.write(places[i], tf.cast(i, tf.float32))
        return array.stack()

    assert scattered(tf.constant([4, 0, 2])).numpy().tolist() == [1, 0, 2, 0, 0]
