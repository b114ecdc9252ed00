"""The composition of two graph functions."""

from penstock._src.core import dispatch
from penstock._src.core.registry import raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction


def composed_function(first: GraphFunction, second: GraphFunction, captured: int) -> GraphFunction:
    """Returns the function of an element that calls `first`, and `second` on its results.

    Args:
      first: a function of an element and what it captures.
      second: a function of the results of `first`, and of what it captures.
      captured: the number of captures of `second`, which are its last inputs and become those of the composition.
    """
    graph = FuncGraph(f"{first.name}_{second.name}")
    inputs = [*first.inputs, *second.inputs[len(second.inputs) - captured :]]
    with dispatch.building(graph):
        for tensor in inputs:
            graph.inputs.append(graph.placeholder(tensor.dtype, tensor.shape, "arg"))
        count = len(first.inputs)
        between = _called(first, graph.inputs[:count])
        graph.outputs = _called(second, [*between, *graph.inputs[count:]])
    return GraphFunction(graph)


def _called(function: GraphFunction, arguments: list) -> list:
    results = raw.PartitionedCall(
        args=arguments, Tout=[t.dtype for t in function.outputs], f=function
    )
    return list(results) if isinstance(results, (list, tuple)) else [results]
