"""Parts of graphs that converters see as one operation; expected nodes are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.v1.graphs.op_hints import stubs

v1 = tf.compat.v1
OpHint = v1.lite.OpHint
convert = v1.lite.experimental.convert_op_hints_to_stubs


def ops_and_inputs(graph_def):
    """{name: (op, inputs)}, with a node's op in place of the names that hints make."""
    short = {
        node.name: node.op for node in graph_def.node if "-" in node.name or len(node.name) > 30
    }
    return [(n.op, [short.get(i, i) for i in n.input]) for n in graph_def.node]


def test_inputs_and_outputs_are_identities_with_attributes():
    with tf.Graph().as_default():
        x = OpHint("cool").add_input(v1.placeholder(tf.float32, [2]), name="x")
    attributes = x.op.node_def.attr
    unique = attributes["_tflite_function_uuid"].s.decode()
    assert x.op.name == f"InputHint-cool-{unique}-0-None-x"
    assert attributes["_tflite_function_name"].s == b"cool"
    assert attributes["_tflite_function_input_index"].i == 0
    assert attributes["_tflite_ophint_level"].i == 1


def test_a_part_becomes_one_node():
    with tf.Graph().as_default() as graph:
        hint = OpHint("cool")
        x = hint.add_input(v1.placeholder(tf.float32, [2], name="x"))
        y = hint.add_input(v1.placeholder(tf.float32, [2], name="y"), index_override=2)
        tf.identity(hint.add_output(tf.nn.relu(x) + y), name="final")
    assert ops_and_inputs(convert(graph_def=graph.as_graph_def())) == [
        ("Placeholder", []),
        ("Identity", ["x"]),
        ("Placeholder", []),
        ("Identity", ["y"]),
        ("Const", []),
        ("cool", ["Identity", "Const", "Identity"]),
        ("Identity", ["cool"]),
        ("Identity", ["Identity"]),
    ]


def test_tensors_of_a_tag_are_stacked():
    with tf.Graph().as_default() as graph:
        hint = OpHint("cell")
        parts = [v1.placeholder(tf.float32, [2]) for _ in range(2)]
        steps = [hint.add_input(p, tag="in", aggregate=OpHint.AGGREGATE_STACK) for p in parts]
        done = [hint.add_output(s * 2.0, tag="out", aggregate="stack") for s in steps]
        tf.add_n(done, name="sum")
    nodes = ops_and_inputs(convert(graph_def=graph.as_graph_def()))
    assert ("Pack", ["Identity", "Identity"]) in nodes
    assert ("cell", ["Pack"]) in nodes
    assert ("Unpack", ["cell"]) in nodes


def test_stacks_between_parts_go():
    with tf.Graph().as_default() as graph:
        steps = [v1.placeholder(tf.float32, [2]) for _ in range(2)]
        for name in ("first", "second"):
            hint = OpHint(name)
            steps = [hint.add_input(s, tag="in", aggregate="stack") for s in steps]
            steps = [hint.add_output(s * 2.0, tag="out", aggregate="stack") for s in steps]
        tf.stack(steps, name="result")
        tf.identity(graph.get_tensor_by_name("result:0"), name="end")
    nodes = ops_and_inputs(convert(graph_def=graph.as_graph_def()))
    assert ("second", ["first"]) in nodes
    assert [op for op, _ in nodes].count("Pack") == 1


def test_parts_inside_a_loop_follow_each_other():
    mappings = {
        "parent_first_child_input": [
            {"parent_ophint_input_index": 0, "first_child_ophint_input_index": 0}
        ],
        "parent_last_child_output": [{"parent_output_index": 0, "child_output_index": 0}],
        "internal_children_input_output": [{"child_input_index": 0, "child_output_index": 0}],
    }

    def body(i, value):
        for _ in range(2):
            cell = OpHint("cell")
            value = cell.add_output(tf.tanh(cell.add_input(value)))
        return i + 1, value

    was_v2 = v1.control_flow_v2_enabled()
    v1.enable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            hint = OpHint("stack", level=2, children_inputs_mappings=mappings)
            x = hint.add_input(v1.placeholder(tf.float32, [2], name="x"))
            _, y = v1.while_loop(lambda i, _: i < 3, body, [0, x])
            tf.identity(hint.add_output(y), name="final")
    finally:
        if not was_v2:
            v1.disable_control_flow_v2()
    ops = [op for op, _ in ops_and_inputs(convert(graph_def=graph.as_graph_def()))]
    assert ops.count("cell") == 2
    assert "While" not in ops and "StatelessWhile" not in ops


@pytest.mark.parametrize("given", [{}, {"session": object(), "graph_def": object()}])
def test_one_source_is_given(given):
    with pytest.raises(ValueError):
        convert(**given)


@pytest.mark.parametrize("given", [{"tag": "a"}, {"aggregate": "first"}])
def test_tags_need_an_aggregation(given):
    with pytest.raises(ValueError, match="You must specify"):
        OpHint("cool").add_input(1.0, **given)


def test_outputs_are_found_by_name():
    with tf.Graph().as_default() as graph:
        hint = OpHint("cool")
        y = hint.add_output(tf.sqrt(hint.add_input(v1.placeholder(tf.float32, [2]))))
    assert stubs.find_all_hinted_output_nodes(graph_def=graph.as_graph_def()) == [y.op.name]
    assert stubs.is_ophint_converted(graph.as_graph_def())
