"""Code for graphs of TensorFlow 1 as functions: `tensorflow.python.eager.wrap_function`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.api.control.scopes import variable_creator_scope
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec
from penstock._src.function.types.attributes import attribute_values
from penstock._src.graph import trace
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.graph_defs import import_graph_def
from penstock._src.util import nest
from penstock._src.v1.saving import wrapped
from penstock._src.v1.saving.wrapped import wrap_function
from penstock._src.v1.variables.store import give_store


class VariableHolder:
    """Holds the variables that a function creates.

    Args:
      fn: the function.
      share_variables: whether a variable is returned again where one of its name is created.
    """

    def __init__(self, fn: Callable[..., Any] | None = None, share_variables: bool = False) -> None:
        self._fn, self._share = fn, share_variables
        self._variables_by_name: dict[str, Any] = {}

    @property
    def variables(self) -> dict[str, Any]:
        """The variables by name."""
        return self._variables_by_name

    def variable_creator_scope(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        """A variable creator that keeps the variables of the next one."""
        name = kwargs.get("name") or "Variable"
        variable = self._variables_by_name.get(name) if self._share else None
        if variable is None:
            variable = next_creator(**kwargs)
            self._variables_by_name[variable.name.partition(":")[0]] = variable
        return variable

    def call_with_variable_creator_scope(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function whose variables are held."""

        def holding(*args: Any, **kwargs: Any) -> Any:
            with variable_creator_scope(self.variable_creator_scope):
                return fn(*args, **kwargs)

        return holding

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._fn is None:
            raise TypeError("This VariableHolder has no function to call.")
        return self.call_with_variable_creator_scope(self._fn)(*args, **kwargs)


class WrappedFunction(wrapped.WrappedFunction):
    """A function of a graph's arguments, made as TensorFlow's.

    Args:
      fn_graph: a finished graph.
      variable_holder: holds the variables that the graph has created.
      attrs: {name: value} for the attributes of its definition.
      signature: the specs of its arguments, where the graph does not say them.
      are_keyword_args_also_positional: accepted: tensors are given by position or by name.
    """

    def __init__(
        self,
        fn_graph: FuncGraph,
        variable_holder: VariableHolder,
        attrs: Mapping[str, Any] | None = None,
        signature: Any = None,
        are_keyword_args_also_positional: bool = False,
    ) -> None:
        arguments = fn_graph.inputs[: len(fn_graph.inputs) - fn_graph.num_captures]
        super().__init__(fn_graph, [(t.op.name, t) for t in arguments])
        self._function.attributes = attribute_values(attrs or {})
        self._attributes["variables"] = list(variable_holder.variables.values())


class WrappedGraph:
    """A graph that several functions share, with its variables.

    Args:
      variable_holder: holds the variables.
      name: of the graph.
    """

    def __init__(
        self, variable_holder: VariableHolder | None = None, name: str = "wrapped_function_graph"
    ) -> None:
        self._variable_holder = variable_holder or VariableHolder(share_variables=True)
        self.graph = FuncGraph(name)
        self.graph.keeps_program_order = False
        give_store(self.graph)
        self._functions: dict[str, wrapped.WrappedFunction] = {}

    @property
    def functions(self) -> dict[str, wrapped.WrappedFunction]:
        """The functions by name."""
        return self._functions

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of all functions by name."""
        return self._variable_holder.variables

    def wrap_function(
        self, fn: Callable[..., Any], signature: Sequence[Any], name: str | None = None
    ) -> wrapped.WrappedFunction:
        """Returns a function of what `fn` adds to the graph.

        Args:
          fn: a function of tensors; it may return tensors, variables and operations, which then run.
          signature: the specs of its arguments.
          name: under which it is kept in `functions`.
        """
        called = self._variable_holder.call_with_variable_creator_scope(fn)
        with trace.recording(self.graph):
            arguments = nest.map_structure(self._placeholder, list(signature))
            fetches = nest.map_structure(_fetched, called(*arguments))
        name = name or fn.__name__
        pruned = wrapped.WrappedFunction(self.graph, []).prune(arguments, fetches, name)
        pruned._attributes["variables"] = list(self.variables.values())
        self._functions[name] = pruned
        return pruned

    def _placeholder(self, spec: TensorSpec) -> Any:
        return self.graph.placeholder(spec.dtype, spec.shape, spec.name or "args_0")


def _fetched(value: Any) -> Any:
    """The operation or tensor to fetch for a value that a function returns."""
    if value is None or isinstance(value, Operation):
        return value
    return convert_to_tensor(value)


def function_from_graph_def(
    graph_def: Any, inputs: Any, outputs: Any, captures: Mapping[str, Any] | None = None
) -> wrapped.WrappedFunction:
    """Returns the function from some tensors of a GraphDef to others.

    Args:
      graph_def: the GraphDef.
      inputs: names of tensors, maybe nested.
      outputs: names of tensors or operations, maybe nested.
      captures: tensors to take in place of placeholders, by name.
    """

    def import_it() -> None:
        import_graph_def(graph_def, name="")

    whole = wrap_function(import_it, [])
    element = whole.graph.as_graph_element
    for name, tensor in (captures or {}).items():
        inner = whole.graph.get_tensor_by_name(f"{name}:0")
        whole.graph.inputs.append(inner)
        whole.graph.replace_capture(tensor, inner)
    return whole.prune(nest.map_structure(element, inputs), nest.map_structure(element, outputs))
