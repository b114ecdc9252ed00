"""FunctionDefs as graphs and GraphDefs, and graphs as FunctionDefs."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework.function_def_to_graph import (
    copy_function_def_to_graph_def_recursively,
    function_def_to_graph,
    function_def_to_graph_def,
)
from penstock._src.bridge.python.framework.graph_to_function_def import graph_to_function_def
from penstock._src.function.types.atomic import from_function_def


def definition():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        parts = tf.split(x, 2, name="parts")
        total = tf.add(parts[0], parts[1], name="total")
    made = graph_to_function_def(graph, graph.get_operations(), [x], [total, parts[1]])
    made.signature.name = "halves"
    return made


def nested():
    inner = tf.function(lambda x: x + 1.0)
    outer = tf.function(lambda x: inner(x) * 2.0)
    return inner, outer.get_concrete_function(tf.constant(1.0))


def test_a_graph_becomes_a_definition():
    made = definition()
    assert [argument.name for argument in made.signature.output_arg] == ["total", "parts_o1"]
    assert dict(made.ret) == {"total": "total:z:0", "parts_o1": "parts:output:1"}
    assert list(made.node_def[-1].input) == ["parts:output:0", "parts:output:1"]


def test_names_of_outputs_are_checked():
    graph = tf.Graph()
    with pytest.raises(ValueError, match="equal in size"):
        graph_to_function_def(graph, [], [], [], ["a"])


def test_a_definition_becomes_a_graph():
    graph = function_def_to_graph(definition(), input_shapes=[tf.TensorShape([4, 3])])
    assert graph.name == "halves"
    assert [t.shape.as_list() for t in graph.outputs] == [[2, 3], [2, 3]]
    assert function_def_to_graph(definition()).inputs[0].shape.rank is None
    with pytest.raises(ValueError, match="Length of `input_shapes`"):
        function_def_to_graph(definition(), input_shapes=[None, None])


def test_a_definition_becomes_a_graph_def():
    made, names = function_def_to_graph_def(definition(), input_shapes=[tf.TensorShape([4])])
    placeholder, total = made.node[0], made.node[-1]
    assert placeholder.op == "Placeholder" and len(placeholder.attr["shape"].shape.dim) == 1
    assert list(total.input) == ["parts:0", "parts:1"]
    assert (names["x"], names["parts:output:1"], names["^parts"]) == ("x:0", "parts:1", "^parts")


def test_functions_that_a_definition_calls_are_found():
    inner, outer = nested()
    assert (
        float(from_function_def(outer.function_def, outer.function_type)(tf.constant(2.0))) == 6.0
    )
    library = function_def_to_graph(outer.function_def).as_graph_def().library
    called = inner.get_concrete_function(tf.constant(1.0)).graph_function.name
    assert [function.signature.name for function in library.function] == [called]
    made, _ = function_def_to_graph_def(outer.function_def, include_library_functions=True)
    assert [function.signature.name for function in made.library.function] == [called]


def test_definitions_are_copied_with_those_that_they_call():
    inner, outer = nested()
    target, copied = tf.Graph().as_graph_def(), set()
    name = outer.graph_function.name
    copy_function_def_to_graph_def_recursively(name, target, copied)
    called = inner.get_concrete_function(tf.constant(1.0)).graph_function.name
    assert copied == {name, called}
    assert {function.signature.name for function in target.library.function} == copied
    with pytest.raises(ValueError, match="was not found"):
        copy_function_def_to_graph_def_recursively("nothing", target, copied)


def test_a_graph_has_the_functions_added_to_it():
    _, outer = nested()
    with tf.Graph().as_default() as graph:
        outer.add_to_graph()
    assert len(graph.as_graph_def().library.function) == 2


def test_definitions_say_shapes_and_variables_on_request():
    with tf.Graph().as_default() as graph:
        variable = tf.compat.v1.get_variable("v", initializer=tf.ones([2, 3]))
        concrete = tf.function(lambda x: x + variable).get_concrete_function(tf.TensorSpec([3]))
        concrete.add_to_graph()
        (made,) = graph.as_graph_def(add_shapes=True).library.function
    (known,) = made.signature.input_arg[1].handle_data
    assert [d.size for d in known.shape.dim] == [2, 3]
    assert [len(shape.dim) for shape in made.attr["_input_shapes"].list.shape] == [1, 0]
    assert function_def_to_graph(made).inputs[0].shape.as_list() == [3]


def test_control_inputs_from_arguments_are_kept():
    def waits(x):
        with tf.control_dependencies([x]):
            tf.constant(1.0, name="y")
            return tf.identity(x, name="z")

    made = tf.function(waits).get_concrete_function(tf.constant(1.0)).function_def
    inputs = {node.name: list(node.input) for node in made.node_def}
    assert (inputs["y"], inputs["z"]) == (["^x"], ["x"])
    (control,) = function_def_to_graph(made).get_operation_by_name("y").control_inputs
    assert control.name == "x"
