"""Functions of a loaded SavedModel."""

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable_spec import VariableSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.differentiable import DifferentiableFunction
from penstock._src.function.function import Function
from penstock._src.function.structured_values import decode
from penstock._src.function.types.function_spec import make_function_type
from penstock._src.function.types.function_type import FunctionType, of_trace, sanitized_name
from penstock._src.function.types.input_signature import cast_to
from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.proto.saved import FunctionSpec
from penstock._src.saving.saved_model.revived.planned_calls import PlannedCalls, specs_of
from penstock._src.util import nest
from penstock._src.util.process import forks
from penstock._src.util.signatures import read_only


class RevivedConcreteFunction(ConcreteFunction):
    """A trace of a SavedModel. Its `structured_outputs` are specs, as in TensorFlow.

    One that is made later has only these attributes until then: `_make` makes it, `_changes` are made to it, and `_making` is held meanwhile.
    What `_plan` gives answers calls without making it.
    """

    _make: Callable[[], "RevivedConcreteFunction"]
    _changes: list[Callable[["RevivedConcreteFunction"], None]]
    _making: Any
    _plan: Callable[[], PlannedCalls | None] | None = None

    def __init__(self, graph: FuncGraph, parameters: Sequence[tuple[str, Any]]) -> None:
        super().__init__(graph, parameters)
        self._results: Any = None

    @classmethod
    def later(
        cls,
        make: Callable[[], "RevivedConcreteFunction"],
        plan: Callable[[], PlannedCalls | None],
    ) -> "RevivedConcreteFunction":
        """A trace that `make` makes when anything is asked of it that what `plan` returns cannot answer."""
        concrete = cls.__new__(cls)
        concrete._make, concrete._changes, concrete._plan = make, [], plan
        concrete._making = forks.freed_in_child(threading.RLock())
        concrete._known_calls, concrete._binder = {}, None
        return concrete

    def __getattr__(self, name: str) -> Any:
        """Makes the trace, which then has the attributes of all others."""
        if name.startswith("__") or "_making" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}", name=name, obj=self
            )
        with self.__dict__["_making"]:  # other threads wait until it is made
            make = self.__dict__.get("_make")
            if make is not None:
                trace, planned = make(), self.planned()
                if planned is not None:
                    planned.hand_over(trace._function)
                for change in self.__dict__["_changes"]:
                    change(trace)
                self.__dict__.update(trace.__dict__)
                del self.__dict__["_make"]
                self._plan = None
        return object.__getattribute__(self, name)

    def when_made(self, change: Callable[["RevivedConcreteFunction"], None]) -> None:
        """Changes the trace: now, or when it is made."""
        if "_make" in self.__dict__:
            self.__dict__["_changes"].append(change)
        else:
            change(self)

    def take_signature(self, signature: inspect.Signature | None) -> None:
        """Names the parameters as in the Python function that was traced."""
        self.when_made(lambda trace: trace._take_signature(signature))

    def _take_signature(self, signature: inspect.Signature | None) -> None:
        if self._signature is not None or signature is None:
            return
        args, kwargs = self.structured_input_signature
        legal = {n if n.isidentifier() else sanitized_name(n): v for n, v in kwargs.items()}
        try:
            bound = signature.bind(*args, **legal)
        except TypeError:  # an older file: parameters keep the numbers of arguments
            return
        self._signature, self.parameters = signature, list(bound.arguments.items())

    def planned(self) -> PlannedCalls | None:
        """The calls that a pack answers; None if the trace has been made, or a pack answers none."""
        plan = self._plan  # another thread may make the function meanwhile
        return None if plan is None else plan()

    def _flat_arguments(
        self, args: Sequence[Any], kwargs: dict[str, Any], only_tensors: bool = False
    ) -> list[Any]:
        planned = self.planned()
        tensors = None if planned is None else planned.bound(args, kwargs)
        if tensors is not None:
            return tensors
        if "_make" in self.__dict__:
            self.graph  # noqa: B018  (which is made: with it the function gets its binder)
            if self._binder is not None:
                return self._bound(args, kwargs)
        return super()._flat_arguments(args, kwargs, only_tensors)

    def call_flat(self, tensors: Sequence[Any]) -> Any:
        """Calls with the tensors of the arguments, in order; returns the structured result."""
        planned = self.planned()
        outputs = None if planned is None else planned.outputs(tensors)
        if planned is None or outputs is None:
            return super().call_flat(tensors)
        return planned.packed(outputs)

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:  # type: ignore[override]
        """(positional, keyword) arguments with TensorSpecs for tensors."""
        planned = self.planned()
        signature = self.graph.structured_input_signature if planned is None else planned.signature
        return signature  # type: ignore[no-any-return]

    @property
    def function_type(self) -> FunctionType:
        """The parameters with their types, the captures and the type of the result."""
        if self._type is None:
            self._type = of_trace(
                self.parameters, self._signature, self._results, self._captured, keeps_names=True
            )
        return self._type

    structured_outputs = read_only("_results", "The specs of the result, structured.")


