"""Graphs of Python functions, and functions of libraries: `func_graph` and `function` of tensorflow.python.framework."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import function
from penstock._src.bridge.python.framework.func_graph import func_graph_from_py_func
from penstock._src.proto.graph import FunctionDefLibrary


def test_arguments_become_placeholders_and_results_identities():
    graph = func_graph_from_py_func(
        "test", lambda a, b: {"sum": a + b["x"]}, (tf.constant(1.0), {"x": 2.0}), {}
    )
    assert [t.name for t in graph.inputs] == ["Placeholder:0"]
    assert [t.op.type for t in graph.outputs] == ["Identity"]
    assert graph.structured_outputs["sum"] is graph.outputs[0]
    assert graph.structured_input_signature[0][1] == {"x": 2.0}
    assert graph.name == "test"


def test_signatures_take_the_place_of_arguments():
    specs = [tf.TensorSpec([None, 2])]
    graph = func_graph_from_py_func("test", lambda a: a, (), {}, signature=specs, arg_names=["q"])
    assert (graph.inputs[0].name, graph.inputs[0].shape.as_list()) == ("q:0", [None, 2])


def test_operations_are_no_results():
    with pytest.raises(TypeError, match="of type Operation"):
        func_graph_from_py_func("test", tf.no_op, (), {})


def library(count):
    with tf.Graph().as_default() as graph:
        for at in range(count):
            function.Defun(tf.float32, func_name=f"f{at}")(lambda a: a * 3.0)(tf.constant(1.0))
        return graph.as_graph_def().library


def test_functions_of_libraries_have_their_gradients():
    lib = FunctionDefLibrary()
    lib.CopyFrom(library(1))
    with tf.Graph().as_default() as graph:
        gradient = function.Defun(tf.float32, tf.float32, func_name="g")(lambda a, dy: dy * 7.0)
        gradient(tf.constant(1.0), tf.constant(1.0))
        lib.function.extend(graph.as_graph_def().library.function)
    lib.gradient.add(function_name="f0", gradient_func="g")
    found = {f.name: f for f in function.from_library(lib)}
    assert found["f0"].grad_func_name == "g"
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.constant(2.0)
        y = found["f0"](x)
        assert session.run([y, tf.gradients(y, x)[0]]) == [6.0, 7.0]


def test_gradients_of_libraries_are_checked():
    lib = FunctionDefLibrary()
    assert function.from_library(lib) == []
    lib.CopyFrom(library(2))
    lib.gradient.add(function_name="f0", gradient_func="f1")
    lib.gradient.add(function_name="f1", gradient_func="f0")
    with pytest.raises(ValueError, match="cyclic gradient functions"):
        function.from_library(lib)
    lib.gradient.add(function_name="f0", gradient_func="missing")
    with pytest.raises(ValueError, match="missing 'missing'"):
        function.from_library(lib)
