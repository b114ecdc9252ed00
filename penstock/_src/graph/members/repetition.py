"""Parts of a function that differ only in what they read from outside of it, such as layers: the first is recorded, the others are copies of it.

An operation is copied in a fifth of the time in which it is recorded: arguments are converted and checked, and shapes found, once.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from penstock._src.core.calls import lines
from penstock._src.core.dispatch import STATE
from penstock._src.graph.operation import Operation, SymbolicTensor

# What `unique_name` adds.
_NUMBER = re.compile("_[0-9]+$")


class Repetition:
    """Calls functions of one tensor, and records those that are alike once."""

    def __init__(self) -> None:
        # By form; None: calls of this form are recorded each time.
        self._parts: dict[Hashable, _Part | None] = {}

    def call(
        self,
        function: Callable[[Any], Any],
        x: Any,
        form: Hashable,
        outer: Sequence[Any],
        variables: Sequence[Any] = (),
    ) -> Any:
        """Returns `function(x)`.

        Operations of an earlier call are copied if that had the same form, read all of `outer` and nothing else from outside of the function that is
        traced, and if nothing but the graph takes part in recording: tapes and scopes, for instance.

        Args:
          function: of a tensor.
          x: the tensor.
          form: whatever the operations depend on besides the values of `x` and `outer`, with the types and shapes of these.
          outer: eager tensors that it reads, with handles of variables.
          variables: that it reads or writes.
        """
        graph = STATE.graph
        if not _records_alone(graph) or not isinstance(x, SymbolicTensor) or x.graph is not graph:
            return function(x)
        whole = (form, graph._scope, STATE.device, x.dtype, x.shape._dims, len(outer))
        part = self._parts.get(whole)
        if part is not None and part.graph is graph:
            for variable in variables:
                graph.watch_variable(variable)
            return part.copied(x, outer)
        first, known = len(graph._operations), len(graph._captures)
        result = function(x)
        if whole not in self._parts:
            captures = list(graph._captures.values())[known:]
            self._parts[whole] = _part_of(graph, first, captures, x, result, outer)
        return result


class _Part:
    """Operations of a graph that can be copied.

    Args:
      graph: that holds them.
      operations: with the placeholders of captures.
      x: the tensor that other calls replace.
      result: what one of them computes.
      captured: the positions of outer tensors, by placeholders.
    """

    def __init__(
        self,
        graph: Any,
        operations: Sequence[Operation],
        x: SymbolicTensor,
        result: SymbolicTensor,
        captured: Mapping[Operation, int],
    ) -> None:
        self.graph, self._x, self._result = graph, x, result
        self._steps = [(op, _base_name(op), captured.get(op)) for op in operations]

    def copied(self, x: SymbolicTensor, outer: Sequence[Any]) -> SymbolicTensor:
        """Adds the operations once more, over other tensors; returns the result."""
        graph = self.graph
        values = {self._x._id: x}
        for source, name, at in self._steps:
            if at is not None:
                values[source._outputs[0]._id] = graph.capture(outer[at], name)
                continue
            inputs = [values.get(t._id, t) for t in source._inputs]
            unique = graph.unique_name(name)
            shapes = [t._shape for t in source._outputs]
            copy = Operation(
                graph, source.raw_op, unique, inputs, [], shapes, source._device, source.location
            )
            for before, after in zip(source._outputs, copy._outputs, strict=True):
                after._handle_data = before._handle_data
                values[before._id] = after
            graph._operations.append(copy)
            graph._by_name[unique] = copy
        return values[self._result._id]


def _records_alone(graph: Any) -> bool:
    """True if a graph is a function's, and recording an operation does nothing but add it."""
    if graph is None or not graph.building_function or not graph.keeps_program_order:
        return False
    around = graph
    while around is not None and around.building_function:
        if around.argument_handles or around.capture_by_value:
            return False
        around = around.enclosing
    state = STATE.tapes, STATE.accumulators, STATE.graph_watchers, STATE.op_callbacks
    scopes = graph._control_stack, graph._device_functions, graph._colocation, graph._groups
    names = graph._attributes, graph._kernel_labels, graph._gradient_overrides, graph._container
    others = graph._control_flow_context, graph._default_original_op, STATE.gradient_of
    return (
        not any(map(bool, (*state, *scopes, *names)))
        and all(other is None for other in others)
        and not lines.is_recording()
    )


def _part_of(
    graph: Any,
    first: int,
    captures: Sequence[tuple[Any, SymbolicTensor]],
    x: SymbolicTensor,
    result: Any,
    outer: Sequence[Any],
) -> _Part | None:
    """The operations from a position on as a part; None if a copy could compute something else."""
    positions = {tensor._id: at for at, tensor in enumerate(outer)}
    # A tensor that was not captured became a constant, or was captured before for another part.
    if len(captures) != len(outer) or positions.keys() != {tensor._id for tensor, _ in captures}:
        return None
    captured = {placeholder._op: positions[tensor._id] for tensor, placeholder in captures}
    operations = graph._operations[first:]
    if not all(op in captured or _is_plain(op) for op in operations):
        return None
    if not isinstance(result, SymbolicTensor) or result._op not in operations:
        return None
    return _Part(graph, operations, x, result, captured)


def _is_plain(op: Operation) -> bool:
    """True if an operation is described by its op, inputs and outputs, and is no other one when it is there twice."""
    raw = op.raw_op
    if raw.flow.control or raw.flow.redirects or raw.flow.runs_functions or raw.flow.iteration:
        return False
    if raw.stateful and not any(t.dtype.name == "resource" for t in op._inputs):
        return False  # random numbers, whose seeds differ by operation
    marks = op._control_inputs, op.colocation, op.tape_entries, op.accumulator_steps
    others = op.gradient_override, op.python_function, op.loop, op.made_for, op.may_be_lowered
    return not any(map(bool, (*marks, op.gradient_kind))) and all(o is None for o in others)


def _base_name(op: Operation) -> str:
    """The name from which `unique_name` made that of an operation, within its scope."""
    scope = op.graph._scope
    name = op.name.removeprefix(f"{scope}/") if scope else op.name
    return _NUMBER.sub("", name) or name
