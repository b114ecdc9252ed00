"""tf.compat.v1.wrap_function: code written for TensorFlow 1's graphs as a function."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.specs import TypeSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.v1.variables.store import give_store
from penstock._src.graph import trace
from penstock._src.graph.control import add_control_dependencies
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util import nest
from penstock._src.util.export import export


class WrappedFunction(ConcreteFunction):
    """A function made of a graph; `prune` makes others of parts of the same graph."""

    def prune(
        self, feeds: Any, fetches: Any, name: str | None = None, input_signature: Any = None
    ) -> "WrappedFunction":
        """Returns the function from `feeds` to `fetches`.

        Args:
          feeds: tensors of the graph (or their names), the arguments.
          fetches: tensors, operations or names, nested, the results.
          name: of the function.
          input_signature: accepted.
        """
        inputs = [self._tensor(feed) for feed in nest.flatten(feeds)]
        results = nest.map_structure(self._element, fetches)
        part = FuncGraph(name or "pruned")
        part.__dict__.update(self.graph.__dict__)
        part.name = name or "pruned"
        part.inputs = [
            *inputs,
            *(p for p in self.graph.internal_captures if all(p is not t for t in inputs)),
        ]
        operations = [r for r in nest.flatten(results) if isinstance(r, Operation)]
        part.structured_outputs = nest.map_structure(
            lambda r: None if isinstance(r, Operation) else r, results
        )
        part.outputs = [r for r in nest.flatten(results) if isinstance(r, SymbolicTensor)]
        part.control_outputs = operations
        part.structured_input_signature = ((), {})
        return WrappedFunction(part, [(t.op.name, t) for t in inputs])

    def _element(self, element: Any) -> Any:
        return self.graph.as_graph_element(element)

    def _tensor(self, element: Any) -> SymbolicTensor:
        found = self.graph.as_graph_element(element)
        return found.outputs[0] if isinstance(found, Operation) else found


@export(v1=["wrap_function"])
def wrap_function(
    fn: Callable[..., Any], signature: Sequence[Any], name: str | None = None
) -> WrappedFunction:
    """Returns `fn`, traced once without AutoGraph, as a function.

    Args:
      fn: a function written for TensorFlow 1: it may make variables and placeholders.
      signature: the specs of its arguments.
      name: of the function.
    """
    graph = FuncGraph(name or getattr(fn, "__name__", "wrapped"))
    give_store(graph)
    held: list[Any] = []
    graph.variable_rule = held.append  # type: ignore[attr-defined]
    with trace.recording(graph):
        flat = [spec for one in nest.flatten(list(signature)) for spec in _specs(one)]
        placeholders = []
        for index, spec in enumerate(flat):
            placeholder = graph.placeholder(spec.dtype, spec.shape, spec.name or f"args_{index}")
            graph.inputs.append(placeholder)
            placeholders.append(placeholder)
        arguments = nest.pack_sequence_as(list(signature), placeholders, expand_composites=True)
        trace.set_outputs(graph, fn(*arguments))
    add_control_dependencies(graph)
    graph.structured_input_signature = (tuple(signature), {})
    made = WrappedFunction(graph, [(t.op.name, s) for t, s in zip(placeholders, flat, strict=True)])
    made._attributes["variables"] = held  # keeps them alive
    return made


def _specs(spec: Any) -> list[Any]:
    return spec.flatten() if isinstance(spec, TypeSpec) else [spec]