def revive_concrete(
    function: GraphFunction, saved: Any, captured: Sequence[Any]
) -> RevivedConcreteFunction:
    """The concrete function of an imported graph function, bound to its captures."""
    graph = function.graph
    inputs = len(function.inputs) - len(captured)
    graph._captured.clear()
    for tensor, placeholder in zip(captured, function.inputs[inputs:], strict=True):
        graph._captured[placeholder._id] = (tensor, placeholder)
        placeholder._handle_data = getattr(tensor, "_handle_data", None)
    if saved.HasField("canonicalized_input_signature"):
        signature = decode(saved.canonicalized_input_signature)
        results = decode(saved.output_signature)
    else:  # the function is only called by others
        signature = [TensorSpec(t.shape, t.dtype, t.op.name) for t in function.inputs[:inputs]], {}
        results = [TensorSpec(t.shape, t.dtype) for t in function.outputs]
    graph.structured_input_signature = (tuple(signature[0]), dict(signature[1]))
    _tell_variables(graph.structured_input_signature, function.inputs)
    _pass_handle_data(graph)
    graph.structured_outputs = _structured(results, list(function.outputs))
    args, kwargs = graph.structured_input_signature
    parameters = [(f"arg_{at}", value) for at, value in enumerate(args)] + list(kwargs.items())
    concrete = RevivedConcreteFunction(graph, parameters)
    concrete._results = results
    concrete._function, concrete._callable = function, DifferentiableFunction(function)
    names = [s.name for s in specs_of((args, kwargs))]
    if len(names) == concrete.arity and all(names):
        concrete._arguments = names  # type: ignore[assignment]
    return concrete


def _tell_variables(signature: Any, inputs: Sequence[Any]) -> None:
    """Set the variables' shapes and dtypes on arguments that are handles."""
    specs_of_handles = _variables(signature)
    specs = _once_each(specs_of_handles, specs_of_handles, converts=False) or ()
    for placeholder, spec in zip(inputs, specs):
        if spec is not None:
            placeholder._handle_data = [(spec.shape, spec.dtype)]


def _variables(signature: Any) -> list[VariableSpec | None]:
    """The spec of the variable for each tensor of a signature that is a handle, None for the others."""
    specs: list[VariableSpec | None] = []
    for leaf in nest.flatten(signature):
        if isinstance(leaf, VariableSpec):
            specs.append(leaf)
        elif isinstance(leaf, TypeSpec):
            specs += [None] * len(leaf.flatten())
    return specs


def _once_each(
    variables: Sequence[VariableSpec | None], tensors: Sequence[Any], converts: bool
) -> list[Any] | None:
    """The tensors, each variable only at its first position; None if equal variables are not equal tensors.

    With `converts`, two variables of the signature may be one.
    """
    seen: dict[int, Any] = {}
    unique = []
    for spec, tensor in zip(variables, tensors, strict=True):
        number = None if spec is None else spec.alias_id
        if number is None:
            unique.append(tensor)
        elif number not in seen:
            if not converts and any(tensor is other for other in seen.values()):
                return None
            seen[number] = tensor
            unique.append(tensor)
        elif seen[number] is not tensor and not isinstance(tensor, TypeSpec):
            return None
    return unique


def _pass_handle_data(graph: Any) -> None:
    """Set the shapes and dtypes of handles' variables in the bodies of loops and branches."""
    for node in graph.get_operations():
        for body in bodies_of(node):
            # Captures of a body come last; before them, bodies of datasets take elements.
            for outer, inner in zip(reversed(node._inputs), reversed(body.inputs), strict=False):
                if outer.dtype is dtypes.resource and outer._handle_data:
                    inner._handle_data = outer._handle_data
            _pass_handle_data(body.graph)


