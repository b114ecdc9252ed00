"""Tracing: calls the Python function with placeholders while ops are recorded."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.autodiff.control_flow import copy_operations
from penstock._src.compiler.compile import compile_graph
from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls import lines
from penstock._src.core.calls.tracebacks import name_users_line
from penstock._src.core.errors import OpError
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_spec import VariableSpec, has_own_handle
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.trace_type import Leaves, argument_names, input_names, substitute
from penstock._src.graph import trace as graph_trace
from penstock._src.graph.control import add_control_dependencies
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util import nest, slots
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName
from penstock._src.util.process import collector
from penstock._src.util.process.progress import Progress

# Imported by name: processes that only call the functions of files convert none.
_CONVERTED = ByName("penstock._src.function.autograph.convert", "converted")
_CONVERTED_CALLABLE = ByName("penstock._src.function.autograph.convert", "converted_callable")
_PRINTING = ByName("penstock._src.function.autograph.builtins", "printing")


@dataclass
class Trace:
    """The input of a trace: the function, and its arguments with a spec for each tensor."""

    function: Callable[..., Any]
    name: str
    parameters: list[tuple[str, Any]]
    specs: list[TensorSpec]
    signature: inspect.Signature | None
    autograph: bool
    values: Leaves  # of the first call: initial values of variables may depend on them
    # The interface that the function is one of several implementations of.
    implements: str | None = None
    prints_values: bool = False  # whether `print` shows tensors when the function runs
    is_for_xla: bool = False


@collector.paused()
def trace_function(trace: Trace, allow_variables: bool) -> tuple[ConcreteFunction, list[Any]]:
    """Returns the trace as a ConcreteFunction, and the variables that the function created.

    Raises:
      ValueError: it created variables and `allow_variables` is False; or it changed its arguments.
    """
    with Progress(f"tracing {trace.name}"):
        return _traced(trace, allow_variables)


def _traced(trace: Trace, allow_variables: bool) -> tuple[ConcreteFunction, list[Any]]:
    graph = FuncGraph(trace.name)
    graph.calling_device = dispatch.STATE.device
    graph.implements = trace.implements
    graph.calls_wait = True
    graph.is_for_xla = trace.is_for_xla
    graph.is_debugged = lines.is_recording()
    created: list[Any] = []
    graph.variable_rule = created.append if allow_variables else graph_trace.refuse_variable
    graph.converts = trace.autograph
    function = graph.python_function = trace.function
    if trace.autograph:
        function = _CONVERTED(function, requested=True) or _CONVERTED_CALLABLE(function)
    with graph_trace.recording(graph), dispatch.device(None):  # calls may be on other devices
        placeholders = _placeholders(graph, trace)
        if allow_variables:
            graph.argument_values = list(zip(placeholders, trace.values))
        tensors = iter(_without_variables(placeholders, trace.values))
        arguments = [(name, substitute(value, tensors)) for name, value in trace.parameters]
        before = [_shallow(value) for _, value in arguments]
        args, kwargs = _call_form(arguments, trace.signature)
        try:
            with _PRINTING(trace.prints_values):
                result = function(*args, **kwargs)
        except Exception as error:
            name_users_line(error)
            raise
        _check_unchanged(trace, arguments, before)
        graph_trace.set_outputs(graph, result, marks=True)
    add_control_dependencies(graph)
    for leave in graph.exit_callbacks:
        leave()
    graph.variable_rule = graph.python_function = None
    graph.argument_values, graph.lifted = [], []
    shown = _specs_of(trace)
    graph.structured_input_signature = _signature_form(shown, trace.signature)
    return ConcreteFunction(graph, shown, signature=trace.signature), created


def _placeholders(graph: FuncGraph, trace: Trace) -> list[SymbolicTensor]:
    names = input_names(trace.parameters, trace.signature)
    placeholders = []
    for spec, name in zip(trace.specs, names, strict=True):
        placeholder = graph.placeholder(spec.dtype, spec.shape, _legal(spec.name or name))
        placeholder._handle_data = spec._handle_data
        graph.inputs.append(placeholder)
        placeholders.append(placeholder)
    for value, placeholder in zip(trace.values, placeholders):
        if placeholder.dtype is dtypes.resource:
            _stand_for(value, placeholder, trace.values)
    return placeholders


def _stand_for(value: Any, placeholder: SymbolicTensor, values: Leaves) -> None:
    """Use the placeholder of a handle wherever the function reads the variable with that handle."""
    handles = placeholder.graph.argument_handles
    handles[placeholder._id] = placeholder
    if _is_of_variable(value, values):
        handles[value._id] = placeholder
    if placeholder._handle_data is None:
        placeholder._handle_data = getattr(value, "_handle_data", None)


def _is_of_variable(value: Any, values: Leaves) -> bool:
    """True if one of the tensors of a call is the handle of a variable among the arguments."""
    return getattr(value, "_id", None) in values.variables


def _without_variables(entries: Sequence[Any], values: Leaves) -> list[Any]:
    """Return the entries of tensors that are not variables' handles."""
    pairs = zip(entries, values, strict=True)
    return [each for each, value in pairs if not _is_of_variable(value, values)]


def _legal(name: str) -> str:
    text = "".join(c if c.isalnum() or c in "_./\\-" else "_" for c in name)
    return text if text and text[0] not in "_-/\\" else "arg" + text


