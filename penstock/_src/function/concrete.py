"""ConcreteFunction: one trace of a tf.function, called with tensors of fixed types."""

import inspect
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

import numpy as np

from penstock._src.api.extending import types
from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core.calls.binding import kernel_name
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import resource
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.function import run as _runs_graph_functions  # noqa: F401
from penstock._src.function.differentiable import DifferentiableFunction
from penstock._src.function.trace_type import leaf_names
from penstock._src.function.types.atomic import AtomicFunction, gradient_functions
from penstock._src.function.types.attributes import attribute_values
from penstock._src.function.types.function_type import FunctionType, of_trace, unnamed
from penstock._src.function.types.trace_types import TypeContext
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.trace import fill_outputs
from penstock._src.util import nest, slots
from penstock._src.util.process.references import mark_shared
from penstock._src.util.signatures import read_only

_MOST_KNOWN = 256
_NOT_KNOWN: Any = object()  # instead of the order of a call whose kinds are new
_PLAIN = (tuple, list, dict)


class ConcreteFunction:
    """A traced function. Call it like the Python function, or by the names of its tensor arguments.

    Args:
      graph: its trace; the first inputs are the tensors of the arguments.
      parameters: (name, argument) for every parameter of the Python function, with TensorSpecs for tensors.
      binder: a function of this object, args and kwargs that gives the tensors of a call.
      signature: that of the Python function, if it has one.
    """

    _is_saved_function = True

    def __init__(
        self,
        graph: FuncGraph,
        parameters: Sequence[tuple[str, Any]],
        binder: Any = None,
        signature: inspect.Signature | None = None,
    ) -> None:
        self.graph = graph
        self.parameters = list(parameters)
        self._binder = binder
        self._signature = signature
        self._type: FunctionType | None = None
        self._atomic: AtomicFunction | None = None
        self._gradients: tuple[AtomicFunction, ...] = ()  # once they were requested
        self.arity = len(graph.inputs) - graph.num_captures
        self._function = GraphFunction(graph)
        self._callable = DifferentiableFunction(self._function)
        self.set_external_captures(graph.external_captures)
        outputs = graph.structured_outputs
        self._single = isinstance(outputs, SymbolicTensor)
        # Kinds of tensors, and names, that passed the checks of arguments -> the order of the tensors; None if they stand in order.
        self._known_calls: dict[tuple[Any, ...], tuple[int, ...] | None] = {}
        # The outputs' structure, and the function that packs the flat ones.
        self._packing: tuple[Any, Callable[[Sequence[Any]], Any]] = (self, tuple)
        self._arguments: list[str] = [t.op.name for t in graph.inputs[: self.arity]]
        self._attributes: dict[str, Any] = {}
        # Maximum number of positional arguments; None: no limit.
        self._positional: int | None = None

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the objects that own captured resources, for SavedModels only."""
        if save_type == "checkpoint":
            return {}
        resources = [getattr(tensor, "_value", None) for tensor in self._captured]
        owners = [owner() for r in resources if (owner := getattr(r, "owner", None)) is not None]
        return {
            f"capture_{at}": resource_owner
            for at, resource_owner in enumerate(owners)
            if resource_owner is not None
        }

    def name_arguments(self, variadic: str | None) -> None:
        """Names the tensors of each parameter after it: `x`, `x_1`, ...; a TensorSpec's own name takes precedence.

        Tensors of `*args`, the parameter `variadic`, keep their numbers.
        """
        names: list[str] = []
        variables: set[int] = set()
        for parameter, value in self.parameters:
            for default in leaf_names(unnamed(value), parameter, variables):
                own = self._arguments[len(names)]
                keeps = parameter == variadic or own != default
                base = own if keeps else parameter
                name, count = base, 0
                while name in names:
                    count += 1
                    name = f"{base}_{count}"
                names.append(name)
        self._arguments = names

    @classmethod
    def from_func_graph(
        cls, graph: FuncGraph, function_type: FunctionType | None, attrs: Any = None
    ) -> "ConcreteFunction":
        """Returns a function over a finished graph.

        Args:
          graph: the trace.
          function_type: the types of its arguments; None: the function is called with flat tensors.
          attrs: {name: value} for the attributes of the FunctionDef.
        """
        concrete = cls(graph, [])
        concrete._function.attributes = attribute_values(attrs or {})
        if function_type is not None:
            concrete._take_type(function_type)
        return concrete

    @classmethod
    def from_atomic(cls, atomic: AtomicFunction) -> "ConcreteFunction":
        """Returns a function that is called with arguments of the atomic function's type."""
        concrete = cls(atomic.graph, [])
        concrete._function = atomic.function
        concrete._callable = DifferentiableFunction(atomic.function)
        concrete._take_type(atomic.function_type)
        return concrete

    def _take_type(self, function_type: FunctionType) -> None:
        """Allow calls of the function with arguments of this type."""
        self._type = function_type
        if self.graph.structured_outputs is None and function_type.output is not None:
            self.graph.structured_outputs = function_type.pack_output(self.graph.outputs)
            self._single = isinstance(self.graph.structured_outputs, SymbolicTensor)

        self._binder = ConcreteFunction.of_its_type

    def of_its_type(self, args: Any, kwargs: Any) -> list[Any]:
        """Returns the tensors of arguments that have the types of `function_type`.

        Raises:
          TypeError, ValueError: they have other types.
        """
        bound = self.function_type.bind(*args, **kwargs)
        context = TypeContext()
        for name, value in bound.arguments.items():
            constraint = self.function_type.parameters[name].type_constraint
            bound.arguments[name] = constraint.cast(value, context)
        return self.checked(self.function_type.unpack_inputs(bound))

    # -- calling

    def call_flat(self, tensors: Sequence[Any]) -> Any:
        """Calls with the tensors of the arguments, in order; returns the structured result."""
        state = STATE.__dict__  # of this thread: each attribute would be looked up by it
        inputs = [*tensors, *self._captured]
        if state["tapes"] or state["graph"] is not None:
            for variable in self.graph.variables:
                variable_accessed(variable)
        elif not state["accumulators"] and slots.RUN_FUNCTION is None:
            return self.packed(self._callable.computed(inputs))
        return self.packed(self._callable(inputs))

    def packed(self, outputs: Sequence[Any]) -> Any:
        """Returns the structured result of the flat outputs."""
        if self._single:
            return outputs[0]
        structure, pack = self._packing
        if structure is not self.graph.structured_outputs:
            structure = self.graph.structured_outputs
            pack = _packer(structure)
            self._packing = structure, pack
        return pack(outputs)

    _call_flat = call_flat

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls with arguments of the traced types.

        Raises:
          TypeError: arguments do not fit the signature.
        """
        try:
            arguments = (*args, *kwargs.values()) if kwargs else args
            kinds = _kinds(arguments)
            if kinds is not None:
                kinds = (*kinds, *kwargs) if kwargs else kinds
                order = self._known_calls.get(kinds, _NOT_KNOWN)
                if order is not _NOT_KNOWN:
                    return self.call_flat(
                        arguments if order is None else [arguments[i] for i in order]
                    )
            if self._binder is not None:
                tensors = self._bound(args, kwargs)
            else:
                tensors = self._flat_arguments(args, kwargs)
            if kinds is not None and len(self._known_calls) < _MOST_KNOWN:
                self._learn(kinds, arguments, tensors, bool(kwargs))
            return self.call_flat(tensors)
        except Exception as error:
            shorten(error)
            raise

    def _learn(
        self, kinds: tuple[Any, ...], arguments: Sequence[Any], tensors: Sequence[Any], named: bool
    ) -> None:
        """Keeps how calls with arguments of these kinds and names pass their tensors, if each is passed as it is."""
        if len(tensors) != len(arguments):
            return
        if not named:
            if all(map(is_, tensors, arguments)):
                self._known_calls[kinds] = None
            return
        places = {id(tensor): place for place, tensor in enumerate(arguments)}
        if len(places) == len(arguments) and places.keys() == set(map(id, tensors)):
            self._known_calls[kinds] = tuple([places[id(tensor)] for tensor in tensors])

    def _bound(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """Returns the tensors of arguments bound by the Python signature, or else in the given order."""
        try:
            return self._binder(self, args, kwargs)
        except (TypeError, ValueError) as error:
            refusal = error
        try:
            return self._flat_arguments(args, kwargs, only_tensors=True)
        except TypeError as error:
            why = str(refusal)
            if not why.startswith("Binding inputs"):
                why = (
                    f"Binding inputs to tf.function failed due to `{why}`. Received args: {tuple(args)} and "
                    f"kwargs: {kwargs} for signature: {self.function_type}."
                )
            message = f"{why}\nFallback to flat signature also failed due to: {error}"
            raise TypeError(message) from refusal

    def _flat_arguments(
        self, args: Sequence[Any], kwargs: dict[str, Any], only_tensors: bool = False
    ) -> list[Any]:
        """Returns the tensors given in order or by the names of the inputs; with `only_tensors`, other values are refused."""
        leaves = nest.flatten(list(args), expand_composites=True)
        names = self.argument_names
        label = self._function.name.removeprefix("__inference_").rpartition("_")[0]
        call = f"{label}({', '.join(names)})"
        if len(leaves) > self._num_positional_args:
            raise TypeError(
                f"{call} takes {self._num_positional_args} positional arguments, got {len(leaves)}."
            )
        missing = [name for name in names[len(leaves) :] if name not in kwargs]
        if missing:
            raise TypeError(f"{call} missing required arguments: {', '.join(sorted(missing))}.")
        unknown = sorted(set(kwargs) - set(names[len(leaves) :]))
        if unknown:
            raise TypeError(f"{call} got unexpected keyword arguments: {', '.join(unknown)}.")
        arguments = [*leaves, *(kwargs[name] for name in names[len(leaves) :])]
        for at, value in enumerate(arguments if only_tensors else ()):
            if not isinstance(value, EagerTensor | SymbolicTensor | Variable):
                raise TypeError(
                    f"{call}: expected argument #{at}(zero-based) to be a Tensor; got "
                    f"{type(value).__name__} ({value})."
                )
        return self.checked(arguments, any_shape=True)

    def checked(self, leaves: Sequence[Any], any_shape: bool = False) -> list[Any]:
        """Converts arguments to tensors; raises TypeError or ValueError if a dtype or shape does not match.

        With `any_shape`, eager tensors (not what converts to one) may have other shapes than those traced, as in TensorFlow's flat calls.
        """
        tensors: list[Any] = []
        name = self._function.name
        for value, model in zip(leaves, self.graph.inputs[: self.arity], strict=True):
            is_tensor = isinstance(value, EagerTensor | SymbolicTensor)
            if not is_tensor and model.dtype is resource:
                value = self._handle_of(value, len(tensors))
            elif not is_tensor:
                value = convert_to_tensor(value, model.dtype)
            if value.dtype is not model.dtype:
                raise InvalidArgumentError(
                    f"cannot compute {name} as input #{len(tensors)}(zero-based) was expected to be "
                    f"a {kernel_name(model.dtype)} tensor but is a {kernel_name(value.dtype)} tensor "
                    f"[Op:{name}]"
                )
            # What was converted here, a list or a variable, is bound by its type as in TensorFlow.
            exempt = any_shape and is_tensor and isinstance(value, EagerTensor)
            if not exempt and not model.shape.is_compatible_with(value.shape):
                raise TypeError(
                    f"Can not cast {TensorSpec(value.shape, value.dtype)!r} to "
                    f"{TensorSpec(model.shape, model.dtype)!r}"
                )
            tensors.append(value)
        return tensors

    def _handle_of(self, value: Any, position: int) -> Any:
        """Returns the handle of a variable; raises TypeError if the argument at this position is not a variable or a handle."""
        if not isinstance(value, Variable):
            raise TypeError(
                f"expected argument #{position}(zero-based) to be a variable or its handle; got "
                f"{type(value).__name__} ({value!r})"
            )
        variable_accessed(value)
        return value.handle

    # -- properties

    @property
    def name(self) -> bytes:
        """The name of the graph function."""
        return self._function.name.encode()

    argument_names: list[str] = read_only("_arguments", "The names of the tensor arguments.")

    _arg_keywords = argument_names

    @property
    def _num_positional_args(self) -> int:
        return len(self._arguments) if self._positional is None else self._positional

    @_num_positional_args.setter
    def _num_positional_args(self, value: int) -> None:
        self._positional = value

    inputs: list[SymbolicTensor] = read_only(
        "graph.inputs", "The tensors of the arguments and captures in the graph."
    )
    outputs: list[SymbolicTensor] = read_only(
        "graph.outputs", "The tensors of the result in the graph."
    )

    @property
    def captured_inputs(self) -> list[Any]:
        """The captured outer tensors, which are passed after the arguments."""
        return list(self._captured)

    def set_external_captures(self, captures: Sequence[Any]) -> None:
        """Replaces the captured tensors, by others of the same types in the same order."""
        self._captured = list(captures)
        mark_shared(*[getattr(tensor, "_value", None) for tensor in self._captured])

    _captured_inputs = property(lambda self: self.captured_inputs, set_external_captures)

    structured_input_signature: tuple[tuple[Any, ...], dict[str, Any]] = read_only(
        "graph.structured_input_signature",
        "(positional, keyword) arguments with TensorSpecs for tensors.",
    )
    structured_outputs = read_only(
        "graph.structured_outputs", "The result in the graph, structured."
    )

    @property
    def output_dtypes(self) -> Any:
        """The types of the result, structured."""
        return nest.map_structure(
            lambda t: None if t is None else t.dtype, self.graph.structured_outputs
        )

    @property
    def output_shapes(self) -> Any:
        """The static shapes of the result, structured."""
        return nest.map_structure(
            lambda t: TensorShape(None) if t is None else t.shape, self.graph.structured_outputs
        )

    variables: tuple[Any, ...] = read_only("graph.variables", "The variables that it uses.")
    trainable_variables: tuple[Any, ...] = read_only(
        "graph.trainable_variables", "The trainable variables that it uses."
    )

    @property
    def inference_fn(self) -> AtomicFunction:
        """The function as it runs without gradients."""
        if self._atomic is None or self._atomic.function is not self._function:
            self._atomic = AtomicFunction(self._function, self.function_type)
        return self._atomic

    _inference_function = inference_fn

    @property
    def function_def(self) -> Any:
        """The function as a FunctionDef."""
        return self.inference_fn.definition

    @property
    def function_type(self) -> FunctionType:
        """The parameters with their types, the captures and the type of the result."""
        if self._type is None:
            self._type = of_trace(
                self.parameters, self._signature, self.graph.structured_outputs, self._captured
            )
        return self._type

    graph_function: GraphFunction = read_only("_function", "The function over host values.")

    def add_to_graph(self, g: Any = None) -> None:
        """Adds this function, and those that it calls, to the library of a graph.

        If it is the CPU implementation of an interface (attributes "api_implements" and "api_preferred_device"), it replaces the
        other implementations of that interface in calls from the graph.
        """
        graph = STATE.graph if g is None else g
        if graph is None:
            return
        self.inference_fn.add_to(graph)
        implemented = self._attributes.get("api_implements")
        if not implemented or self._attributes.get("api_preferred_device") != "CPU":
            return
        graph.implementations[implemented] = self._function
        for node in graph.get_operations():
            if node.raw_op.flow.control == "call":
                function = node.raw_op.f
                if function.implements == implemented and function.is_like(self._function):
                    function.stand_in = self._function

    def add_gradient_functions_to_graph(self, g: Any = None) -> None:
        """Adds the functions that compute the gradient, and those that they call, to the library of a graph."""
        graph = STATE.graph if g is None else g
        if graph is None:
            return
        if not self._gradients:
            self._gradients = gradient_functions(self._callable)
        for function in self._gradients:
            function.add_to(graph)

    def explain(self) -> Any:
        """Returns a report about the compiled form."""
        return self._function.executable.explain()  # type: ignore[attr-defined]

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """Returns the signature as text."""
        return repr(self.function_type) if verbose else str(self.function_type)

    def __repr__(self) -> str:
        return (
            f"<ConcreteFunction {self.pretty_printed_signature(verbose=False)} at 0x{id(self):X}>"
        )

    def __str__(self) -> str:
        return f"ConcreteFunction {self.pretty_printed_signature()}"


types.ConcreteFunction.register(ConcreteFunction)


def _kinds(arguments: Sequence[Any]) -> tuple[Any, ...] | None:
    """Returns the (number of the dtype, shape) of arguments that are eager tensors of numbers, None if one is not."""
    kinds = []
    for argument in arguments:
        if type(argument) is not EagerTensor:
            return None
        value = argument._value
        if type(value) is not np.ndarray:
            return None
        kinds.append((argument._dtype._enum, value.shape))
    return tuple(kinds)


def _packer(structure: Any) -> Callable[[Sequence[Any]], Any]:
    """Returns the function that puts flat outputs in the place of a structure's tensors."""
    leaves = nest.flatten(structure, expand_composites=True)
    kind = type(structure)
    parts = structure.values() if kind is dict else structure
    if kind in _PLAIN and all(isinstance(part, SymbolicTensor) for part in parts):
        if kind is not dict:
            return kind
        keys = nest.sorted_keys(structure)
        places = [(key, keys.index(key)) for key in structure]
        return lambda outputs: {key: outputs[place] for key, place in places}
    return lambda outputs: fill_outputs(structure, outputs, leaves)
