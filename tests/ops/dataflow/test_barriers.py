"""Barriers: what a taker gets when a barrier is closed, and what is refused."""

import pytest

import penstock as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.compat.v1.Session() as made:
        yield made


def _insert(handle, component, keys, values):
    return tf.raw_ops.BarrierInsertMany(
        handle=handle, component_index=component, keys=keys, values=values
    )


def test_a_closed_barrier_gives_small_batches_of_what_is_complete(session):
    handle = tf.raw_ops.Barrier(component_types=[tf.float32, tf.float32], shapes=[[], []])
    keys = ["a", "b", "c"]
    _, taken, _ = tf.raw_ops.BarrierTakeMany(
        handle=handle,
        num_elements=3,
        component_types=[tf.float32, tf.float32],
        allow_small_batch=True,
    )
    later = _insert(handle, 1, keys[2:], [3.0])
    session.run(_insert(handle, 0, keys, [1.0, 2.0, 3.0]))
    session.run(_insert(handle, 1, keys[:2], [1.0, 2.0]))
    session.run(tf.raw_ops.BarrierClose(handle=handle))
    assert sorted(session.run(taken)) == [b"a", b"b"]
    session.run(later)
    assert session.run(taken).tolist() == [b"c"]
    with pytest.raises(tf.errors.OutOfRangeError, match="is closed and has insufficient elements"):
        session.run(taken)


def test_a_shared_barrier_has_one_signature(session):
    session.run(tf.raw_ops.Barrier(component_types=[tf.float32], shared_name="b").op)
    with pytest.raises(tf.errors.InvalidArgumentError, match="component types"):
        session.run(tf.raw_ops.Barrier(component_types=[tf.int32], shared_name="b").op)


def test_values_without_elements_are_refused(session):
    handle = tf.raw_ops.Barrier(component_types=[tf.float32])
    with pytest.raises(tf.errors.InvalidArgumentError, match="no elements are not supported"):
        session.run(_insert(handle, 0, ["a"], tf.zeros([1, 0])))
