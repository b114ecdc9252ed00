"""Saves and restores the gradient functions of tf.custom_gradient in a SavedModel.

A node has its gradient type in the attribute `_gradient_op_type`; the function library maps it to a function. That function
takes the gradients of the node's outputs, then its captures: variables, and tensors of the function that contains the node.
"""

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.structured_values import decode, encode
from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.registered_gradients import NamedGradient
from penstock._src.graph.serialize.importer import Library
from penstock._src.util import nest
from penstock._src.util.dataclass import dataclass

log = logging.getLogger("penstock")

# The op of the nodes that tf.custom_gradient makes.
NODE = "IdentityN"
_KINDS = itertools.count(1)


def restore(meta: Any, library: Library, captured: Callable[[int], Any]) -> None:
    """Restores the saved gradients of the nodes of all imported functions.

    Args:
      captured: returns a captured handle or constant by its object number.
    """
    names = {
        entry.registered_op_type: entry.gradient_func
        for entry in meta.graph_def.library.registered_gradients
    }
    for function in list(library.functions.values()):
        unsaved = False
        for node in function.graph.get_operations():
            name = names.get(node.gradient_kind)
            if name is not None:
                node.gradient_kind = ""  # a new one is assigned when it is saved again
                node.gradient_override = _gradient(name, function.graph, meta, library, captured)
            unsaved = unsaved or isinstance(node.gradient_override, NamedGradient)
        if unsaved:
            log.warning(
                "Importing a function (%s) with ops with unsaved custom gradients. Will likely fail if a gradient "
                "is requested.",
                function.name,
            )


def _gradient(
    name: str, graph: Any, meta: Any, library: Library, captured: Callable[[int], Any]
) -> Callable[..., Any]:
    """The gradient of a node of `graph` by a function of the library: (node, *gradients) -> gradients."""
    objects = meta.object_graph_def.nodes
    saved = meta.object_graph_def.concrete_functions[name]

    def bound(number: int) -> Any:
        if objects[number].WhichOneof("kind") == "captured_tensor":
            return graph.get_tensor_by_name(objects[number].captured_tensor.name)
        return captured(number)

    def override(node: Any, *gradients: Any) -> list[Any]:
        function = library.get(name)
        arguments = [
            gradient if _has_type_of(gradient, model) else _zeros(output, model)
            for gradient, output, model in zip(gradients, node.outputs, function.inputs)
        ]
        outputs = raw.StatefulPartitionedCall(
            args=[*arguments, *[bound(number) for number in saved.bound_inputs]],
            Tout=list(function.output_types),
            f=function,
        )
        results = iter(outputs)
        form = nest.flatten(decode(saved.output_signature))
        return [None if spec is None else next(results) for spec in form]

    return override


def _has_type_of(gradient: Any, model: Any) -> bool:
    """True if a gradient exists and has the dtype that the function takes. A handle is not the gradient of a variable."""
    return gradient is not None and gradient.dtype == model.dtype


def _zeros(output: Any, model: Any) -> Any:
    """A zero gradient for an output that nothing depends on, typed like `model`."""
    if output.dtype == model.dtype:
        return raw.ZerosLike(x=output)
    # The dimension of a variable may be None.
    shape = [1 if d is None else d for d in model.shape.as_list()]
    return raw.Fill(dims=np.array(shape, np.int32), value=np.zeros((), model.dtype.np))


@dataclass(frozen=True)
class CapturedTensor:
    """A tensor inside a function that the gradient function of a node there captures."""

    name: str
    concrete_function: str


@dataclass(frozen=True)
class SavedGradient:
    """The gradient of one node, traced: `results` has None for inputs without a gradient."""

    kind: str
    function: GraphFunction
    gradients: list[TensorSpec]
    results: list[TensorSpec | None]
    bound_inputs: list[int]

    def fill(self, meta: Any) -> None:
        """Writes the function's registration: its gradient type and captures."""
        meta.graph_def.library.registered_gradients.add(
            gradient_func=self.function.name, registered_op_type=self.kind
        )
        entry = meta.object_graph_def.concrete_functions[self.function.name]
        entry.bound_inputs.extend(self.bound_inputs)
        entry.canonicalized_input_signature.CopyFrom(encode(((None, *self.gradients), {})))
        entry.output_signature.CopyFrom(encode(list(self.results)))


