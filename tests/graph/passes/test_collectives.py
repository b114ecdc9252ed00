"""Collective ops of the devices of one process, in sessions and functions."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import collective_ops

v1 = tf.compat.v1
X, Y = np.float32([1, 2]), np.float32([3, 8])


def on_two_devices(make):
    """What `make(value, number)` gives on each of two devices."""
    with tf.Graph().as_default() as graph:
        results = []
        for number, value in enumerate((X, Y)):
            with tf.device(f"/CPU:{number}"):
                results.append(make(tf.constant(value), number))
        with v1.Session(graph=graph) as session:
            return session.run(results)


@pytest.mark.parametrize(
    "merge, final, expected",
    [("Add", "Id", [4, 10]), ("Add", "Div", [2, 5]), ("Max", "Id", [3, 8]), ("Mul", "Id", [3, 16])],
)
def test_reductions(merge, final, expected):
    made = on_two_devices(lambda x, _: collective_ops.all_reduce(x, 2, 1, 1, merge, final))
    np.testing.assert_array_equal(made, [expected, expected])


def test_reductions_by_tensors():
    made = on_two_devices(lambda x, _: collective_ops.all_reduce_v2(x, 2, 1, 1))
    np.testing.assert_array_equal(made, [[4, 10]] * 2)


def test_gathered_in_the_order_of_devices():
    made = on_two_devices(lambda x, _: collective_ops.all_gather(x, 2, 1, 1))
    np.testing.assert_array_equal(made, [[1, 2, 3, 8]] * 2)


def test_broadcasts():
    def make(x, number):
        if number == 0:
            return collective_ops.broadcast_send(x, x.shape, x.dtype, 2, 1, 1)
        return collective_ops.broadcast_recv(x.shape, x.dtype, 2, 1, 1)

    np.testing.assert_array_equal(on_two_devices(make), [X, X])


def test_instances_in_any_order():
    def make(x, number):
        keys = (7, 8) if number == 0 else (8, 7)
        results = {key: collective_ops.all_reduce(x * key, 2, 1, key) for key in keys}
        return results[7] - results[8]

    np.testing.assert_array_equal(on_two_devices(make), [[-4, -10]] * 2)


def test_shapes_must_match():
    def make(x, number):
        return collective_ops.all_gather(x[number:], 2, 1, 1)

    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
        on_two_devices(make)


def test_sizes_must_match():
    def make(x, number):
        return collective_ops.all_reduce(x, 2 + number, 1, 1)

    with pytest.raises(tf.errors.InternalError, match="but that group has size 2"):
        on_two_devices(make)


def test_missing_members_are_waited_for():
    def make(x, number):
        return collective_ops.all_reduce(x, 3, 1, 1, timeout=0.01)

    with pytest.raises(tf.errors.DeadlineExceededError, match="timed out waiting"):
        on_two_devices(make)


def test_functions_keep_the_order_of_assignments():
    variables = [tf.Variable(X), tf.Variable(Y)]

    @tf.function
    def step():
        for variable in variables:
            total = collective_ops.all_reduce(variable.read_value(), 2, 1, 1)
            variable.assign(total)
            variable.assign_add([1.0, 1.0])

    step()
    for variable in variables:
        np.testing.assert_array_equal(variable, [5, 11])


def test_members_cannot_wait_for_each_other():
    with tf.Graph().as_default() as graph:
        first = collective_ops.all_reduce(tf.constant(X), 2, 1, 1)
        second = collective_ops.all_reduce(first, 2, 1, 1)
        with v1.Session(graph=graph) as session:
            with pytest.raises(tf.errors.InvalidArgumentError, match="waits for another member"):
                session.run(second)
