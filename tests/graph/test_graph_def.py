"""GraphDefs: what is written can be read again and runs; the names follow TensorFlow's format."""

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock._src.graph.serialize import exporter


def looping():
    @tf.function
    def f(x, n):
        for _ in tf.range(n):
            if x[0] > 0:
                x = x * 2.0
        y, index = tf.unique(tf.cast(x, tf.int32))
        return x, index

    return f.get_concrete_function(
        tf.TensorSpec([2], tf.float32, name="xx"), tf.TensorSpec([], tf.int32)
    )


def test_a_graph_with_a_library_survives_the_round_trip():
    concrete = looping()
    definition = concrete.graph.as_graph_def()
    names = [t.name for t in concrete.outputs]
    graph = tf.Graph()
    with graph.as_default():
        outputs = tf.import_graph_def(definition, return_elements=names, name="")
    with v1.Session(graph=graph) as session:
        x, index = session.run(outputs, {"xx:0": [1.0, 2.0], "n:0": 3})
    assert x.tolist() == [8.0, 16.0] and index.tolist() == [0, 1]


def test_functions_for_xla_say_so_where_they_are_defined_and_called():
    inner = tf.function(lambda x: tf.cast(x, tf.int32), jit_compile=True)
    outer = tf.function(lambda x: inner(x) + 1)
    definition = outer.get_concrete_function(tf.TensorSpec([2])).graph.as_graph_def()
    (function,) = definition.library.function
    (call,) = [node for node in definition.node if "Call" in node.op]
    assert function.attr["_XlaMustCompile"].b and function.attr["_noinline"].b
    assert call.attr["_XlaMustCompile"].b
    with tf.Graph().as_default() as graph, v1.Session() as session:
        (sums,) = tf.import_graph_def(definition, return_elements=["Identity:0"], name="")
        # XLA's rules: a number above the greatest integer becomes that one
        assert session.run(sums, {"x:0": [3e9, 2.0]}).tolist() == [-(2**31), 3]
        assert graph.as_graph_def().library.function[0].attr["_XlaMustCompile"].b


def test_input_map_replaces_placeholders():
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [], name="x")
        tf.identity(x * 3.0, name="y")
    other = tf.Graph()
    with other.as_default():
        (y,) = tf.import_graph_def(
            graph.as_graph_def(), {"x": tf.constant(2.0)}, return_elements=["y:0"]
        )
        assert y.op.name == "import/y"
    with v1.Session(graph=other) as session:
        assert session.run(y) == 6.0


def test_function_defs_name_arguments_and_results():
    definition = exporter.function_def(looping().graph_function)
    assert [a.name for a in definition.signature.input_arg] == ["xx", "n"]
    loop = next(n for n in definition.node_def if n.op == "StatelessWhile")
    assert "xx" in loop.input
    assert set(definition.ret) == {a.name for a in definition.signature.output_arg}
    assert sorted(definition.ret.values()) == ["Identity:output:0", "Identity_1:output:0"]
    marked = next(n for n in definition.node_def if n.name == "Identity_1")
    assert list(marked.input) == ["Unique:idx:0"]


def test_unknown_operations_are_named():
    definition = v1.GraphDef()
    definition.node.add(name="a", op="NoSuchOp")
    with tf.Graph().as_default():
        with pytest.raises(tf.errors.NotFoundError, match="'NoSuchOp' in binary") as info:
            tf.import_graph_def(definition)
    assert isinstance(info.value, tf.errors.UnimplementedError)
    assert info.value.error_code == tf.errors.NOT_FOUND


def test_constants_of_all_kinds_are_kept():
    graph = tf.Graph()
    values = [
        np.arange(6, dtype=np.int64).reshape(2, 3),
        np.float32(1.5),
        np.array([b"a", b"bc"], object),
    ]
    with graph.as_default():
        names = [tf.constant(v).name for v in values]
    copy = tf.Graph()
    with copy.as_default():
        tensors = tf.import_graph_def(graph.as_graph_def(), return_elements=names)
    with v1.Session(graph=copy) as session:
        for found, value in zip(session.run(tensors), values, strict=True):
            np.testing.assert_array_equal(found, value)


def test_sub_graphs_and_training_nodes():
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [], name="x")
        y = tf.identity(x, name="passed")
        tf.square(y, name="wanted")
        tf.sqrt(y, name="other")
    definition = graph.as_graph_def()
    part = v1.graph_util.extract_sub_graph(definition, ["wanted"])
    assert sorted(n.name for n in part.node) == ["passed", "wanted", "x"]
    lean = v1.graph_util.remove_training_nodes(part)
    assert {n.name: list(n.input) for n in lean.node} == {"x": [], "wanted": ["x"]}


def test_registered_gradients():
    @tf.RegisterGradient("TenfoldSquare")
    def tenfold(op, dy):
        return dy * op.inputs[0] * 10.0

    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant(3.0)
        with graph.gradient_override_map({"Square": "TenfoldSquare"}):
            y = tf.square(x)
        (dx,) = tf.gradients(y, x)
    with v1.Session(graph=graph) as session:
        assert session.run(dx) == 30.0


