"""A graph as one Function: for builds ahead of time, which have no host to leave operations to."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.kinds import ARRAY, input_kinds
from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialize import LoweredSection, Reasons, lower_ready
from penstock._src.core.errors import UnimplementedError
from penstock._src.graph.passes.unused_results import operations_to_run
from penstock._src.ir.extents.values import Values
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

MOST_NAMED = 8  # operations in a message


@dataclasses.dataclass(frozen=True)
class WholeFunction:
    """A lowered graph.

    function   its results are the graph's outputs
    positions  of each parameter: which input of the graph it is; -1 for one that nothing reads
    extents    what unknown extents are: of the function's nodes only within these
    """

    function: Function
    positions: tuple[int, ...]
    extents: Values


def lower_whole(
    graph: Any,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    values: Sequence[Any],
    known: Mapping[int, str],
    name: str,
) -> WholeFunction:
    """Lowers all of a graph for inputs like these values.

    Args:
      graph: a FuncGraph.
      inputs: its tensors that are given.
      outputs: those that are computed.
      values: a host value of each input: arrays of the shapes to come, handles of variables.
      known: positions of the inputs whose values stay what they are, and what to call them.
      name: for messages.

    Raises:
      UnimplementedError: an operation needs the host, or what it makes has a size that depends on data.
    """
    ops = operations_to_run(graph, inputs, outputs, graph.control_outputs)
    kinds = input_kinds(inputs)
    fixed = tuple([i for i in sorted(known) if kinds[i] == ARRAY])
    section = Section(name, ops, inputs, outputs, graph.kernel_states, values=fixed)
    extents = Values({})
    with extents:
        function, positions = _lowered(section, values)
    return WholeFunction(function, positions, extents)


def _lowered(section: Section, values: Sequence[Any]) -> tuple[Function, tuple[int, ...]]:
    """The function, and the positions of its parameters."""
    name = section.name
    reasons = Reasons(section)
    lowered = lower_ready(section, section.ops, values, reasons)
    if lowered.left:
        raise UnimplementedError(None, None, f"{name}: {_why(lowered, reasons)}")
    results = [_result(lowered, tensor, name) for tensor in section.outputs]
    parameters = lowered.inputs.parameters
    function = lowered.p.function(name, parameters, results)
    positions = [
        _position(name, source, function, node)
        for source, node in zip(lowered.inputs.sources, function.parameters)
    ]
    lowered.p.forget()
    return function, tuple(positions)


def _why(lowered: LoweredSection, reasons: Reasons) -> str:
    """Return the operations that need the host, and the reasons, without those that only wait for others."""
    refusals = {d.op.name: str(d.error) for d in lowered.deferrals}
    why = {op.name: refusals.get(op.name) or reasons.why(op) for op in lowered.left}
    described = [f"{op.name} ({op.type}): {why[op.name]}" for op in lowered.left if why[op.name]]
    more = f"; and {len(described) - MOST_NAMED} more" if len(described) > MOST_NAMED else ""
    return f"these operations need the host: {'; '.join(described[:MOST_NAMED])}{more}"


def _result(lowered: LoweredSection, tensor: Any, name: str) -> Node:
    """The node of an output.

    Raises:
      UnimplementedError: it is not an array, or has a data-dependent size.
    """
    value = lowered.values.get(tensor._id)
    if isinstance(value, Node):
        return value
    what = f"{name}: output {tensor.name}"
    if value is None or not hasattr(value, "rows"):
        raise UnimplementedError(None, None, f"{what} is held by the host.")
    raise UnimplementedError(None, None, f"{what} has a data-dependent size.")


def _position(name: str, source: tuple[str, Any], function: Function, node: Node) -> int:
    """Return the number of the input that a parameter is; -1 for one that is not read."""
    how, which = source
    if how == "input":
        return which
    if not any(node in inner.nodes() for inner in function.functions()):
        return -1
    raise UnimplementedError(
        None, None, f"{name}: the host computes a value for each call, as random numbers require."
    )
