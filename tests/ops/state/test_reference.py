"""TensorFlow 1's variables by reference. Expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

v1, raw = tf.compat.v1, tf.raw_ops


def test_references_need_a_graph():
    with pytest.raises(RuntimeError, match="variable_v2 op does not support eager execution"):
        raw.VariableV2(shape=[2], dtype=tf.float32)


def test_reads_see_what_was_assigned_before():
    with tf.Graph().as_default(), v1.Session() as session:
        v = raw.VariableV2(shape=[2], dtype=tf.float32, shared_name="v")
        session.run(raw.Assign(ref=v, value=np.float32([1, 2])))
        with tf.control_dependencies([raw.AssignAdd(ref=v, value=np.float32([1, 1]))]):
            doubled = tf.identity(v) * 2
        np.testing.assert_array_equal(session.run(doubled), [4, 6])
        np.testing.assert_array_equal(session.run(v), [2, 3])


def test_updates_give_the_variable():
    with tf.Graph().as_default(), v1.Session() as session:
        v = raw.VariableV2(shape=[2], dtype=tf.float32, shared_name="v")
        m = raw.VariableV2(shape=[2], dtype=tf.float32, shared_name="m")
        for ref in (v, m):
            session.run(raw.Assign(ref=ref, value=np.float32([1, 2])))
        scattered = raw.ScatterAdd(ref=v, indices=[0], updates=np.float32([10]))
        np.testing.assert_array_equal(session.run(scattered), [11, 2])
        f = np.float32
        moved = raw.ApplyMomentum(var=v, accum=m, lr=f(0.5), grad=f([2, 2]), momentum=f(0.5))
        np.testing.assert_array_equal(session.run(moved), [9.75, 0.5])
        rows = raw.SparseApplyAdagrad(var=v, accum=m, lr=f(1), grad=f([3]), indices=[1])
        np.testing.assert_allclose(session.run(rows), [9.75, 0.5 - 3 / np.sqrt(12)], rtol=1e-6)
