"""Graphs for the tests of the compiler, made without the public API."""

import penstock._src.eager.execute
import penstock._src.graph.static_values  # noqa: F401  (ops run, and shapes are inferred, once these are loaded)
from penstock._src.compiler.compile import compile_graph
from penstock._src.core.shapes import as_shape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction


def graph_of(function, *types, name="f"):
    """The FuncGraph of a Python function of tensors; `types` are (dtype, shape)."""
    graph = FuncGraph(name)
    with graph.as_default():
        graph.inputs = [
            graph.placeholder(dtype, as_shape(shape), f"x{i}")
            for i, (dtype, shape) in enumerate(types)
        ]
        graph.outputs = list(function(*graph.inputs))
    return graph


def executable_of(function, *types, name="f"):
    """The Executable of a Python function of tensors."""
    graph = graph_of(function, *types, name=name)
    return compile_graph(graph, graph.inputs, graph.outputs)


def body_of(function, *types, name="body"):
    """A graph function, as attributes of control flow ops hold it."""
    return GraphFunction(graph_of(function, *types, name=name))
