"""Definitions of ops, and operations made by their names."""

import pytest

import penstock as tf


def test_definitions_name_arguments_types_and_defaults():
    definition = tf.Graph().op_def_for_type("MatMul")
    assert [a.name for a in definition.input_arg] == ["a", "b"]
    assert [a.type_attr for a in definition.output_arg] == ["T"]
    attrs = {a.name: a for a in definition.attr}
    assert attrs["transpose_a"].type == "bool" and not attrs["transpose_a"].default_value.b
    assert tf.float32.as_datatype_enum in attrs["T"].allowed_values.list.type
    concat = tf.Graph().op_def_for_type("ConcatV2")
    assert concat.input_arg[0].number_attr == "N" and concat.input_arg[0].type_attr == "T"


def test_operations_are_made_by_name():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant([1.0, 2.0])
        same = graph.create_op("Identity", [x], dtypes=[tf.float32], name="same")
        both = graph.create_op("ConcatV2", [x, x, tf.constant(0)])
        node = same.node_def
        with pytest.raises(ValueError, match="Duplicate node name in graph: 'same'"):
            tf.Operation.from_node_def(node, graph, [x])
        node.name = "copy"
        with tf.name_scope("scope"):
            copy = tf.Operation.from_node_def(node, graph, [x], control_inputs=[both])
    assert (same.name, same.op_def.name, copy.name) == ("same", "Identity", "copy")
    assert both.outputs[0].shape == [4] and copy.control_inputs == [both]
    with tf.compat.v1.Session(graph=graph) as session:
        assert list(session.run(both.outputs[0])) == [1.0, 2.0, 1.0, 2.0]
    with pytest.raises(TypeError, match="is not a tensor"):
        graph.create_op("Identity", [1.0])


def test_a_graph_is_entered_and_left():
    graph = tf.Graph()
    with graph as entered:
        assert entered is graph is tf.compat.v1.get_default_graph()
        with graph.container("box"):
            handle = tf.compat.v1.Variable(1.0, use_resource=True).handle
    assert tf.compat.v1.get_default_graph() is not graph
    assert handle.op.node_def.attr["container"].s == b"box"
    assert graph.num_operations() == len(graph.operations) > 0


def test_variables_of_graphs_go_through_messages():
    with tf.Graph().as_default() as graph:
        variable = tf.compat.v1.Variable(3.0, name="v")
        again = tf.compat.v1.Variable.from_proto(variable.to_proto())
        with tf.compat.v1.Session(graph=graph) as session:
            session.run(variable.initializer)
            variable.load(5.0, session)
            assert session.run(again) == 5.0
    with pytest.raises(RuntimeError):
        tf.Variable(1.0).to_proto()


def test_attributes_are_given_as_graphs_hold_them():
    with tf.Graph().as_default() as graph:
        constant = tf.constant([1.0, 2.0])
        holder = tf.compat.v1.placeholder(tf.float32, [None, 2])
        tf.strings.join([tf.constant("a")], separator=",", name="join")
        tf.cond(tf.constant(True), lambda: constant, lambda: constant * 2, name="branch")
    value = constant.op.get_attr("value")
    assert tf.make_ndarray(value).tolist() == [1, 2]
    assert constant.op.get_attr("dtype") is tf.float32
    assert [d.size for d in holder.op.get_attr("shape").dim] == [-1, 2]
    assert graph.get_operation_by_name("join").get_attr("separator") == b","
    branch = graph.get_operation_by_name("branch")
    assert branch.get_attr("Tout") == [tf.float32]
    assert branch.get_attr("then_branch").name
    with pytest.raises(ValueError, match="no attr named 'missing'"):
        constant.op.get_attr("missing")


def test_a_graph_finds_the_functions_of_its_library_by_name():
    with tf.Graph().as_default() as graph:
        tf.function(lambda: tf.constant(1))()
        (name,) = graph._functions
        assert graph._get_function(name).cached_definition.signature.name == name
        assert graph._is_function(name.encode()) and not graph._is_function("other")
