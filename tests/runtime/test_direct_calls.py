"""Functions that are called often are called by one builtin: the results, errors and variables are those of the first calls."""

import gc
import sys
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import resources
from penstock._src.native import builtins
from penstock._src.util.process.layouts import FREE_THREADED

OFTEN = builtins.OFTEN + 4


def block_of(function, *arguments):
    return function.get_concrete_function(*arguments).graph_function.executable.block


def is_direct(function, *arguments):
    return bool(block_of(function, *arguments).last[0].direct)


@pytest.fixture(autouse=True)
def no_variables_on_gpus():
    """Once a variable has been on a GPU, as in tests before, all calls ask where variables are."""
    before = resources.LENT[:]
    resources.LENT.clear()
    yield
    resources.LENT[:] = before


@pytest.fixture
def counter():
    v = tf.Variable(np.zeros(3, np.float32))

    @tf.function
    def add(x):
        v.assign_add(x)
        return v * 2.0

    add.v = v
    return add


@pytest.mark.skipif(FREE_THREADED, reason="without the GIL all calls go the long way")
def test_a_call_that_comes_often_is_direct(counter):
    x = tf.ones(3)
    for _ in range(OFTEN):
        counter(x)
    assert is_direct(counter, x)


def test_variables_count_each_call(counter):
    for n in range(OFTEN):
        assert counter(tf.ones(3)).numpy().tolist() == [2.0 * (n + 1)] * 3
    assert counter.v.numpy().tolist() == [OFTEN] * 3


def test_a_value_that_was_read_stays_as_it_was(counter):
    x, read = tf.ones(3), []
    for _ in range(OFTEN):
        counter(x)
        read.append(counter.v.read_value())
    assert [r.numpy()[0] for r in read] == [*range(1, OFTEN + 1)]


def test_results_are_not_overwritten_by_later_calls():
    double = tf.function(lambda x: x * 2.0)
    results = [double(tf.fill([4], float(n))) for n in range(OFTEN)]
    assert [r.numpy()[0] for r in results] == [2.0 * n for n in range(OFTEN)]


def test_other_shapes_and_layouts_are_served_too():
    total = tf.function(lambda x: tf.reduce_sum(x, 0), input_signature=[tf.TensorSpec([None, 2])])
    for _ in range(OFTEN):
        assert total(tf.ones([3, 2])).numpy().tolist() == [3.0, 3.0]
    for n in (5, 3, 1, 3):
        assert total(tf.ones([n, 2])).numpy().tolist() == [float(n)] * 2
    columns = tf.constant(np.asfortranarray(np.arange(6, dtype=np.float32).reshape(3, 2)))
    assert total(columns).numpy().tolist() == [6.0, 9.0]


def test_a_variable_passed_twice_after_two_variables():
    @tf.function
    def swapped(a, b):
        before = a + 0.0
        a.assign(b * 2.0)
        b.assign(before)
        return a + b

    a, b, alone = (tf.Variable([n]) for n in (0.0, 0.0, 1.0))
    concrete = swapped.get_concrete_function(a, b)
    for _ in range(OFTEN):
        concrete(a, b)
    assert concrete(alone, alone).numpy().tolist() == [2.0]
    assert concrete(a, b).numpy().tolist() == [0.0]


def test_errors_are_those_of_the_first_calls():
    @tf.function
    def root(x):
        tf.debugging.assert_non_negative(x, message="no root")
        return tf.sqrt(x)

    with pytest.raises(tf.errors.InvalidArgumentError) as first:
        root(tf.constant([-1.0]))
    for _ in range(OFTEN):
        root(tf.constant([4.0]))
    for _ in range(3):
        with pytest.raises(tf.errors.InvalidArgumentError) as later:
            root(tf.constant([-1.0]))
        assert later.value.message == first.value.message
        assert root(tf.constant([4.0])).numpy().tolist() == [2.0]


def test_a_variable_without_a_value_is_refused(counter):
    for _ in range(OFTEN):
        counter(tf.ones(3))
    counter.v.handle._value.value = None
    with pytest.raises(tf.errors.FailedPreconditionError):
        counter(tf.ones(3))


def test_no_reference_is_left():
    double = tf.function(lambda x: (x * 2.0, x + 1.0))
    x = tf.ones(3)
    for _ in range(OFTEN):
        double(x)
    gc.collect()
    before = sys.getrefcount(x._value)
    for _ in range(100):
        y, z = double(x)
    counts = [sys.getrefcount(t._value) for t in (x, y, z)]
    assert counts == [before, 2, 2]


def test_threads_that_call_at_once(counter):
    double = tf.function(lambda x: tf.linalg.matvec(tf.linalg.diag(x), x))
    wrong = []

    def work(n):
        for _ in range(200):
            counter(tf.ones(3))
            if double(tf.fill([64], float(n))).numpy().tolist() != [float(n * n)] * 64:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert counter.v.numpy().tolist() == [800.0] * 3
