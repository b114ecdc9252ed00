"""Reads and assignments of variables as builtins: results, snapshots, and what they leave to the long way."""

import dataclasses
import sys
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.autodiff.tape import record_read
from penstock._src.core.values import resources
from penstock._src.eager.execute import surroundings
from penstock._src.eager.variable import ResourceVariable, _UnreadVariable
from penstock._src.native.process.eager_calls.variable_calls import (
    MOST_ELEMENTS,
    VariableSurroundings,
    variable_calls,
)
from penstock._src.util import slots
from penstock._src.util.process.layouts import FREE_THREADED

pytestmark = pytest.mark.skipif(FREE_THREADED, reason="calls are served by one thread at a time")
# Not those of the process, among which earlier tests may have left some.
OBSERVERS: list[object] = []


def anywhere():
    """What calls look at, with whatever earlier tests have put in place of the executor."""
    return dataclasses.replace(surroundings(), run=slots.RUN_EAGERLY)


@pytest.fixture(scope="module")
def calls():
    around = VariableSurroundings(
        ResourceVariable, resources.VariableHandle, _UnreadVariable, OBSERVERS, resources.WRITING,
        resources.HERE, resources.UPDATING, record_read,
    )  # fmt: skip
    return variable_calls(anywhere(), around)


def array_of(variable):
    return variable._handle._value.value


def alone(values, dtype=tf.float32):
    """A variable whose array has no other reference."""
    variable = tf.Variable(tf.zeros(np.shape(values), dtype))
    variable._handle._value.value = np.array(values, dtype.as_numpy_dtype)
    return variable


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.int32, tf.int64])
def test_updates_give_numpys_bits(calls, dtype):
    random = np.random.default_rng(1)
    for shape in ((), (1,), (37,), (3, 5, 7), (0, 4)):
        x, y = (
            np.asarray(random.normal(size=shape) * 1e8).astype(dtype.as_numpy_dtype)
            for _ in range(2)
        )
        variable = alone(x, dtype)
        before = id(array_of(variable))
        assert type(calls.add(variable, tf.constant(y))) is _UnreadVariable
        assert array_of(variable).tobytes() == (x + y).tobytes()
        calls.subtract(variable, tf.constant(x))
        with np.errstate(over="ignore"):
            assert array_of(variable).tobytes() == ((x + y) - x).tobytes()
        assert id(array_of(variable)) == before


def test_signed_zeros_and_nan_are_numpys(calls):
    x = np.array([-0.0, -0.0, 0.0, np.inf, np.nan], np.float32)
    y = np.array([-0.0, 0.0, -0.0, -np.inf, 1.0], np.float32)
    variable = alone(x)
    calls.add(variable, tf.constant(y))
    with np.errstate(invalid="ignore"):
        expected = x + y
    got = array_of(variable)
    assert np.array_equal(got, expected, equal_nan=True)
    assert (np.signbit(got) == np.signbit(expected))[:3].all()


def test_integers_wrap(calls):
    variable = alone(2**31 - 1, tf.int32)
    calls.add(variable, 1)
    assert variable.numpy() == -(2**31)


def test_numbers_are_rounded_once(calls):
    variable = alone(0.0)
    calls.add(variable, 0.1)
    assert variable.numpy() == np.float32(0.1)
    calls.assign(variable, 16777217)
    assert variable.numpy() == np.float32(16777217)
    assert calls.assign(variable, -1) is not None and variable.numpy() == -1.0


def test_each_update_is_a_version(calls):
    variable = alone([1.0])
    version = variable._handle._value.version
    calls.add(variable, tf.constant([1.0]))
    assert variable._handle._value.version == version + 1


def test_shared_arrays_are_left(calls):
    variable = alone([1.0, 2.0])
    one = tf.constant([1.0, 1.0])
    for keep in (
        lambda: variable.value(),
        lambda: memoryview(array_of(variable)),
        lambda: array_of(variable)[:1],
    ):
        kept = keep()
        assert calls.add(variable, one) is None and calls.subtract(variable, one) is None
        assert variable.numpy().tolist() == [1.0, 2.0]
        del kept
    scalar = alone(1.0)
    kept = scalar.value()
    assert calls.assign(scalar, 2.0) is None and kept.numpy() == 1.0


def test_reads_are_snapshots(calls):
    variable = alone([1.0])
    before = calls.read(variable)
    variable.assign_add([1.0])
    assert before.numpy() == [1.0] and calls.read(variable).numpy() == [2.0]
    assert calls.read(variable)._id != calls.read(variable)._id


