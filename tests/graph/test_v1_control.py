"""Graphs with TensorFlow 1's Switch, Merge, Enter and Exit run after importing (recorded/ has the recorder)."""

import pathlib

import pytest

import penstock as tf
import penstock.compat.v1 as v1

RECORDED = pathlib.Path(__file__).parent / "recorded" / "v1_control_flow.pb"


@pytest.fixture(scope="module")
def graph():
    made = tf.Graph()
    with made.as_default():
        tf.import_graph_def(v1.GraphDef.FromString(RECORDED.read_bytes()), name="")
    return made


@pytest.mark.parametrize(
    "x, n, expected",
    [
        (1.0, 3, [2.0, 4.0, -1.0]),
        (2.0, 4, [4.0, 27.0, 4.0]),
        (-3.0, 2, [3.0, 10.0, 0.0]),
        (-7.0, 5, [-8.0, -17069.0, 70.0]),
    ],
)
def test_conditionals_loops_and_both_nested(graph, x, n, expected):
    with v1.Session(graph=graph) as session:
        assert session.run(["c:0", "w:0", "nn:0"], {"x:0": x, "n:0": n}) == expected


def test_only_functional_control_flow_is_left(graph):
    types = {op.type for op in graph.get_operations()}
    assert "StatelessWhile" in types and not types & {"Switch", "Merge", "Enter", "Exit"}


def test_conditions_with_effects_are_imported_node_by_node():
    with tf.Graph().as_default() as made:
        v = v1.get_variable("v", initializer=1.0, use_resource=True)
        chosen = v1.placeholder(tf.bool, [], name="chosen")
        no, yes = (tf.identity(t) for t in tf.raw_ops.Switch(data=tf.constant(2.0), pred=chosen))
        with tf.control_dependencies([yes]):
            added = v.assign_add(5.0, read_value=False)
        with tf.control_dependencies([added]):
            result = tf.identity(yes)
        tf.raw_ops.Merge(inputs=[no, result], name="merged")
        start = v.initializer.name
    with tf.Graph().as_default() as graph, v1.Session() as session:
        tf.import_graph_def(made.as_graph_def(), name="")
        assert "Switch" in {op.type for op in graph.get_operations()}
        session.run(start)
        for value, expected in ((False, 1.0), (True, 6.0)):
            assert session.run("merged:0", {"chosen:0": value}) == 2.0
            assert session.run("v/Read/ReadVariableOp:0") == expected


def test_loops_of_another_form_are_imported_with_their_last_edge():
    with tf.Graph().as_default() as made:
        start = tf.raw_ops.Enter(data=tf.constant(0), frame_name="f")
        again = tf.raw_ops.Merge(inputs=[start, start, start])[0]
        limit, one = (
            tf.raw_ops.Enter(data=tf.constant(n), frame_name="f", is_constant=True) for n in (4, 1)
        )
        proceed = tf.raw_ops.LoopCond(input=tf.raw_ops.Less(x=again, y=limit))
        last, inner = tf.raw_ops.Switch(data=again, pred=proceed)
        again.op._update_input(2, tf.raw_ops.NextIteration(data=inner + one))
        tf.raw_ops.Exit(data=last, name="result")
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(made.as_graph_def(), name="")
        assert session.run("result:0") == 4
