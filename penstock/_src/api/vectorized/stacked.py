"""A function of one element as a graph function of stacks of elements."""

from penstock._src.api.vectorized.loop import Vectorizer
from penstock._src.api.vectorized.rules import NoRows, Value
from penstock._src.api.vectorized.step import whole
from penstock._src.core import dispatch
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction


def stacked_function(function: GraphFunction, elements: int) -> GraphFunction | None:
    """Returns the function that computes stacked results from stacked elements, or None if there is none.

    Args:
      function: a function of an element.
      elements: the number of its first inputs that are components of the element; all elements share the others.
    """
    graph = FuncGraph(f"{function.name}_of_stacks")
    with dispatch.building(graph):
        arguments = {}
        for at, tensor in enumerate(function.inputs):
            is_stacked = at < elements
            shape = TensorShape([None]).concatenate(tensor.shape) if is_stacked else tensor.shape
            placeholder = graph.placeholder(tensor.dtype, shape, "arg")
            graph.inputs.append(placeholder)
            arguments[tensor._id] = Value(placeholder, is_stacked)
        count = raw.Shape(input=graph.inputs[0])[0]
        try:
            values = Vectorizer(function.graph, arguments, count, by_rows=False).outputs(
                function.outputs
            )
        except (NoRows, ValueError):  # an operation has no rule
            return None
        results = [convert_to_tensor(whole(value, count)) for value in values]
        graph.outputs = [graph.local(tensor) for tensor in results]
    return GraphFunction(graph)