def _structured(form: Any, tensors: list[Any]) -> Any:
    """`form` with its specs replaced by values built from the tensors, in order."""
    remaining = iter(tensors)

    def build(spec: Any) -> Any:
        if not isinstance(spec, TypeSpec):
            return spec
        value = spec.from_tensors(remaining)
        if isinstance(spec, TensorSpec):
            value.set_shape(spec.shape)
        return value

    return nest.map_structure(build, form)


class RestoredFunction(Function):
    """A tf.function of a SavedModel: it has the saved traces and cannot retrace."""

    def __init__(self, spec: Any, name: str, traces: Sequence[ConcreteFunction]) -> None:
        self._traces = list(traces)
        signature = python_signature(spec)

        def restored_function_body(*args: Any, **kwargs: Any) -> Any:
            return self._call(args, kwargs)

        restored_function_body.__signature__ = signature  # type: ignore[attr-defined]
        restored_function_body.__name__ = name
        jit_compile = {FunctionSpec.ON: True, FunctionSpec.OFF: False}.get(spec.jit_compile)
        super().__init__(restored_function_body, name, autograph=False, jit_compile=jit_compile)
        self._restored_signature = signature
        for trace in self._traces:
            if isinstance(trace, RevivedConcreteFunction):
                trace.take_signature(signature)
        self._restored_input_signature = decode(spec.input_signature)

    @property
    def input_signature(self) -> Any:
        """The types of the arguments that the function was made with, or None."""
        return self._restored_input_signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the trace that matches the arguments.

        Raises:
          ValueError: none does.
        """
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._traces:
            raise ValueError(
                "Found zero restored functions for caller function: it was saved without a trace. "
                "Call it once before saving, or give its tf.function an input_signature."
            )
        for converts in (False, True):
            for form in _forms(self._restored_signature, args, kwargs):
                for trace in self._traces:
                    tensors = _matched(trace.structured_input_signature, form, converts)
                    if tensors is not None:
                        return trace.call_flat(tensors)
        raise self._unmatched(args, kwargs)

    def _unmatched(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
        """The error for arguments that no trace takes: they are not the function's, or are of other types."""
        signature, specs = self._restored_signature, self._restored_input_signature
        try:
            bound = None if signature is None else signature.bind(*args, **kwargs)
            if bound is None or specs is None:
                return self._no_match(args, kwargs)
            for value, spec in zip(bound.arguments.values(), specs, strict=False):
                cast_to(value, spec)
            why = f"Can not cast the arguments to {specs}"
        except (TypeError, ValueError) as error:
            why = str(error)
        shown, _ = make_function_type(self._python_function, specs)
        return TypeError(
            f"Binding inputs to tf.function failed due to `{why}`. Received args: {args} and kwargs: {kwargs} for "
            f"signature: {shown}."
        )

    def _no_match(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ValueError:
        options = "\n\n".join(
            f"Option {at + 1}:\n  {trace.structured_input_signature}"
            for at, trace in enumerate(self._traces)
        )
        return ValueError(
            "Could not find matching concrete function to call loaded from the SavedModel. Got:\n"
            f"  Positional arguments ({len(args)} total):\n    {args}\n"
            f"  Keyword arguments: {kwargs}\n\n Expected these arguments to match one of the "
            f"following {len(self._traces)} option(s):\n\n{options}"
        )

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Returns the trace for arguments of these types; the only one if none are given."""
        if not args and not kwargs and len(self._traces) == 1:
            return self._traces[0]
        for form in _forms(self._restored_signature, args, kwargs):
            for trace in self._traces:
                if _matched(trace.structured_input_signature, form, False) is not None:
                    return trace
        raise self._no_match(args, kwargs)

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """Returns the signatures of all traces as text."""
        joint = "\n\n" if verbose else "\n"
        return joint.join(trace.pretty_printed_signature(verbose) for trace in self._traces)

    def has_traces(self, traces: Sequence[ConcreteFunction]) -> bool:
        """True if all of `traces` are of this function."""
        return all(any(own is trace for own in self._traces) for trace in traces)

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        return list(self._traces)

    _list_all_concrete_functions_for_serialization = _list_all_concrete_functions

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """The traces."""
        return list(self._traces)


def _forms(
    signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[Any]:
    """The arguments as passed, and bound to the signature."""
    yield args, kwargs
    if signature is None:
        return
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return
    bound.apply_defaults()
    yield bound.args, bound.kwargs


def structured_or_flat(signature: inspect.Signature | None) -> Callable[..., list[Any]]:
    """Returns a function that yields the tensors of a concrete function's arguments: those of its Python function, or its inputs by name."""

    def bind(concrete: ConcreteFunction, args: Any, kwargs: Any) -> list[Any]:
        for form in _forms(signature, tuple(args), kwargs):
            tensors = _matched(concrete.structured_input_signature, form, True)
            if tensors is not None:
                return tensors
        return concrete._flat_arguments(args, kwargs)

    return bind


def _is_parameter(name: Any) -> bool:
    """True if a name is a valid Python parameter. Damaged files may hold others."""
    return isinstance(name, str) and name.isidentifier()


def python_signature(spec: Any) -> inspect.Signature | None:
    """The saved signature of the Python function, or None."""
    full = decode(spec.fullargspec)
    if not set(inspect.FullArgSpec._fields) <= set(getattr(full, "_fields", ())):
        return None
    names = list(full.args)
    if spec.is_method and names:
        names = names[1:]
    rest = [name for name in (full.varargs, full.varkw) if name]
    if not all(map(_is_parameter, [*names, *(full.kwonlyargs or ()), *rest])):
        return None
    defaults = list(full.defaults or ())
    kind = inspect.Parameter
    parameters = []
    first = len(names) - len(defaults)
    for at, name in enumerate(names):
        default = defaults[at - first] if at >= first else kind.empty
        parameters.append(kind(name, kind.POSITIONAL_OR_KEYWORD, default=default))
    if full.varargs:
        parameters.append(kind(full.varargs, kind.VAR_POSITIONAL))
    for name in full.kwonlyargs or ():
        default = (full.kwonlydefaults or {}).get(name, kind.empty)
        parameters.append(kind(name, kind.KEYWORD_ONLY, default=default))
    if full.varkw:
        parameters.append(kind(full.varkw, kind.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _matched(signature: Any, arguments: Any, converts: bool) -> list[Any] | None:
    """The tensors of the arguments if they match a signature, else None.

    With `converts`, arrays are converted to tensors of the required dtypes.
    """
    tensors = _parts_matched(signature, arguments, converts)
    return None if tensors is None else _once_each(_variables(signature), tensors, converts)


def _parts_matched(signature: Any, arguments: Any, converts: bool) -> list[Any] | None:
    parts = nest.children(signature)
    if parts is None:
        return _fitted(signature, arguments, converts)
    values = nest.children(arguments)
    if values is None or len(values) != len(parts):
        return None
    if isinstance(signature, dict) and not (
        isinstance(arguments, dict) and set(signature) == set(arguments)
    ):
        return None
    tensors: list[Any] = []
    for part, value in zip(parts, values):
        matched = _parts_matched(part, value, converts)
        if matched is None:
            return None
        tensors.extend(matched)
    return tensors


def _fitted(spec: Any, value: Any, converts: bool) -> list[Any] | None:
    if isinstance(spec, TensorSpec):
        if isinstance(value, TensorSpec):
            fits = spec.dtype is value.dtype and spec.shape.is_compatible_with(value.shape)
            return [value] if fits else None
        if value is None or isinstance(value, (str, bytes)) and spec.dtype.name != "string":
            return None
        is_tensor = isinstance(value, Tensor) or hasattr(value, "handle")
        is_tensor = is_tensor or isinstance(value, np.ndarray) and not converts
        try:
            tensor = convert_to_tensor(value, dtype=None if is_tensor else spec.dtype)
        except (TypeError, ValueError):
            return None
        if tensor.dtype is not spec.dtype or not spec.shape.is_compatible_with(tensor.shape):
            return None
        return [tensor]
    if isinstance(spec, TypeSpec):
        if not spec.is_compatible_with(value):
            return None
        return value.flatten() if isinstance(value, TypeSpec) else spec.to_tensors(value)
    if isinstance(value, (Tensor, np.ndarray)) or hasattr(value, "handle"):
        return None
    return [] if spec == value and type(spec) is type(value) or spec is value else None