def test_annotations_of_operations_are_in_their_definitions():
    with tf.Graph().as_default():
        op = (tf.constant(1.0) + 2.0).op
    op._set_attr("_noted", v1.AttrValue(b=True))
    assert op.get_attr("_noted") is True and op.node_def.attr["_noted"].b
    with pytest.raises(tf.errors.UnimplementedError, match="'T'"):
        op._set_attr("T", v1.AttrValue(b=True))
    op._clear_attr("_noted")
    with pytest.raises(ValueError, match="no attr named '_noted'"):
        op.get_attr("_noted")


def test_attributes_of_bytes_that_are_no_text_are_kept():
    with tf.Graph().as_default() as graph:
        tf.function(lambda x: x + 1.0)(tf.constant(1.0))
    definition = graph.as_graph_def()
    (call,) = [node for node in definition.node if node.op == "PartitionedCall"]
    call.attr["config_proto"].s = b"\x01\x82"
    with tf.Graph().as_default() as again:
        tf.import_graph_def(definition, name="")
    (call,) = [node for node in again.as_graph_def().node if node.op == "PartitionedCall"]
    assert call.attr["config_proto"].s == b"\x01\x82"


def test_checks_of_training_go_with_what_waits_for_them():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], name="x")
        check = tf.debugging.check_numerics(x, "finite", name="check")
        with tf.control_dependencies([check]):
            waits = tf.identity(x, name="waits")
        tf.square(tf.stop_gradient(waits, name="stopped"), name="y")
        tf.sqrt(check, name="z")
    lean = v1.graph_util.remove_training_nodes(graph.as_graph_def())
    assert {n.name: list(n.input) for n in lean.node} == {"x": [], "y": ["x"], "z": ["x"]}


@pytest.mark.parametrize("version, rank", [(0, None), (21, None), (22, 0)])
def test_old_placeholders_without_dimensions_have_any_shape(version, rank):
    with tf.Graph().as_default() as graph:
        v1.placeholder(tf.float32, [], "x")
    definition = graph.as_graph_def()
    definition.versions.producer = version
    with tf.Graph().as_default():
        (x,) = tf.import_graph_def(definition, return_elements=["x:0"])
    assert x.shape.rank == rank


def test_graphs_may_have_constants_that_tensorflow_computed_eagerly():
    definition = tf.compat.v1.GraphDef()
    definition.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    definition.node.add(name="y", op="_EagerConst", input=["x"]).attr["T"].type = 1
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.import_graph_def(definition, name="")
        assert session.run("y:0", {"x:0": 2.5}) == 2.5
        with pytest.raises(AssertionError, match="should never interact with gradient APIs"):
            graph = tf.compat.v1.get_default_graph()
            tf.gradients(graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0"))


def definition_of_negation():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], "x")
        with tf.device("/task:1"):
            tf.negative(x, name="y")
    return graph.as_graph_def()


def test_scopes_of_names_and_devices_hold_for_imported_nodes():
    with tf.Graph().as_default(), tf.name_scope("around"), tf.device("/job:a"):
        found = [
            tf.import_graph_def(definition_of_negation(), return_elements=["y", "x"], name=name)
            for name in ("i", "i", "")
        ]
    assert [op.name for y, x in found for op in (y, x)] == [
        *["around/i/y", "around/i/x", "around/i_1/y", "around/i_1/x", "y", "x"]
    ]
    assert {y.device for y, _ in found} == {"/job:a/task:1"}
    assert {x.device for _, x in found} == {"/job:a"}


def test_tensors_of_imported_graphs_are_replaced_by_numbers():
    with tf.Graph().as_default(), v1.Session() as session:
        (y,) = tf.import_graph_def(definition_of_negation(), {b"x": np.float32(3)}, [b"y:0"])
        assert y.op.inputs[0].name == "import/_inputs/Const:0"
        assert session.run(y) == -3
        with pytest.raises(ValueError, match="requires a non-empty `name`"):
            tf.import_graph_def(definition_of_negation(), {"x": 3.0}, name="")


def test_graphs_know_the_oldest_version_that_was_imported():
    definition = definition_of_negation()
    with tf.Graph().as_default() as graph:
        current = graph.graph_def_versions.producer
        definition.versions.producer, definition.versions.min_consumer = 30, 2
        definition.versions.bad_consumers.append(9)
        tf.import_graph_def(definition)
    versions = graph.graph_def_versions
    assert current > versions.producer == 30 and versions.min_consumer == 2
    assert list(versions.bad_consumers) == [9]


def test_reads_of_variables_in_imported_graphs_have_their_shapes():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None], name="x")
        variable = tf.compat.v1.get_variable("v", initializer=[1.0, 2.0], use_resource=True)
        tf.add(x, variable, name="y")
    with tf.Graph().as_default():
        (y,) = tf.import_graph_def(graph.as_graph_def(), return_elements=["y:0"])
        assert y.shape.as_list() == [2]


def test_nodes_call_functions_of_the_graph_that_they_come_to():
    concrete = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    with tf.Graph().as_default() as source:
        concrete(tf.constant(1.0))
    called = source.as_graph_def()
    called.ClearField("library")
    named = tf.compat.v1.GraphDef()  # the name of the function as the type of the operation
    named.CopyFrom(called)
    named.node[-1].op = concrete.function_def.signature.name
    named.node[-1].attr.clear()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        with pytest.raises(ValueError, match="not in its library"):
            tf.import_graph_def(called)
        concrete.add_to_graph(graph)
        for nodes in (called, named):
            (call,) = tf.import_graph_def(nodes, return_elements=[nodes.node[-1].name])
            assert session.run(call.outputs[0]) == 2