def _call_form(
    arguments: Sequence[tuple[str, Any]], signature: inspect.Signature | None
) -> tuple[list[Any], dict[str, Any]]:
    """Returns the arguments as (args, kwargs) of a call."""
    if signature is None:
        positional = [value for name, value in arguments if name.startswith("args_")]
        return positional, {n: v for n, v in arguments if not n.startswith("args_")}
    bound = inspect.BoundArguments(signature, dict(arguments))  # type: ignore[arg-type]
    return list(bound.args), dict(bound.kwargs)


def _specs_of(trace: Trace) -> list[tuple[str, Any]]:
    """Returns the parameters with TensorSpecs for tensors."""
    names = argument_names(trace.parameters, trace.signature)
    specs = [
        TensorSpec(s.shape, s.dtype, s.name or n) for s, n in zip(trace.specs, names, strict=True)
    ]
    forms = _SpecForms(_without_variables(specs, trace.values), trace.values)
    return [(name, _spec_form(value, forms)) for name, value in trace.parameters]


class _SpecForms:
    """Specs of the arguments' tensors one by one. Variables are keyed by the handle."""

    def __init__(self, specs: Sequence[TensorSpec], values: Leaves) -> None:
        self._specs, self._values = iter(specs), values

    def __iter__(self) -> Iterator[TensorSpec]:
        return self

    def __next__(self) -> TensorSpec:
        return next(self._specs)

    def of_variable(self, variable: Variable) -> VariableSpec:
        """Returns the spec of a variable, with its number among those of the call."""
        number = self._values.number(variable)
        return VariableSpec(variable.shape, variable.dtype, variable.trainable, number)


def _spec_form(value: Any, specs: _SpecForms) -> Any:
    if has_own_handle(value):
        return specs.of_variable(value)
    if isinstance(value, Tensor | TensorSpec):
        return next(specs)
    if nest.is_composite(value):
        spec = getattr(value, "_type_spec", value)
        for _ in (
            nest.flatten(value, expand_composites=True) if spec is not value else value.flatten()
        ):
            next(specs)
        return spec
    children = nest.children(value)
    if children is not None:
        return nest.rebuild(value, [_spec_form(child, specs) for child in children])
    try:
        return substitute(value, specs)
    except (TypeError, AttributeError):
        return value


def _signature_form(shown: list[tuple[str, Any]], signature: inspect.Signature | None) -> Any:
    args, kwargs = _call_form(shown, signature)
    return tuple(args), kwargs


def _shallow(value: Any) -> Any:
    """Returns a copy of the containers of an argument."""
    if type(value) in (list, tuple):
        return type(value)(_shallow(item) for item in value)
    if type(value) is dict:
        return {key: _shallow(item) for key, item in value.items()}
    return value


def _check_unchanged(trace: Trace, arguments: list[tuple[str, Any]], before: list[Any]) -> None:
    changed = [
        name
        for (name, value), earlier in zip(arguments, before, strict=True)
        if not _same(value, earlier)
    ]
    if changed:
        raise ValueError(
            f"{trace.name}{trace.signature} should not modify its Python input arguments. Modifying a "
            f"copy is allowed. The following parameter(s) were modified: {', '.join(changed)}"
        )


def _same(value: Any, other: Any) -> bool:
    if type(other) in (list, tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    if type(other) is dict:
        return value.keys() == other.keys() and all(_same(value[k], other[k]) for k in other)
    return value is other


def lift(tensor: SymbolicTensor) -> Tensor | None:
    """Returns a tensor of the traced function for use outside of it, where variables are created: its value, or a copy in a graph.

    Returns:
      None, if the tensor depends on an argument whose value is not known.
    """
    if dispatch.STATE.graph is not None:
        return _copied(tensor, dispatch.STATE.graph)
    graph = tensor.graph
    inputs: list[SymbolicTensor] = [each for each, _ in graph.lifted]
    values = [value for _, value in graph.lifted]
    for placeholder, argument in graph.argument_values:
        if isinstance(argument, EagerTensor):
            inputs.append(placeholder)
            values.append(argument._value)
    for external, placeholder in graph.captures:
        if isinstance(external, SymbolicTensor):
            external = lift(external)
        if not isinstance(external, EagerTensor):
            continue
        inputs.append(placeholder)
        values.append(external._value)
    # Of operations with effects, such as random numbers, which run once for all variables.
    once = [
        output
        for op in needed_operations(graph, inputs, [tensor], [])
        if op.raw_op.stateful
        for output in op.outputs
        if output.dtype not in (dtypes.resource, dtypes.variant)
    ]
    try:
        value, *further = compile_graph(graph, inputs, [tensor, *once], [], "initial_value")(values)
    except OpError:
        return None
    graph.lifted += zip(once, further, strict=True)
    return EagerTensor(value, tensor.dtype)


def _copied(tensor: SymbolicTensor, graph: Any) -> SymbolicTensor | None:
    """Returns a copy of a tensor of a function in a graph around the function; None if it depends on an argument."""
    if tensor.graph is graph:
        return tensor
    captured = {placeholder._id: external for external, placeholder in tensor.graph.captures}
    needed = needed_operations(tensor.graph, [], [tensor], [])
    table: dict[int, SymbolicTensor] = {}
    for placeholder in [t for op in needed if op.type == "Placeholder" for t in op.outputs]:
        external = captured.get(placeholder._id)
        copy = _copied(external, graph) if isinstance(external, SymbolicTensor) else None
        if copy is None:
            return None
        table[placeholder._id] = copy
    copy_operations(needed, graph, table)
    return table[tensor._id]


slots.CONVERT = lambda function: _CONVERTED(function) or function
