"""Copies of tensors in other graphs."""

import pytest

import penstock as tf
from penstock._src.bridge.python.eager.lift_to_graph import UnliftableError, lift_to_graph
from penstock._src.graph.func_graph import FuncGraph


def test_what_computes_a_tensor_is_copied():
    with tf.Graph().as_default():
        two = tf.constant(2.0, name="two")
        with tf.control_dependencies([tf.no_op(name="before")]):
            four = tf.multiply(two, two, name="four")
        tf.constant(5.0, name="unused")
    with tf.Graph().as_default() as target:
        copies = lift_to_graph([four], target)
        with tf.compat.v1.Session() as session:
            assert session.run(copies[four]) == 4.0
    assert {op.name for op in target.get_operations()} == {"two", "before", "four"}
    assert [op.name for op in copies[four.op].control_inputs] == ["before"]
    assert copies[two] is copies[four].op.inputs[0]


def test_captures_are_captured_again_in_order():
    variables = [tf.Variable(1.0) for _ in range(3)]
    traced = tf.function(lambda: variables[0] + variables[1] * variables[2]).get_concrete_function()
    target = FuncGraph("lifted")
    lift_to_graph(traced.outputs, target, add_sources=True, handle_captures=True)
    pairs = zip(target.external_captures, traced.captured_inputs, strict=True)
    assert all(copy is outer for copy, outer in pairs)
    names = [t.name for t in traced.graph.internal_captures]
    assert [t.name for t in target.internal_captures] == names


def test_placeholders_are_refused_unless_they_are_sources():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        y = x + 1.0
    with pytest.raises(UnliftableError, match="'x'"):
        lift_to_graph([y], tf.Graph())
    for options in ({"sources": [x]}, {"add_sources": True}):
        copies = lift_to_graph([y], tf.Graph(), **options)
        assert copies[y].op.inputs[0] is copies[x]


def test_what_was_copied_before_is_not_copied_again():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        y = x + x
    target = tf.Graph()
    copies = lift_to_graph([x], target)
    assert lift_to_graph([y], target, op_map=copies)[y].op.inputs[0] is copies[x]
    assert len(target.get_operations()) == 2
