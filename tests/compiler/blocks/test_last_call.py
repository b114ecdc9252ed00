"""Calls are compared with the last one before their key is computed: the same variables, types and shapes."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import resources


def variable(*values):
    return tf.Variable(np.array(values, np.float32), shape=tf.TensorShape(None))


@pytest.fixture
def function():
    a, b = variable(1, 2, 3), variable(4, 5, 6)

    @tf.function
    def f(x):
        return tf.reduce_sum(a) + tf.reduce_sum(b) * tf.cast(tf.size(a), tf.float32) + x

    f.a, f.b = a, b
    return f


def block_of(function):
    return function.get_concrete_function(tf.constant(0.0)).graph_function.executable.block


def called(function, times=3):
    return [float(function(tf.constant(0.5))) for _ in range(times)][-1]


def test_the_key_of_a_like_call_is_not_computed(function, monkeypatch):
    monkeypatch.setattr(resources, "LENT", [])  # another test may have used a device
    assert called(function) == 6 + 15 * 3 + 0.5
    monkeypatch.setattr(type(block_of(function)), "key", None)
    function.b.assign([1.0, 1.0, 1.0])
    assert called(function) == 6 + 3 * 3 + 0.5


def test_a_variable_of_another_shape_has_another_program(function):
    called(function)
    function.a.assign([1.0, 1.0])
    assert called(function) == 2 + 15 * 2 + 0.5
    function.a.assign([2.0, 2.0, 2.0])
    assert called(function) == 6 + 15 * 3 + 0.5


def test_a_variable_that_is_passed_twice_has_another_program():
    @tf.function
    def swapped(a, b):
        before = a + 0.0
        a.assign(b * 2.0)
        b.assign(before)
        return a + b

    a, b, alone = (tf.Variable([n, n + 1]) for n in (1.0, 3.0, 1.0))
    concrete = swapped.get_concrete_function(a, b)
    sums = [concrete(a, b).numpy().tolist() for _ in range(3)]
    assert sums == [[7.0, 10.0], [8.0, 12.0], [14.0, 20.0]]
    assert concrete(alone, alone).numpy().tolist() == [2.0, 4.0]
    assert concrete(a, b).numpy().tolist() == [16.0, 24.0]
