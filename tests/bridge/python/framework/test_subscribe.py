"""Side effects that run when a tensor of a graph is used."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework.subscribe import subscribe

v1 = tf.compat.v1


def noting(seen):
    return lambda tensor: [
        v1.py_func(lambda value: seen.append(value) or value, [tensor], tensor.dtype)
    ]


def test_readers_and_later_operations_trigger_side_effects():
    seen = []
    with tf.Graph().as_default(), v1.Session() as session:
        x = tf.constant(2)
        y = -x
        with tf.control_dependencies([x]):
            z = tf.constant(7)
        made = subscribe(x, noting(seen))
        assert x.op not in z.op.control_inputs and made.op in z.op.control_inputs
        assert session.run(y) == -2 and session.run(z) == 7
    assert seen == [2, 2]


def test_all_outputs_of_an_operation_are_subscribed_at_once():
    seen = []
    with tf.Graph().as_default(), v1.Session() as session:
        parts = tf.split(tf.constant([1, 2]), 2)
        with tf.control_dependencies(parts):
            z = tf.constant(7)
        assert isinstance(subscribe(parts, noting(seen)), list)
        session.run(z)
    assert sorted(int(value[0]) for value in seen) == [1, 2]


def test_further_side_effects_join_the_same_identity():
    first, second = [], []
    with tf.Graph().as_default(), v1.Session() as session:
        x = tf.constant(2)
        made = subscribe(x, noting(first))
        assert subscribe(x, noting(second)) is made
        session.run(made)
    assert first == second == [2]


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="invalid type"):
        subscribe("x", lambda tensor: [])
