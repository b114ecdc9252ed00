"""Traces Python callables into FuncGraphs: bodies of branches, loops and functions."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building_unrecorded
from penstock._src.core.registry import raw
from penstock._src.graph.control import add_control_dependencies
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util import nest, slots


def autograph_converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `function`, converted by AutoGraph if a graph is being built."""
    return slots.CONVERT(function) if STATE.graph is not None else function


@contextlib.contextmanager
def recording(graph: FuncGraph) -> Iterator[FuncGraph]:
    """Records ops into `graph`; outer tapes do not see them."""
    STATE.default_graphs.append(graph)
    try:
        with building_unrecorded(graph):
            yield graph
    finally:
        STATE.default_graphs.pop()


def refuse_variable(variable: Any) -> None:
    """The `variable_rule` of traces that must make no variables.

    Raises:
      ValueError: always.
    """
    raise ValueError(
        "tf.function only supports singleton tf.Variables created on the first call. Make sure the "
        "tf.Variable is only created once or created outside tf.function. See https://www.tensorflow.org/"
        "guide/function#creating_tfvariables for more information."
    )


def add_arguments(
    graph: FuncGraph, models: Sequence[Any], shapes: Sequence[Any], names: Sequence[str] = ()
) -> list[SymbolicTensor]:
    """Adds a placeholder to `graph` for each tensor of `models`, with its dtype and the given static shape.

    `names` are given to the first placeholders; the others have no given name.
    """
    placeholders = []
    for model, shape, name in itertools.zip_longest(models, shapes, names):
        placeholder = graph.placeholder(model.dtype, shape, name or "Placeholder", name or "")
        placeholder._handle_data = getattr(model, "_handle_data", None)
        graph.inputs.append(placeholder)
        placeholders.append(placeholder)
    return placeholders


def trace_body(
    graph: FuncGraph, function: Callable[..., Any], arguments: Sequence[Any] = ()
) -> FuncGraph:
    """Calls `function` while recording into `graph`; its result becomes the graph's outputs.

    Side effects that no output depends on are kept, except within a graph of TensorFlow 1: there a run has only the effects it depends on,
    and outputs have no Identity of their own.
    Outer tapes watch the trainable variables that it uses, as if it ran eagerly.
    """
    with recording(graph):
        set_outputs(graph, function(*arguments), marks=graph.keeps_program_order)
    if graph.keeps_program_order:
        add_control_dependencies(graph)
    for tape in STATE.tapes:
        for variable in graph.trainable_variables:
            tape.variable_accessed(variable)
    return graph


def set_outputs(graph: FuncGraph, result: Any, marks: bool = False) -> None:
    """Makes the tensors of a nested result the outputs of `graph`.

    `graph.structured_outputs` is `result` with every convertible leaf replaced by a tensor of the graph.

    Args:
      graph: the graph, which is being built.
      result: a nested structure.
      marks: passes every output through an Identity, as TensorFlow does, so that no output is an input and each has a name.

    Raises:
      TypeError: a leaf cannot be converted to a tensor.
    """
    result = nest.map_structure(lambda leaf: _as_output(graph, leaf, marks), result)
    graph.structured_outputs = result
    leaves = nest.flatten(result, expand_composites=True)
    graph.outputs = [t for t in leaves if isinstance(t, SymbolicTensor)]
    graph.outputs_wait = marks


def _as_output(graph: FuncGraph, leaf: Any, marks: bool) -> Any:
    if leaf is None:
        return None
    if isinstance(leaf, Operation):
        graph.control_outputs.append(leaf)
        return None
    if isinstance(leaf, CompositeTensor) or nest.is_composite(leaf):
        parts = nest.flatten(leaf, expand_composites=True)
        inner = [_output(graph, convert_to_tensor(part), marks) for part in parts]
        return nest.pack_sequence_as(leaf, inner, expand_composites=True)
    try:
        tensor = convert_to_tensor(leaf)
    except (ValueError, TypeError) as error:
        raise TypeError(
            "To be compatible with tf.function, Python functions must return zero or more Tensors or "
            f"ExtensionTypes or None values; in compilation of {graph.name}, found return value of type "
            f"{type(leaf).__name__}, which is not a Tensor or ExtensionType."
        ) from error
    return _output(graph, tensor, marks)


def _output(graph: FuncGraph, tensor: Any, marks: bool) -> SymbolicTensor:
    if not marks:
        return graph.local(tensor)
    (copy,) = identities([tensor])
    return copy


class ResultNames:
    """How results of conditions and loops are called: as TensorFlow 1's nodes after `disable_control_flow_v2`."""

    are_classic = False


def identities(outputs: Sequence[Any], classic_name: str | None = None) -> list[Any]:
    """Returns a copy of each output, which can be fetched separately; `classic_name` is that in TensorFlow 1's graphs."""
    name = classic_name if ResultNames.are_classic else None
    copies = [raw.Identity(input=tensor, name=name) for tensor in outputs]
    for copy in copies:
        copy._handle_data = copy.op._inputs[0]._handle_data
    return copies


def fill_outputs(
    structure: Any, tensors: Sequence[Any], leaves: Sequence[Any] | None = None
) -> Any:
    """Returns `structure` (a graph's structured outputs) with its tensors replaced in order.

    Callers that fill one structure often pass its `leaves`, with composites expanded.
    """
    remaining = iter(tensors)
    if leaves is None:
        leaves = nest.flatten(structure, expand_composites=True)
    filled = [next(remaining) if isinstance(t, SymbolicTensor) else t for t in leaves]
    return nest.pack_leaves(structure, iter(filled), expand_composites=True)
