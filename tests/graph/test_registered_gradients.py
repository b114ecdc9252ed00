"""What can be registered once, and what tensors of graphs are not taken for."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import test_ops


def test_gradients_are_registered_once():
    def first(op, dy):
        return dy

    assert tf.RegisterGradient("OnlyOnceHere")(first) is first
    for name in ("OnlyOnceHere", "AddV2"):
        with pytest.raises(KeyError, match="Registering two gradient with name"):
            tf.RegisterGradient(name)(first)
        with pytest.raises(KeyError, match="Registering two gradient with name"):
            tf.no_gradient(name)
    tf.no_gradient("NeverHere")
    with pytest.raises(KeyError, match="Registering two gradient with name"):
        tf.compat.v1.NotDifferentiable("NeverHere")


def test_constants_of_graphs_are_no_numbers_of_python():
    with tf.Graph().as_default():
        constant = tf.constant(3)
        for use in (int, float, range, "{:d}".format, [0, 1, 2, 3].__getitem__):
            with pytest.raises(TypeError):
                use(constant)
        assert tf.get_static_value(constant) == 3


def test_a_registered_gradient_is_that_of_ops_without_their_own():
    @tf.RegisterGradient("TestStringOutput")
    def gradient(op, dy, of_text):
        assert op.type == "TestStringOutput" and of_text is None
        return dy * 5.0

    with tf.Graph().as_default():
        x = tf.constant(1.0)
        y, _ = test_ops.test_string_output(x)
        (found,) = tf.gradients(y * 2.0, [x])
        assert found.op.type == "Mul" and tf.get_static_value(found.op.inputs[1]) == 5.0


def test_operations_may_refer_to_the_one_they_were_made_for():
    with tf.Graph().as_default() as graph:
        first = tf.constant(1.0)
        with graph._original_op(first.op):
            second = tf.identity(first)
        assert second.op._original_op is first.op
        assert tf.identity(first).op._original_op is None
