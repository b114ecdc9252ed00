"""tf.compat.v1.wrap_function: turns code written for TensorFlow 1's graphs into a function."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.control_flow import copy_operations
from penstock._src.core.dispatch import STATE
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.types.function_type import FunctionType, Parameter, sanitized_name
from penstock._src.function.types.trace_types import from_value
from penstock._src.graph import trace
from penstock._src.graph.control import has_effect
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.saving.saved_model.load import empty_variable
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.variables.store import give_store


class UnliftableError(Exception):
    """A tensor that cannot be computed from the given ones."""


def _check_feeds(needed: Sequence[Operation]) -> None:
    """Raises UnliftableError if an operation is a placeholder, which has no value."""
    for op in needed:
        if op.type == "Placeholder":
            raise UnliftableError(
                f"Unable to lift tensors out of their graph: they depend on the placeholder '{op.name}', which is not "
                "among the feeds."
            )


class WrappedFunction(ConcreteFunction):
    """A function created from a graph; `prune` creates functions from parts of the same graph."""

    def prune(
        self, feeds: Any, fetches: Any, name: str | None = None, input_signature: Any = None
    ) -> "WrappedFunction":
        """Returns the function from `feeds` to `fetches`.

        Args:
          feeds: the arguments: tensors of the graph or their names. Captures among them stay captures.
          fetches: the results: a structure of tensors, operations or names.
          name: of the function.
          input_signature: (args, kwargs) with the specs of the arguments: the new graph's `structured_input_signature`.
        """
        captured = {t._id for t in self.graph.internal_captures}
        fed = [self._tensor(feed) for feed in nest.flatten(feeds, expand_composites=True)]
        inputs = [tensor for tensor in fed if tensor._id not in captured]
        results = nest.map_structure(self._element, fetches)
        leaves = nest.flatten(results, expand_composites=True)
        tensors = [r for r in leaves if isinstance(r, SymbolicTensor)]
        operations = [r for r in leaves if isinstance(r, Operation)]
        needed = needed_operations(
            self.graph, [*inputs, *self.graph.internal_captures], tensors, operations
        )
        _check_feeds(needed)
        read = {t._id for op in needed for t in op._inputs} | {t._id for t in tensors}
        part = FuncGraph(name or "pruned")
        table = {}
        for tensor in inputs:
            table[tensor._id] = part.placeholder(tensor.dtype, tensor.shape, tensor.op.name)
            part.inputs.append(table[tensor._id])
        for outer, inner in self.graph._captured.values():
            if inner._id in read and inner._id not in table:
                table[inner._id] = part.capture(outer, inner.op.name)
        copies = copy_operations(needed, part, table)
        part._weak_variables = dict(self.graph._weak_variables)
        part.outputs = [table[t._id] for t in tensors]
        part.control_outputs = [copies[id(operation)] for operation in operations]
        outputs = [None if isinstance(r, Operation) else table[r._id] for r in leaves]
        part.structured_outputs = nest.pack_sequence_as(results, outputs, expand_composites=True)
        part.structured_input_signature = input_signature or ((), {})
        function = WrappedFunction(part, [(t.op.name, t) for t in inputs])
        function._attributes["variables"] = self._attributes.get("variables")
        return function

    def name_inputs(self, names: Sequence[str]) -> None:
        """Sets the names of the arguments, as in a SavedModel's signature."""
        inputs = self.graph.inputs[: self.arity]
        specs = {
            name: TensorSpec(t.shape, t.dtype, name) for name, t in zip(names, inputs, strict=True)
        }
        self.parameters, self._arguments = list(specs.items()), list(specs)
        self.graph.structured_input_signature = ((), specs)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self._type = FunctionType(
            [
                Parameter(sanitized_name(name), kind, False, from_value(spec))
                for name, spec in specs.items()
            ],
            self.function_type.captures,
            return_annotation=self.function_type.output,
        )

    def _element(self, element: Any) -> Any:
        return element if nest.is_composite(element) else self.graph.as_graph_element(element)

    def _tensor(self, element: Any) -> SymbolicTensor:
        item = self.graph.as_graph_element(element)
        return item.outputs[0] if isinstance(item, Operation) else item


@export(v1=["wrap_function"])
def wrap_function(
    fn: Callable[..., Any], signature: Sequence[Any], name: str | None = None
) -> WrappedFunction:
    """Traces `fn` once without AutoGraph and returns the result as a function.

    As in a session, only what the results depend on runs, and side effects are not ordered: `fn` adds control dependencies where it
    needs them. Without results, all side effects run.

    Args:
      fn: a function written for TensorFlow 1; it may create variables and placeholders.
      signature: the specs of its arguments.
      name: of the function.
    """
    graph = FuncGraph(name or getattr(fn, "__name__", "wrapped"))
    graph._collections = {}  # its own: variables of the default graph are not the function's
    graph.keeps_program_order = False
    give_store(graph)
    variables: list[Any] = []
    graph.variable_rule = variables.append
    with trace.recording(graph):
        specs = [spec for one in nest.flatten(list(signature)) for spec in _specs(one)]
        flat, placeholders, filled = [], [], []
        for spec in specs:
            if isinstance(spec, TensorSpec):
                name = spec.name or f"args_{len(flat)}"
                placeholders.append(graph.placeholder(spec.dtype, spec.shape, name))
                flat.append(spec)
                spec = placeholders[-1]
            filled.append(spec)  # other values are passed unchanged
        graph.inputs.extend(placeholders)
        arguments = nest.pack_sequence_as(list(signature), filled, expand_composites=True)
        trace.set_outputs(graph, fn(*arguments))
    if STATE.graph is None:
        variables.extend(_lift_variables(graph))
    if not graph.outputs:  # else only what the results need runs, as in a session
        graph.control_outputs = [op for op in graph.get_operations() if has_effect(op)]
    graph.structured_input_signature = (tuple(signature), {})
    function = WrappedFunction(
        graph, [(t.op.name, s) for t, s in zip(placeholders, flat, strict=True)]
    )
    function._attributes["variables"] = variables  # keeps them alive
    return function


def _lift_variables(graph: FuncGraph) -> list[Any]:
    """Replaces variables that were imported into the graph by variables outside of it, without values; returns these."""
    lifted: list[Any] = []
    known: dict[int, Any] = {}
    for key in ("variables", "local_variables", "trainable_variables"):
        items = graph.get_collection_ref(key)
        for index, variable in enumerate(items):
            handle = getattr(variable, "handle", None)
            if not isinstance(handle, SymbolicTensor) or handle.graph is not graph:
                continue
            if handle.op.type != "VarHandleOp":
                continue
            if handle._id not in known:
                name = variable.name.partition(":")[0]
                lifted_variable = empty_variable(
                    variable.dtype, variable.shape, name, variable.trainable
                )
                known[handle._id] = lifted_variable
                lifted.append(lifted_variable)
                graph._captured[lifted_variable.handle._id] = (lifted_variable.handle, handle)
                graph.inputs.append(handle)
                graph.watch_variable(lifted_variable)
            items[index] = known[handle._id]
    return lifted


def _specs(spec: Any) -> list[Any]:
    return spec.flatten() if isinstance(spec, TypeSpec) else [spec]