def test_assigned_tensors_are_shared(calls):
    variable, value = alone([1.0, 2.0]), tf.constant([3.0, 4.0])
    assert calls.assign(variable, value)._original is variable
    assert array_of(variable) is value._value
    variable.assign_add([1.0, 1.0])
    assert value.numpy().tolist() == [3.0, 4.0]


def test_operands_that_do_not_fit_are_left(calls):
    variable, scalar, count = alone([1.0, 2.0]), alone(1.0), alone(1, tf.int32)
    transposed = tf.constant(np.zeros((3, 2), np.float32))
    transposed._value = transposed._value.T
    for change in (calls.add, calls.subtract, calls.assign):
        for value in (
            tf.zeros([3]),
            tf.zeros([]),
            tf.zeros([2], tf.float64),
            [1.0, 1.0],
            np.zeros(2, np.float32),
            1.0,
            None,
        ):
            assert change(variable, value) is None
        for value in (np.nan, np.inf, 1e30, True, 2**31, 2**80, -(2**80), "1", 1j, tf.zeros([1])):
            assert change(scalar, value) is None
        assert change(count, 1.0) is None and change(count, 2**40) is None
        assert change(alone(np.zeros((2, 3))), transposed) is None
        assert change(variable) is None
    assert [v.numpy().tolist() for v in (variable, scalar, count)] == [[1.0, 2.0], 1.0, 1]


def test_static_shapes_are_compared(calls):
    free = tf.Variable([1.0], shape=[None])
    assert calls.assign(free, tf.zeros([1])) is None  # the op compares with what is not known


def test_large_arrays_are_left(calls):
    variable = alone(np.zeros(MOST_ELEMENTS))
    assert calls.add(variable, tf.ones([MOST_ELEMENTS])) is None


def test_tapes_graphs_observers_and_writers_are_left(calls):
    variable, one = alone([1.0]), tf.constant([1.0])

    def is_left():
        return not any(f(variable, one) for f in (calls.add, calls.subtract, calls.assign))

    with tf.GradientTape():
        assert is_left()
    with tf.Graph().as_default():
        assert is_left() and calls.read(variable) is None
    OBSERVERS.append(None)
    try:
        assert is_left()
    finally:
        OBSERVERS.pop()
    with resources.made_by(object()):
        assert is_left()
    resources.WRITING.append(([], []))
    try:
        assert is_left() and calls.read(variable) is None
    finally:
        resources.WRITING.pop()
    assert variable.numpy() == [1.0]


def test_tapes_record_reads(calls):
    variable = alone([3.0])
    with tf.GradientTape() as outer, tf.GradientTape(persistent=True) as inner:
        value = calls.read(variable)
        square = value * value
    assert inner.gradient(square, variable).numpy() == [6.0]
    assert outer.gradient(square, [variable, value])[1].numpy() == [6.0]
    untrained = tf.Variable(1.0, trainable=False)
    with tf.GradientTape() as tape:
        value = calls.read(untrained)
    assert tape.gradient(value, untrained) is None


def test_a_lock_of_another_thread_is_left(calls):
    variable, one, results = alone([1.0]), tf.constant([1.0]), []
    with resources.UPDATING:
        other = threading.Thread(target=lambda: results.append(calls.add(variable, one)))
        other.start()
        other.join()
        assert results == [None] and calls.add(variable, one) is not None
    assert resources.UPDATING.acquire(blocking=False)
    resources.UPDATING.release()


def test_other_classes_and_places_are_left(calls):
    class Own(ResourceVariable):
        def __init__(self, value):
            tf.Variable.__init__(self, value)

    one = tf.constant([1.0])
    placed = alone([1.0])
    placed._handle._value.device = "/device:GPU:0"
    for variable in (Own([1.0]), placed, alone([1.0]).assign(one), one, None):
        assert calls.read(variable) is None and calls.add(variable, one) is None
    empty = alone([1.0])
    empty._handle._value.value = None
    assert calls.read(empty) is None and calls.add(empty, one) is None


def test_references_are_given_back(calls):
    variable, one = alone([1.0]), tf.constant([1.0])
    watched = [
        variable,
        one,
        one._value,
        variable._handle,
        variable._handle._value,
        tf.float32,
        None,
    ]
    before = list(map(sys.getrefcount, watched))
    for _ in range(1000):
        calls.add(variable, one)
        calls.read(variable)
        calls.add(variable, "no")
        calls.assign(variable, tf.zeros([2]))
    after = list(map(sys.getrefcount, watched))
    assert all(abs(x - y) < 100 for x, y in zip(before, after, strict=True))
    assert variable.numpy() == [1001.0]  # each update found the array alone
