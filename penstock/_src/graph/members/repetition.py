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
        shared: Sequence[Any] | None = None,
    ) -> Any:
        """Returns `function(x)`.

        Operations of an earlier call are copied if that had the same form, read of `outer` whatever could be read of it and nothing else from outside
        of the function that is traced, and if nothing but the graph takes part in recording: tapes and scopes, for instance.

        Args:
          function: of a tensor; its result is a tensor, or None.
          x: the tensor.
          form: whatever the operations depend on besides the values of `x` and `outer`, with the types and shapes of these.
          outer: eager tensors that it reads, with handles of variables, which it need not read.
          variables: that it reads or writes.
          shared: other tensors that calls of this form read alike, eager ones and those of the graph; None if all tensors of the graph are such.
        """
        graph = STATE.graph
        read = None if shared is None else {tensor._id for tensor in (*outer, *shared)}
        if (
            not _records_alone(graph, read)
            or not isinstance(x, SymbolicTensor)
            or x.graph is not graph
        ):
            return function(x)
        known = graph._captured
        # Which are captured by now decides where placeholders are among the operations.
        captured = tuple([tensor._id in known for tensor in outer])
        whole = (form, graph._scope, STATE.device, x.dtype, x.shape._dims, captured, len(variables))
        part = self._parts.get(whole)
        if part is not None and part.graph is graph:
            for at in part.watched:
                graph.watch_variable(variables[at])
            return part.copied(x, outer)
        first, count = len(graph._operations), len(known)
        result = function(x)
        if whole not in self._parts:
            captures = list(known.values())[count:]
            part = _part_of(graph, first, captures, x, result, outer, shared)
            if part is not None:
                watched = {id(variable): at for at, variable in enumerate(graph.variables)}
                used = [at for at, variable in enumerate(variables) if id(variable) in watched]
                part.watched = sorted(used, key=lambda at: watched[id(variables[at])])
            self._parts[whole] = part
        return result


class _Part:
    """Operations of a graph that can be copied.

    Args:
      graph: that holds them.
      operations: with the placeholders of captures.
      x: the tensor that other calls replace.
      result: what one of them computes, or None.
      captured: the positions of outer tensors, by placeholders among the operations.
      before: the positions of outer tensors that were captured before, by ids of their placeholders.
    """

    def __init__(
        self,
        graph: Any,
        operations: Sequence[Operation],
        x: SymbolicTensor,
        result: SymbolicTensor | None,
        captured: Mapping[Operation, int],
        before: Mapping[int, int],
    ) -> None:
        self.graph, self._x, self._result, self._before = graph, x, result, before
        self._steps = [(op, captured.get(op)) for op in operations]
        # The positions of the variables that the graph knows by now, in the order in which it met them.
        self.watched: list[int] = []
        self._names = _PathNames(operations)

    def copied(self, x: SymbolicTensor, outer: Sequence[Any]) -> SymbolicTensor | None:
        """Adds the operations once more, over other tensors; returns the result."""
        graph = self.graph
        values = {self._x._id: x}
        names = _NewNames(graph, self._names)
        for placeholder, at in self._before.items():
            values[placeholder] = graph.capture(outer[at])
        for source, at in self._steps:
            name = names.of(source.name)
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
        return None if self._result is None else values[self._result._id]


class _PathNames:
    """The names of operations as those from which `unique_name` made them.

    A name is below another one if that is an operation's, for which it makes an argument, or that of a scope.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.scope = operations[0].graph._scope if operations else ""
        self.operations = {op.name for op in operations}
        # What a name is below, or None, and its own part.
        self.parts: dict[str, tuple[str | None, str]] = {}
        for op in operations:
            name: str | None = op.name
            while name is not None and name not in self.parts:
                self.parts[name] = around, _ = self._split(name)
                name = around

    def _split(self, name: str) -> tuple[str | None, str]:
        rest = name.removeprefix(f"{self.scope}/") if self.scope else name
        around, _, local = rest.rpartition("/")
        own = _NUMBER.sub("", local) or local
        if not around:
            return None, own
        return (name[: -len(local) - 1], own)


class _NewNames:
    """The names of copies of operations, as recording them would name them."""

    def __init__(self, graph: Any, known: _PathNames) -> None:
        self._graph, self._known = graph, known
        self._scopes: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name of the next copy of an operation below the current scope, which is not unique yet."""
        around, own = self._known.parts[name]
        if around is None:
            return own
        if around in self._known.operations:  # which comes next
            taken = self._graph.unique_name(self.of(around), mark_as_used=False)
        elif around in self._scopes:
            taken = self._scopes[around]
        else:
            taken = self._scopes[around] = self._graph.unique_name(self.of(around))
        scope = self._known.scope
        return f"{taken.removeprefix(f'{scope}/') if scope else taken}/{own}"


def _records_alone(graph: Any, read: set[int] | None) -> bool:
    """True if a graph is a function's, and recording an operation does nothing but add it.

    No handle of `read`, the ids of what is read from outside, must be an argument: it would be read in place of a capture. None stands for any.
    """
    if graph is None or not graph.building_function or not graph.keeps_program_order:
        return False
    around = graph
    while around is not None and around.building_function:
        arguments = around.argument_handles
        if arguments and (read is None or not read.isdisjoint(arguments)):
            return False
        if around.capture_by_value:
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
    shared: Sequence[Any] | None,
) -> _Part | None:
    """The operations from a position on as a part; None if a copy could compute something else."""
    positions = {tensor._id: at for at, tensor in enumerate(outer)}
    alike = {tensor._id for tensor in shared or ()}
    if len(positions) != len(outer) or not alike.isdisjoint(positions):
        return None
    placeholders = {key: graph._captured[key][1] for key in positions if key in graph._captured}
    # Another tensor that was not captured became a constant.
    if any(t._id not in placeholders and t.dtype.name != "resource" for t in outer):
        return None
    if any(tensor._id not in positions and tensor._id not in alike for tensor, _ in captures):
        return None
    new = {placeholder._op: positions.get(tensor._id) for tensor, placeholder in captures}
    captured = {op: at for op, at in new.items() if at is not None}
    operations = [op for op in graph._operations[first:] if op not in new or op in captured]
    if not all(op in captured or is_plain(op) for op in operations):
        return None
    inside = set(operations)
    if result is not None and (not isinstance(result, SymbolicTensor) or result._op not in inside):
        return None
    if shared is not None:
        alike |= {graph._captured[key][1]._id for key in alike if key in graph._captured}
        alike |= {placeholder._id for placeholder in placeholders.values()} | {x._id}
        read = [t for op in operations for t in op._inputs if t._op not in inside]
        if any(t._id not in alike and t._op.type != "Const" for t in read):
            return None
    before = {
        placeholder._id: positions[key]
        for key, placeholder in placeholders.items()
        if placeholder._op not in new
    }
    return _Part(graph, operations, x, result, captured, before)


def is_plain(op: Operation) -> bool:
    """True if an operation is fully described by its op, inputs and outputs, so that a repetition of it is equal to it."""
    raw = op.raw_op
    if raw.flow.control or raw.flow.redirects or raw.flow.runs_functions or raw.flow.iteration:
        return False
    if raw.stateful and not any(t.dtype.name == "resource" for t in op._inputs):
        return False  # random numbers, whose seeds differ by operation
    marks = op._control_inputs, op.colocation, op.tape_entries, op.accumulator_steps
    others = op.gradient_override, op.python_function, op.loop, op.made_for, op.may_be_lowered
    return not any(map(bool, (*marks, op.gradient_kind))) and all(o is None for o in others)
