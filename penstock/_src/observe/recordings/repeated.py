"""A recorded run once more, operation by operation."""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.consent import consent_for
from penstock._src.core.calls.lines import functions_of, with_inner
from penstock._src.core.errors import OpError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.importer import Library
from penstock._src.observe.debugger.replay import Replay
from penstock._src.observe.debugger.snapshot import Snapshot
from penstock._src.observe.debugger.watching import NotingWatcher
from penstock._src.observe.recordings.files import OWN_NAME, OperationValues, RecordedRun
from penstock._src.ops.random.philox import Stream
from penstock._src.util.locations import Location


@dataclasses.dataclass(frozen=True)
class Computed:
    """The results of one operation.

    Args:
      function: the name of the graph function.
      name, kind: of the operation.
      location: the line that made it.
      gradient_of: the line whose gradient it is a part of.
      forward: the name of the operation whose gradient it is a part of.
      values: host values.
    """

    function: str
    name: str
    kind: str
    location: Location | None
    gradient_of: Location | None
    forward: str | None
    values: Sequence[Any]

    def where(self) -> str:
        """The operation and its line, in words."""
        if self.gradient_of is not None:
            return f"{self.kind} {self.name}, gradient of {self.gradient_of.in_user_code()}"
        return f"{self.kind} {self.name}" + (
            f", {self.location.in_user_code()}" if self.location else ""
        )


@dataclasses.dataclass(frozen=True)
class Repeated:
    """A run: its inputs by name, all that was computed, in order, and the error that ended it."""

    inputs: list[tuple[str, Any]]
    computed: list[Computed]
    run: RecordedRun
    error: OpError | None

    def lines(self) -> list[str]:
        """The lines at which names were bound, each once, in order."""
        places = [place for place, _ in self.run.function.lines]
        if not places:  # a session's
            places = [c.location for c in self.computed if c.location is not None]
        return [f"{p.file}:{p.line} {p.function}" for p in dict.fromkeys(places)]

    def named_at(self, file: str, line: int) -> list[tuple[Location, str, Any]]:
        """The values that names got at a line, and the gradients of the line: (line, name, value) for each time it ran."""
        wanted: dict[tuple[str, str], list[tuple[Location, str, int]]] = {}
        for location, bound in self.run.function.lines:
            if _is_at(location, file, line):
                for name, (function, op, index) in bound.items():
                    wanted.setdefault((function, op), []).append((location, name, index))
        values: list[tuple[Location, str, Any]] = []
        for each in self.computed:
            for location, name, index in wanted.get((each.function, each.name), ()):
                values.append((location, name, each.values[index]))
            own = each.location
            if own is not None and not self.run.function.lines and _is_at(own, file, line):
                values += [(own, f"{each.kind} {each.name}", value) for value in each.values]
            of = each.gradient_of
            if of is not None and each.kind != "Const" and _is_at(of, file, line):
                for value in each.values:
                    values.append((of, f"gradient, {each.kind} {each.name}", value))
        return values


def _is_at(location: Location, file: str, line: int) -> bool:
    """True if a location is a line of a file whose path ends in `file`."""
    is_file = location.file == file or location.file.endswith(os.sep + file)
    return is_file and location.line == line


def values_of(run: RecordedRun) -> Repeated:
    """The results of a run's operations: as recorded, or else repeated."""
    return repeat(run) if run.values is None else recorded_values(run, run.values)


def shown_values(run: RecordedRun) -> Repeated:
    """The operations that `penstock replay` shows: a run of Penstock functions is repeated, including loops; others are shown as recorded."""
    if run.values is None or is_repeatable(run):
        return repeat(run)
    return recorded_values(run, run.values)


def is_repeatable(run: RecordedRun) -> bool:
    """True of a run of a Penstock function: its graph was recorded."""
    return run.recorded_by[0] == OWN_NAME and run.function.is_whole


