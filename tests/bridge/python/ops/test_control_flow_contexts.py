"""Contexts that code around TensorFlow's private modules enters, and nodes of TensorFlow 1's conditions in composites."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock._src.bridge.python.ops import control_flow_ops


def in_graph(build):
    graph = tf.Graph()
    with graph.as_default():
        return build(graph)


class Recording(control_flow_ops.ControlFlowContext):
    """Notes what is built within."""

    def __init__(self):
        super().__init__()
        self._name = "recording"
        self.added = []

    def to_control_flow_context_def(self, context_def, export_scope=None):
        del context_def, export_scope

    def AddOp(self, op):
        self.added.append(op.name)


def test_a_context_hears_of_each_operation_built_within():
    def build(graph):
        tf.constant(1, name="before")
        context = Recording()
        with context:
            tf.constant(2, name="within")
            assert graph._get_control_flow_context() is context
        tf.constant(3, name="after")
        assert graph.get_operation_by_name("within")._get_control_flow_context() is context
        return context.added, graph._get_control_flow_context()

    assert in_graph(build) == (["within"], None)


def test_nothing_is_said_of_lowering_in_a_context_of_xla():
    def build(graph):
        with control_flow_ops.XLAControlFlowContext():
            tf.cond(v1.placeholder(tf.bool, []), lambda: 1, lambda: 2)
        tf.cond(v1.placeholder(tf.bool, []), lambda: 1, lambda: 2)
        assert graph.get_operation_by_name("cond_1").get_attr("_lower_using_switch_merge") is True
        with pytest.raises(ValueError, match="_lower_using_switch_merge"):
            graph.get_operation_by_name("cond").get_attr("_lower_using_switch_merge")

    in_graph(build)


def test_values_of_a_context_are_written_without_a_scope_and_read_into_one():
    def build(graph):
        tf.constant(1, name="a")
        tf.constant(2, name="scope/a")
        outer, inner = tf.constant(3, name="b"), tf.constant(4, name="scope/b")
        context = Recording()
        context._values, context._external_values = {"a", "b"}, {"a": outer}
        proto = context._to_values_def()

        class Read(Recording):
            def __init__(self):
                control_flow_ops.ControlFlowContext.__init__(self, proto, "scope")

        read = Read()
        assert read._values == {"scope/a", "scope/b"}
        assert read._external_values == {"scope/a": inner}
        assert read._to_values_def("scope") == proto

    in_graph(build)
