"""Traces the functions of datasets into graph functions."""

import weakref
from collections.abc import Callable
from typing import Any

from penstock._src.core import dispatch
from penstock._src.core.calls.tracebacks import name_users_line
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.data import structure
from penstock._src.function import run as _runs_graph_functions  # noqa: F401
from penstock._src.function.autograph.convert import converted_call
from penstock._src.graph.control import add_control_dependencies
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.ops.data.pipeline import PipelineOp
from penstock._src.util import nest
from penstock._src.util.process import collector


class Traced:
    """A graph function, its captures, and the structure of its results."""

    def __init__(self, function: GraphFunction, captured: list[Any], output_spec: Any) -> None:
        self.function, self.captured, self.output_spec = function, captured, output_spec


@collector.paused()
def trace(
    function: Callable[..., Any], spec: Any, name: str, *more: Any, wanted: Any = None
) -> Traced:
    """Calls `function` once on placeholders.

    Args:
      function: a function of an element; the components of a tuple are separate arguments.
      spec: the structure of the elements.
      name: of the transformation, for the names of graphs and for messages.
      *more: structures of additional parameters; then `spec` is one argument.
      wanted: the required structure of the results, or None.
    """
    graph = FuncGraph(f"{name}_{getattr(function, '__name__', 'function').strip('<>')}")
    specs = (spec, *more)
    with dispatch.building(graph):
        arguments = [_placeholders(graph, part) for part in specs]
        if not more and type(arguments[0]) is tuple:
            arguments = list(arguments[0])
        try:
            result = converted_call(function, *arguments)
        except Exception as error:
            name_users_line(error)
            raise
        if isinstance(result, list):
            result = tuple(result)
        result = structure.normalize(result, wanted)
        output_spec = structure.spec_of(result)
        outputs = structure.to_tensors(output_spec, result)
        graph.outputs = [graph.local(convert_to_tensor(tensor)) for tensor in outputs]
        add_control_dependencies(graph)
    function = GraphFunction(graph, why_host="it only moves values" if _only_moves(graph) else "")
    weakref.finalize(function, _release, weakref.ref(graph)).atexit = False
    return Traced(function, graph.external_captures, output_spec)


def trace_state(
    spec: Any, function: Callable[..., Any], name: str, element_spec: Any, with_output: bool = False
) -> tuple[Any, Traced]:
    """Traces a function of (state, element), relaxing the shapes of the state until they are stable.

    Args:
      spec: the structure of the initial state.
      function: returns the next state.
      name: of the transformation.
      element_spec: the structure of the elements.
      with_output: whether the function returns a pair of the next state and an output.

    Returns:
      The structure of all states, and the traced function.

    Raises:
      TypeError: the function returns something else, or a state of other classes or dtypes.
    """
    while True:
        traced = trace(function, spec, name, element_spec)
        result = traced.output_spec
        if with_output and not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(
                "Invalid `scan_func`. `scan_func` should return a pair consisting of new state "
                f"and the output value but its return type is {result}."
            )
        new = result[0] if with_output else result
        _check_state(spec, new, is_reduced=not with_output)
        merged = structure.relaxed(spec, new)
        if merged == spec:
            return spec, traced
        spec = merged


def _check_state(old: Any, new: Any, is_reduced: bool) -> None:
    ones, others = nest.flatten(old), nest.flatten(new)
    if is_reduced and len(ones) != len(others):
        raise InvalidArgumentError(
            "The number of components of the initial state and the reduce function output does not match. "
            f"(initial_state={len(ones)}, output={len(others)})."
        )
    same = len(ones) == len(others) and all(type(a) is type(b) for a, b in zip(ones, others))
    if not same:
        raise TypeError(
            "The element classes for the new state must match the initial state. Expected "
            f"{old}, got {new}."
        )
    for a, b in zip(structure.flat_types(old), structure.flat_types(new)):
        if a is not b:
            raise TypeError(
                "The element types for the new state must match the initial state. Expected "
                f"{structure.flat_types(old)}, got {structure.flat_types(new)}."
            )


def _only_moves(graph: FuncGraph) -> bool:
    """True if no operation computes: each only moves values or makes datasets."""
    return all(
        op.raw_op.is_movement or isinstance(op.raw_op, PipelineOp) for op in graph._operations
    )


def _placeholders(graph: FuncGraph, spec: Any) -> Any:
    tensors = []
    for part in structure.flat_specs(spec):
        placeholder = graph.placeholder(part.dtype, part.shape, "arg")
        graph.inputs.append(placeholder)
        tensors.append(placeholder)
    return structure.from_tensors(spec, tensors)


def scalar_spec(dtype: DType) -> TensorSpec:
    """The type of a scalar."""
    return TensorSpec([], dtype)


def _release(graph: "weakref.ref[FuncGraph]") -> None:
    """Lets go what the graph of a dropped function has captured.

    The graph is not held: a graph around it may hold the function, which then would never be dropped.
    """
    held = graph()
    if held is not None:
        held.release_captures()