def recorded_values(run: RecordedRun, recorded: Sequence[OperationValues]) -> Repeated:
    """The results of a run's operations, as recorded."""
    kinds = {
        (function.signature.name, node.name): node.op
        for function in run.library.function
        for node in function.node_def
    }
    computed = []
    for function, name, outputs in recorded:
        origin = run.function.origin(function, name)
        values = [outputs.get(n) for n in range(max(outputs, default=-1) + 1)]
        kind = kinds.get((function, name))
        if kind is not None:
            computed.append(Computed(function, name, kind, *origin, values))
    return Repeated(_named_inputs(run), computed, run, None)


def _named_inputs(run: RecordedRun) -> list[tuple[str, Any]]:
    """The inputs of a run that are arrays, by their names in its function, and variables."""
    arguments = run.library.function[0].signature.input_arg
    pairs = zip(arguments, run.inputs, strict=True)
    named = [(entry.get("name") or argument.name, entry["tensor"]) for argument, entry in pairs]
    return [(name, value) for name, value in named if value is not None]


def repeat(run: RecordedRun) -> Repeated:
    """Repeats a recorded run on the host."""
    snapshot = snapshot_of(run)
    computed: list[Computed] = []
    error = None
    try:
        Replay(snapshot, collector(run, computed)).run()
    except OpError as raised:  # the run that was recorded ended so, too
        error = raised
    return Repeated(_named_inputs(run), computed, run, error)


def snapshot_of(run: RecordedRun) -> Snapshot:
    """The initial state of a run, on separate variables, and the values from the host."""
    function = _function(run)
    snapshot = Snapshot(function, _variables(function, run))
    for (name, op), results in run.host.items():
        for graph in with_inner(function.graph):
            if graph.name == name:
                snapshot.results[id(graph), op] = collections.deque(results)
    for path, words in run.random:
        key = _key(function, path)
        if key is not None:
            high, low = words[2], words[1]
            function.kernel_states[key] = Stream(words[0], high << 64 | low)
    return snapshot


def _function(run: RecordedRun) -> GraphFunction:
    library = Library(run.library, consent=consent_for(f"the recording of {run.label}", None))
    return library.get(run.function.name)


def _variables(function: GraphFunction, run: RecordedRun) -> list[Any]:
    """The inputs, with a new variable for each variable of the run. One that was passed twice is one."""
    handles: dict[int, VariableHandle] = {}
    result = []
    for tensor, entry in zip(function.inputs, run.inputs, strict=True):
        number, value = entry.get("variable"), entry["tensor"]
        if number is None:
            result.append(value)
            continue
        if not tensor._handle_data:  # a graph of TensorFlow
            tensor._handle_data = [(TensorShape(value.shape), dtypes.as_dtype(value.dtype))]
        if number not in handles:
            shape, dtype = tensor._handle_data[0]
            handles[number] = VariableHandle(shape, dtype, entry["name"], value=value)
        result.append(handles[number])
    _pass_on(function.graph)
    return result


def _pass_on(graph: Any) -> None:
    """Passes known facts about the resource arguments to the functions that take them."""
    for op in graph._operations:
        for body in functions_of(op):
            arguments = op._inputs[len(op._inputs) - len(body.inputs) :]
            for outer, inner in zip(arguments, body.inputs, strict=True):
                inner._handle_data = inner._handle_data or outer._handle_data
            _pass_on(body.graph)


def _key(function: GraphFunction, path: Sequence[str]) -> Any:
    """The key of the position of an operation's random numbers; None if the graph has no such operation."""
    graphs, key = [function.graph], None
    for name in path:
        ops = [g._by_name[name] for g in graphs if name in g._by_name]
        if not ops:
            return None
        key = ops[0] if key is None else (key, ops[0])
        graphs = [inner.graph for inner in functions_of(ops[0])]
    return key


def collector(run: RecordedRun, computed: list[Computed]) -> NotingWatcher:
    """Returns a watcher that appends the results of operations to a list; variables are not results."""

    def note(op: Operation, results: Sequence[Any]) -> None:
        origin = run.function.origin(op.graph.name, op.name)
        arrays = tuple(r if isinstance(r, np.ndarray) else None for r in results)
        computed.append(Computed(op.graph.name, op.name, op.type, *origin, arrays))

    return NotingWatcher(note)
