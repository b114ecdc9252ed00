"""AtomicFunction: a graph function with its type, called with arguments and captures."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from penstock._src.api.extending import types
from penstock._src.core.calls.consent import consent_of_program
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.function.differentiable import DifferentiableFunction
from penstock._src.function.types.attributes import attribute_values
from penstock._src.function.types.function_type import FunctionType
from penstock._src.function.types.trace_types import TypeContext
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import FUNCTIONS, GraphFunction
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName
from penstock._src.util.process import forks

# Messages are loaded when a function is read or written: most processes do neither.
_FUNCTION_DEF = ByName("penstock._src.graph.serialize.exporter", "function_def")
_FUNCTIONS_OF = ByName("penstock._src.graph.serialize.exporter", "functions_of")
_LIBRARY = ByName("penstock._src.graph.serialize.importer", "Library")
_IMPORT_FUNCTION = ByName("penstock._src.graph.serialize.importer", "import_function")


@dataclass(frozen=True)
class CallOptions:
    """Properties of the function that a call uses.

    Args:
      collective_manager_ids_used: always empty: there is one process.
      control_captures: operations that run before the function.
      is_stateful: whether it has an effect or reads state.
    """

    collective_manager_ids_used: list[int] = dataclasses.field(default_factory=list)
    control_captures: list[Any] = dataclasses.field(default_factory=list)
    is_stateful: bool = False


class AtomicFunction(types.AtomicFunction):
    """A graph function that is called with tensors, or with arguments of its type.

    >>> atomic = tf.function(lambda x: {"sum": x + x}).get_concrete_function(tf.constant(1)).inference_fn
    >>> int(atomic.call_flat(tf.constant(3))[0]), int(atomic(tf.constant(3))["sum"])
    (6, 6)

    Args:
      function: the graph function; its last inputs are the captures.
      function_type: the types of arguments, captures and result.
    """

    def __init__(self, function: GraphFunction, function_type: FunctionType) -> None:
        self.function, self._type = function, function_type
        self._callable = DifferentiableFunction(function)

    @property
    def name(self) -> bytes:
        """The name of the graph function."""
        return self.function.name.encode()

    @property
    def function_type(self) -> FunctionType:
        """The types of arguments, captures and result."""
        return self._type

    @property
    def graph(self) -> FuncGraph:
        """Its operations."""
        return self.function.graph

    @property
    def definition(self) -> Any:
        """Its FunctionDef."""
        return _FUNCTION_DEF(self.function)

    @forks.cached_property
    def cached_definition(self) -> Any:
        """Its FunctionDef, made once."""
        return self.definition

    @property
    def attributes(self) -> Any:
        """The attributes in its FunctionDef."""
        return self.definition.attr

    @property
    def children(self) -> list["AtomicFunction"]:
        """The functions that it calls; their results have no structure."""
        called = _FUNCTIONS_OF(self.graph)
        return [AtomicFunction(function, FunctionType([])) for function in called]

    def add_to(self, graph: Any) -> None:
        """Adds it, and the functions that it calls, to the library of a graph."""
        for function in (self, *self.children):
            graph._added_functions.setdefault(function.function.name, function)

    @property
    def call_options(self) -> CallOptions:
        """Properties of the function that a call uses."""
        return CallOptions(is_stateful=self.function.is_stateful)

    def call_flat(self, *args: Any) -> Sequence[Any]:
        """Returns the tensors of the result for the tensors of arguments and captures.

        Raises:
          InvalidArgumentError: the number of tensors is wrong.
        """
        expected = len(self.function.inputs)
        if len(args) != expected:
            raise InvalidArgumentError(
                f"Signature specifies {expected} arguments, got: {len(args)}. Expected inputs: "
                f"{self.function.inputs}. Received inputs: {args}. Function Type: {self._type!r}"
            )
        return self._callable(list(args))

    def call_preflattened(self, args: Sequence[Any]) -> Any:
        """Returns the structured result for the tensors of arguments and captures."""
        return self._type.pack_output(self.call_flat(*args))

    def call_with_captures(
        self, args: Sequence[Any], kwargs: dict[str, Any], captures: Sequence[Any]
    ) -> Any:
        """Returns the structured result for arguments of the function's type, and captured objects."""
        bound = self._type.bind(*args, **kwargs)
        context = TypeContext()
        for name, value in bound.arguments.items():
            constraint = self._type.parameters[name].type_constraint
            bound.arguments[name] = constraint.cast(value, context)
        tensors = self._type.unpack_inputs(bound)
        return self.call_preflattened([*tensors, *self._type.unpack_captures(captures)])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the structured result for arguments of the function's type.

        Raises:
          ValueError: the function has captures.
        """
        if self._type.captures:
            raise ValueError("The FunctionType defines captures. Use call_with_captures instead.")
        return self.call_with_captures(args, kwargs, [])

    def __str__(self) -> str:
        return f"<AtomicFunction> {self.function.name}{self._type}"

    def __repr__(self) -> str:
        return (
            f"AtomicFunction(name={self.name!r},\nbound_context=Eager context,\n"
            f"function_type={self._type!r},\nchildren={[str(c) for c in self.children]},\n"
            f"call_options={self.call_options!r},\ncached_graph={self.graph!r})"
        )


def gradient_functions(function: DifferentiableFunction) -> tuple[AtomicFunction, AtomicFunction]:
    """Returns the function with all that its gradient reads as additional outputs, and the gradient function.

    Each has the name of the other as an attribute. Their arguments and results have no structure.
    """
    forward, backward = function.gradient_functions()
    forward.attributes |= attribute_values({"backward_function_name": backward.name})
    backward.attributes |= attribute_values({"forward_function_name": forward.name})
    return AtomicFunction(forward, FunctionType([])), AtomicFunction(backward, FunctionType([]))


def functions_in(graph: Any) -> dict[str, AtomicFunction]:
    """The functions of a graph by name: those added to it, in this order, then the others to which its operations refer."""
    functions = dict(graph._added_functions)
    for function in _FUNCTIONS_OF(graph):
        if function.name not in functions:
            functions[function.name] = AtomicFunction(function, FunctionType([]))
    return functions


def from_function_def(function_def: Any, function_type: FunctionType) -> AtomicFunction:
    """Returns the function that a FunctionDef defines.

    Args:
      function_def: a FunctionDef; functions that it calls are found by their names.
      function_type: its type.
    """
    library = _LIBRARY(known=FUNCTIONS, consent=consent_of_program())
    return AtomicFunction(_IMPORT_FUNCTION(function_def, library), function_type)
