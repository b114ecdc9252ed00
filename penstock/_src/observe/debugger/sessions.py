"""Sessions of TensorFlow 1 that stop at breakpoints.

The lines that build a graph have run before a session runs it, and a breakpoint is known only when its line is met. So a call is put
together from where operations were made, with the names of the frame in which the breakpoint stands.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from penstock._src.compiler.host.running import run_on_host
from penstock._src.compiler.token_flow import TokenFlow
from penstock._src.core.calls.lines import Activation, Line, Mark
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.tensor import NEXT_MOMENT
from penstock._src.core.values import kernel_state
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.library import GraphFunction, Runner
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.unused_results import operations_to_run
from penstock._src.observe.debugger.conditions import of_this_thread
from penstock._src.observe.debugger.replay import Replay
from penstock._src.observe.debugger.snapshot import Snapshot, is_kept, place_of
from penstock._src.observe.debugger.stops import Debugged
from penstock._src.observe.debugger.watching import Noting, NotingWatcher


def debugged_session(
    graph: Any,
    inputs: Sequence[SymbolicTensor],
    wanted: Sequence[SymbolicTensor],
    operations: Sequence[Operation],
    executable: Runner,
    states: dict[Any, Any],
) -> Runner:
    """Returns a runner of a part of a TensorFlow 1 graph that stops at its breakpoints, those after operations of the part.

    `states` is what the session's stateful kernels remember. It also reports its runs if they are recorded in this thread.
    """
    conditions = of_this_thread()
    is_recorded = conditions is not None and conditions.recorder is not None
    # By moment, which replacements of operations share with them.
    needed = {op.moment for op in operations_to_run(graph, inputs, wanted, operations)}
    frames: dict[FrameType, list[Mark]] = {}
    for mark in graph.breakpoints:
        if mark.frame is not None:
            operations_of_frame = [op for op in graph._operations if _is_of(op, mark.frame)]
            before = [op for op in operations_of_frame if op.moment < mark.moment]
            if before and before[-1].moment in needed:
                frames.setdefault(mark.frame, []).append(mark)
    if not frames:
        if not is_recorded:
            return executable
        return Debugged(
            SessionFunction(graph, inputs, wanted, operations, executable, states), executable
        )
    if any(op.raw_op.flow.redirects for op in graph._operations):
        raise UnimplementedError(
            "tf.debugging.breakpoint: runs of graphs with TensorFlow 1's loops and conditions (Switch, Merge) are not repeated line by line. "
            "tf.compat.v1.enable_control_flow_v2() makes graphs without them."
        )
    calls = [_activation(graph, frame, marks) for frame, marks in frames.items()]
    graph.activations = [(call.lines[0].moment, call) for call in calls]
    return Debugged(
        SessionFunction(graph, inputs, wanted, operations, executable, states), executable
    )


class SessionFunction(GraphFunction):
    """A part of a graph as a function, as a session runs it."""

    def __init__(
        self,
        graph: Any,
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor],
        targets: Sequence[Operation],
        executable: Runner,
        states: dict[Any, Any],
    ) -> None:
        super().__init__(graph, inputs, outputs, name="session")
        self._targets, self._executable, self._states = list(targets), executable, states

    @property
    def kernel_states(self) -> dict[Any, Any]:
        """State that kernels keep from run to run of the session."""
        return self._states

    @property
    def targets(self) -> list[Operation]:
        """Operations that run although no output needs them."""
        return self._targets

    def variables(self) -> list[VariableHandle]:
        """The variables that a run takes, by the resources of the session that runs."""
        handles = []
        needed = operations_to_run(self.graph, self.inputs, self.outputs, self.targets)
        for op in needed:
            if op.raw_op.stateful and not op._inputs and len(op.outputs) == 1:
                if op.type in ("VarHandleOp", "VariableV2", "Variable"):
                    with kernel_state.of_node(self._states, op):
                        (handle,) = run_on_host(op, [])
                    handles.append(handle)
        return handles

    def repeated(self, snapshot: Snapshot, note: Noting) -> None:
        """Repeats a run, operation by operation, and records the result of each. Variables are restored afterwards."""
        kept = {place: collections.deque(values) for place, values in snapshot.results.items()}

        def compute(op: Operation, arguments: list[Any], known: list[Any] | None) -> list[Any]:
            if known is not None:
                results = known
            elif is_kept(op) and kept.get(place_of(op)):
                results = kept[place_of(op)].popleft()
            else:
                with kernel_state.of_node(self._states, op):
                    results = run_on_host(op, arguments)
            note(op, results)
            return results

        with snapshot.put_back():
            if isinstance(self._executable, TokenFlow):
                self._executable.run_by(snapshot.values, compute)
            else:
                Replay(snapshot, NotingWatcher(note)).run()


def _activation(graph: Any, frame: FrameType, marks: Sequence[Mark]) -> Activation:
    """The lines of a frame that built a graph, as far as operations record them."""
    operations = [op for op in graph._operations if _is_of(op, frame)]
    call = Activation(frame.f_code, frame.f_globals, graph, None)
    for op in operations:
        if not call.lines or call.lines[-1].number != op.location.line:
            call.lines.append(Line(op.location.line, op.moment, op.position, {}))
    call.lines += [Line(m.number, m.moment, 0, {}, marks=[m]) for m in marks]
    call.lines.sort(key=lambda line: line.moment)
    last = call.lines[-1].number
    call.lines.append(Line(last, NEXT_MOMENT(), len(graph._operations), {}))
    _bind(call.lines, frame.f_locals, graph)
    return call


def _is_of(op: Operation, frame: FrameType) -> bool:
    """True if a line of a frame's function made an operation."""
    place = op.location
    code = frame.f_code
    return place is not None and (place.file, place.function) == (code.co_filename, code.co_name)


def _bind(lines: Sequence[Line], names: Mapping[str, Any], graph: Any) -> None:
    """Binds names of tensors at the line after the one that creates them."""
    for name, value in names.items():
        if isinstance(value, SymbolicTensor) and value.graph is graph:
            later = (line for line in lines if line.moment > value.op.moment)
            next(later, lines[-1]).bound[name] = value
