"""Meta graphs of a scope: exported without its name, imported under another."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import error_interpolation, meta_graph

v1 = tf.compat.v1


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        images = v1.placeholder(tf.float32, [None, 2], name="images")
        with v1.name_scope("hidden"):
            weights = v1.Variable(tf.ones([2, 3]), name="weights", use_resource=True)
            with tf.device("/cpu:0"):
                v1.add_to_collection("logits", tf.matmul(images, weights))
        v1.add_to_collection("numbers", 3)
        yield graph


def test_a_scope_is_taken_off_and_inputs_from_outside_are_marked(graph):
    made, variables = meta_graph.export_scoped_meta_graph(graph=graph, export_scope="hidden")
    nodes = {node.name: node for node in made.graph_def.node}
    assert list(nodes["MatMul"].input) == ["$unbound_inputs_images", "MatMul/ReadVariableOp"]
    assert nodes["MatMul"].device == "/device:CPU:0" and not nodes["MatMul/ReadVariableOp"].device
    assert made.collection_def["unbound_inputs"].bytes_list.value == [b"$unbound_inputs_images"]
    assert made.collection_def["logits"].node_list.value == ["MatMul:0"]
    assert [*variables] == ["weights:0"]


def test_an_exported_scope_runs_in_another_graph(graph):
    made, _ = meta_graph.export_scoped_meta_graph(graph=graph, export_scope="hidden")
    with tf.Graph().as_default() as other:
        with pytest.raises(ValueError, match="unbound inputs: .unbound_inputs_images"):
            meta_graph.import_scoped_meta_graph(made, import_scope="new")
        inputs = {"$unbound_inputs_images": tf.constant([[1.0, 2.0]])}
        variables = meta_graph.import_scoped_meta_graph(made, import_scope="new", input_map=inputs)
        assert variables["weights:0"].name == "new/weights:0"
        (logits,) = other.get_collection("logits")
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            assert session.run(logits).tolist() == [[3.0] * 3]


def test_nodes_of_other_savers_are_left_out(graph):
    first, second = v1.train.Saver(name="first"), v1.train.Saver(name="second")
    v1.add_to_collection(v1.GraphKeys.SAVERS, first)
    made = second.export_meta_graph(clear_extraneous_savers=True)
    names = {node.name.partition("/")[0] for node in made.graph_def.node}
    assert "second" in names and "first" not in names
    assert made.collection_def["savers"].bytes_list.value == [second.saver_def.SerializeToString()]


def test_a_copy_is_in_another_scope(graph):
    with v1.name_scope("a"):
        v1.Variable(2.0, name="v", use_resource=True)
    copied = meta_graph.copy_scoped_meta_graph("a", "b")
    assert copied["v:0"].name == "b/v:0"
    with pytest.raises(ValueError, match="need to be different"):
        meta_graph.copy_scoped_meta_graph("a", "a")


def test_a_saver_is_made_for_imported_variables(graph):
    made = v1.train.export_meta_graph()
    with tf.Graph().as_default():
        assert v1.train.import_meta_graph(made, import_scope="in") is not None
        assert v1.trainable_variables()[0].name == "in/hidden/weights:0"


def test_operations_of_functions_are_listed(graph):
    tf.function(tf.sin)(tf.constant(1.0))
    names = {op.name for op in meta_graph.stripped_op_list_for_graph(graph.as_graph_def()).op}
    assert "Sin" in names and not any(name.startswith("__inference") for name in names)


def test_messages_say_where_nodes_were_made(graph):
    message = error_interpolation.interpolate_graph("bad {{node images}}{{function_node f}}", graph)
    assert "Detected at node 'images'" in message and "test_scoped_meta_graph.py" in message
    assert message.endswith("Node: 'images'\nbad {{node images}}")
    (frame,) = graph.get_operation_by_name("images").traceback
    assert frame.name == "graph" and "placeholder" in frame.text


def test_the_defining_frame_is_the_users():
    inside = error_interpolation._FRAMEWORK_PATH_PREFIXES[0] + "a.py"
    assert error_interpolation._is_framework_filename(inside)
    assert not error_interpolation._is_framework_filename(inside.replace("a.py", "a_test.py"))


def test_strings_of_collections_are_taken_for_names_in_the_scope(graph):
    v1.add_to_collection("texts", "a")
    made, _ = meta_graph.export_scoped_meta_graph(graph=graph)
    with tf.Graph().as_default():
        meta_graph.import_scoped_meta_graph(made, import_scope="new")
        assert v1.get_collection("texts") == ["new/a"]