def traced(
    functions: Sequence[ConcreteFunction], number: Callable[[Any, ConcreteFunction], int]
) -> list[SavedGradient]:
    """The traced custom gradients of the nodes of functions, including called functions.

    Args:
      number: returns the object number of a captured handle, constant or CapturedTensor.

    Raises:
      ValueError: a gradient function cannot be traced.
    """
    saved: dict[Operation, SavedGradient] = {}
    for function in functions:
        outside = {id(inner): outer for outer, inner in function.graph.captures}
        _add_gradients(saved, function.graph_function, outside, function, number)
    for function in functions:
        for body in _called(function.graph_function):
            _add_gradients(saved, body, {}, function, number)
    return list(saved.values())


def name_unsaved(functions: Sequence[ConcreteFunction]) -> None:
    """Names the custom gradients of functions, which are not saved: a loaded function must not take the nodes' own ones."""
    for function in functions:
        for body in (function.graph_function, *_called(function.graph_function)):
            for node in body.graph.get_operations():
                if node.type == NODE and node.gradient_override and not node.gradient_kind:
                    node.gradient_kind = f"CustomGradient-{next(_KINDS)}"


def _called(function: GraphFunction) -> Iterator[GraphFunction]:
    """The functions that a function calls, and those that they call."""
    for node in function.graph.get_operations():
        for body in bodies_of(node):
            yield body
            yield from _called(body)


def _add_gradients(
    saved: dict[Operation, SavedGradient],
    function: GraphFunction,
    outside: dict[int, Any],
    owner: ConcreteFunction,
    number: Callable[[Any, ConcreteFunction], int],
) -> None:
    """Adds the gradients of a function's nodes. `outside`: the captured outer tensors."""
    for node in function.graph.get_operations():
        if node.type != NODE or node.gradient_override is None or node in saved:
            continue
        if isinstance(node.gradient_override, NamedGradient):
            continue  # it has a name alone
        try:
            graph, results = _trace(node)
        except Exception as error:
            raise ValueError(
                f"Error when tracing gradients for SavedModel: {error} You may need to update the custom "
                "gradient, or disable saving gradients with the option tf.saved_model.SaveOptions("
                f"experimental_custom_gradients=False). Node: {node.name!r}."
            ) from error
        captures = [outside.get(id(tensor), tensor) for tensor in graph.external_captures]
        if not all(_is_tellable(t, function.graph) for t in captures):
            log.warning(
                "The gradient function of node '%s' reads values of an enclosing function and is "
                "not saved: in the loaded model, the node has the gradient of its operations.",
                node.name,
            )
            continue
        bound = [
            number(
                CapturedTensor(t.name, function.name) if isinstance(t, SymbolicTensor) else t, owner
            )
            for t in captures
        ]
        placeholders = graph.inputs[: len(node.outputs)]
        node.gradient_kind = f"CustomGradient-{next(_KINDS)}"
        saved[node] = SavedGradient(
            node.gradient_kind,
            GraphFunction(graph),
            [
                TensorSpec(t.shape, t.dtype, f"result_grads_{at}")
                for at, t in enumerate(placeholders)
            ],
            [None if r is None else TensorSpec(r.shape, r.dtype) for r in results],
            bound,
        )


def _is_tellable(tensor: Any, graph: Any) -> bool:
    """True if a capture can be saved: an eager tensor, or a tensor of the function that contains the node."""
    if not isinstance(tensor, SymbolicTensor):
        return True
    return tensor.graph is graph and tensor.dtype is not dtypes.resource


def _trace(node: Operation) -> tuple[FuncGraph, list[Any]]:
    """A graph from the gradients of a node's outputs to those of its inputs, and the latter (None for none)."""
    graph = FuncGraph("internal_grad_fn", outer_graph=node.graph)
    with dispatch.building(graph):
        for at, output in enumerate(node.outputs):
            dtype, shape = _gradient_type(output)
            graph.inputs.append(graph.placeholder(dtype, shape, f"result_grads_{at}"))
        results = node.gradient_override(node, *graph.inputs)
        graph.outputs.extend(graph.local(r) for r in results if r is not None)
    return graph, results


def _gradient_type(output: Any) -> tuple[Any, Any]:
    """Type and shape of an output's gradient: of a variable's handle, those of the variable."""
    if output.dtype is not dtypes.resource or not output._handle_data:
        return output.dtype, output.shape
    ((shape, dtype),) = output._handle_data
    return dtype, shape
