"""Conditions and loops as Switch, Merge, Enter and Exit nodes: they compute the same, and what is not needed can be left out."""

import pytest

import penstock as tf
from penstock._src.graph.rewriting import extract_sub_graph
from penstock._src.graph.serialize.lowered import lowered_graph_def

v1 = tf.compat.v1


def condition(x):
    return tf.cond(x > 2, lambda: tf.cond(x > 8, lambda: x, lambda: x * 3), lambda: -x)


def loop(x):
    def body(i, v):
        return i + 1, v + tf.while_loop(lambda j: j < i, lambda j: j + 1, [tf.zeros_like(i)])[0]

    return tf.while_loop(lambda i, v: i < 5, body, [tf.constant(0), tf.cast(x, tf.int32)])[1]


def gradient(x):
    return tf.gradients(tf.while_loop(lambda v: v < 50, lambda v: v * v, [x])[0], x)[0]


def types(definition):
    return {node.op for node in definition.node}


@pytest.mark.parametrize("function", [condition, loop, gradient])
@pytest.mark.parametrize("value", [1.5, 3.0, 9.0])
def test_lowered_graphs_compute_the_same(function, value):
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [], "x")
        tf.identity(function(x), "y")
        expected = session.run("y:0", {x: value})
    lowered = lowered_graph_def(graph)
    assert not types(lowered) & {"If", "StatelessIf", "While", "StatelessWhile"}
    with tf.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(lowered, name="")
        assert session.run("y:0", {"x:0": value}) == expected


def test_variables_of_loops_that_nobody_reads_are_left_out():
    with tf.Graph().as_default() as graph:
        first, _ = tf.while_loop(lambda i, v: i < 5, lambda i, v: (i + 1, v * 2), [0, 1])
        tf.identity(first, "y")
    part = extract_sub_graph(lowered_graph_def(graph), ["y"])
    assert "AddV2" in types(part) and "Mul" not in types(part)


def test_what_is_not_to_be_lowered_stays():
    with tf.Graph().as_default() as graph:
        tf.cond(v1.placeholder(tf.bool, []), lambda: 1, lambda: 2).op.inputs[
            0
        ].op.may_be_lowered = None
    assert "StatelessIf" in types(lowered_graph_def(graph))


def test_runs_tell_their_graph_as_it_is_lowered_for_each_device():
    config = v1.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), v1.Session(config=config) as session:
        x = v1.placeholder(tf.float32, [])

        def doubled():
            with tf.device("/device:CPU:1"):
                return x * 2

        y = tf.cond(x > 1, doubled, lambda: x)
        metadata = v1.RunMetadata()
        options = v1.RunOptions(output_partition_graphs=True)
        session.run(y, {x: 3.0}, options, metadata)
    first, second = metadata.partition_graphs
    assert "Switch" in types(first) and types(second) == {"Mul", "Const"}


def test_effects_of_loops_are_kept():
    with tf.Graph().as_default() as graph:
        v = v1.get_variable("v", initializer=0, use_resource=True)

        def body(i):
            with tf.control_dependencies([v.assign_add(i)]):
                return i + 1

        last = tf.while_loop(lambda i: i < 5, body, [tf.constant(0)])
        tf.identity(last[0], "y")
        reads, start = v.read_value().name, v.initializer.name
    with tf.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(lowered_graph_def(graph), name="")
        session.run(start)
        assert (session.run("y:0"), session.run(reads)) == (5, 10)
