"""Traces the functions of datasets into graph functions."""

import inspect
import re
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dispatch
from penstock._src.core.calls.tracebacks import name_users_line
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.data import structure
from penstock._src.data.experimental.debug_mode import DEBUG_MODE
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function import run as _runs_graph_functions  # noqa: F401
from penstock._src.function.autograph.convert import converted_call
from penstock._src.graph.control import add_control_dependencies
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.ops.control.python_call import register
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
    """Calls `function` once on placeholders; in debug mode the graph calls it again for each element.

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
        arguments = _unpacked([_placeholders(graph, part) for part in specs])
        try:
            result = converted_call(function, *arguments)
        except Exception as error:
            _explain_arguments(error, function, _unpacked(list(specs)))
            name_users_line(error)
            raise
        if isinstance(result, list):
            result = tuple(result)
        try:
            result = structure.normalize(result, wanted)
        except TypeError as error:  # Operations and other objects that are not tensors
            if wanted is not None:
                raise
            method = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            raise TypeError(
                f"Unsupported return value from function passed to Dataset.{method}(): {result}."
            ) from error
        output_spec = structure.spec_of(result)
        outputs = structure.to_tensors(output_spec, result)
        graph.outputs = [graph.local(convert_to_tensor(tensor)) for tensor in outputs]
        add_control_dependencies(graph)
    graph.lifted = []
    if DEBUG_MODE.is_enabled:
        graph = _python_graph(function, specs, name, output_spec)
    function = GraphFunction(graph, why_host="it only moves values" if _only_moves(graph) else "")
    weakref.finalize(function, _release, weakref.ref(graph)).atexit = False
    return Traced(function, graph.external_captures, output_spec)


def _unpacked(arguments: list[Any]) -> list[Any]:
    """The arguments of a function, or their types: the components of an element that is a tuple, if it is the only one."""
    is_tuple = len(arguments) == 1 and type(arguments[0]) is tuple
    return list(arguments[0]) if is_tuple else arguments


def _explain_arguments(
    error: Exception, function: Callable[..., Any], specs: Sequence[Any]
) -> None:
    """Adds what the arguments are to the error of a function that does not take that many."""
    if type(error) is not TypeError or len(error.args) != 1:
        return
    try:
        inspect.signature(function).bind(*specs)
    except TypeError:
        listed = ", ".join(map(repr, specs))
        error.args = (f"{error.args[0]}. It is called with {len(specs)} argument(s): {listed}.",)
    except ValueError:  # a function without a signature
        return


def _python_graph(
    function: Callable[..., Any], specs: Sequence[Any], name: str, output_spec: Any
) -> FuncGraph:
    """Returns a graph that calls `function` with eager tensors.

    Args:
      function: of a dataset.
      specs: the structures of its parameters.
      name: see `trace`.
      output_spec: the structure of its results.
    """
    graph = FuncGraph(f"{name}_{getattr(function, '__name__', 'function').strip('<>')}")
    with dispatch.building(graph):
        for part in specs:
            _placeholders(graph, part)
        flat = structure.flat_specs(output_spec)
        caller = _PythonCall(function, specs, output_spec)
        token, callback = register(caller)
        outputs = raw.EagerPyFunc(input=graph.inputs, token=token, Tout=[s.dtype for s in flat])
        graph._operations[-1].python_function = callback  # lives as long as the graph
        for tensor, spec in zip(outputs, flat, strict=True):
            tensor.set_shape(spec.shape)
        graph.outputs = list(outputs)
        add_control_dependencies(graph)
    return graph


class _PythonCall:
    """A function of a dataset that is called with values of the host."""

    def __init__(
        self, function: Callable[..., Any], specs: Sequence[Any], output_spec: Any
    ) -> None:
        self._function, self._specs, self._output_spec = function, specs, output_spec

    def __call__(self, values: Sequence[Any], _differentiate: bool) -> list[Any]:
        """Returns the values of the results, flat."""
        with dispatch.building_unrecorded(None):
            result = self._function(*self._arguments(values))
            if isinstance(result, list):
                result = tuple(result)
            nest.assert_same_structure(self._output_spec, result)
            result = structure.normalize(result, self._output_spec)
            tensors = structure.to_tensors(self._output_spec, result)
            specs = structure.flat_specs(self._output_spec)
            return [_checked(each, spec) for each, spec in zip(tensors, specs, strict=True)]

    def _arguments(self, values: Sequence[Any]) -> list[Any]:
        remaining = iter(values)
        arguments = []
        for spec in self._specs:
            tensors = [EagerTensor(next(remaining), s.dtype) for s in structure.flat_specs(spec)]
            arguments.append(structure.from_tensors(spec, tensors))
        return _unpacked(arguments)


def _checked(value: Any, spec: TensorSpec) -> Any:
    """The host value of a result.

    Raises:
      ValueError: its shape is not that of the trace.
    """
    tensor: Any = convert_to_tensor(value)
    if not tensor.shape.is_compatible_with(spec.shape):
        raise ValueError(
            f"Value {tensor} is not convertible to a tensor with dtype {spec.dtype} and shape {spec.shape}."
        )
    return tensor._value


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
        # As in TensorFlow, all states have the structure of the initial one.
        merged = structure.relaxed(spec, nest.pack_sequence_as(spec, nest.flatten(new)))
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
        op.raw_op.elements.is_movement or isinstance(op.raw_op, PipelineOp)
        for op in graph._operations
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
    """Releases the captures of the graph of a dropped function.

    The reference is weak: a graph around it may hold the function, which then would never be dropped.
    """
    target = graph()
    if target is not None:
        target.release_captures()
