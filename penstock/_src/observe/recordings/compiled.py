"""The values of a run's operations computed by compiled code: a recording keeps them beside the initial state.

The function is compiled once more, with the results of all its operations as outputs, call by call. So kernels are this version's, for these threads and this device; they are
less fused than in the run. A loop or branch is one operation.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.executable import Executable
from penstock._src.core import dtypes
from penstock._src.core.calls.lines import with_inner
from penstock._src.core.errors import OpError
from penstock._src.core.values import kernel_state
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes.unused_results import operations_to_run
from penstock._src.observe.debugger.snapshot import place_of
from penstock._src.observe.recordings.run import Results, Run


def compiled_values(run: Run) -> list[Results] | None:
    """Returns the results of a run's operations, in order; None if the run cannot be compiled again: it raised an error, or a loop takes elements from the host."""
    bodies = {id(graph) for graph in with_inner(run.function.graph)}
    bodies -= {id(graph) for graph in _called(run.function)}
    if any(graph in bodies for graph, _ in run.host):
        return None
    again = _Again(run)
    try:
        with run.snapshot.put_back():
            again.compute(run.function, run.snapshot.values)
    except OpError:
        return None
    return again.results


def _called(function: GraphFunction) -> list[Any]:
    """The graph of a function, and those of the functions that it calls, without bodies of loops and branches."""
    graphs = [function.graph]
    for op in function.graph._operations:
        if op.raw_op.flow.control == "call":
            graphs += _called(_callee(op))
    return graphs


def _callee(op: Operation) -> GraphFunction:
    return op.raw_op.f.stand_in or op.raw_op.f


class _Again:
    """Runs a function by programs that give the results of all operations."""

    def __init__(self, run: Run) -> None:
        self._host = {place: collections.deque(values) for place, values in run.host.items()}
        self.results: list[Results] = []

    def compute(self, function: GraphFunction, values: Sequence[Any]) -> list[Any]:
        """Runs a function; returns its outputs."""
        graph = function.graph
        known = {t._id: v for t, v in zip(function.inputs, values, strict=True)}
        operations = operations_to_run(graph, function.inputs, function.outputs, function.targets)
        read = {t._id for op in operations for t in op._inputs}
        read |= {t._id for t in function.outputs}
        together: list[Operation] = []
        for op in operations:
            is_call, kept = op.raw_op.flow.control == "call", self._host.get(place_of(op))
            if not is_call and not kept:
                together.append(op)
                continue
            self._run(function, together, known, read)
            together = []
            results = kept.popleft() if kept else self._call(function, op, known)
            known.update(zip((t._id for t in op.outputs), results, strict=True))
            self._keep(op, known)
        self._run(function, together, known, read)
        return [known[t._id] for t in function.outputs]

    def _call(self, caller: GraphFunction, op: Operation, known: dict[int, Any]) -> list[Any]:
        arguments = [known[t._id] for t in op._inputs]
        with kernel_state.of_node(caller.kernel_states, op), kernel_state.calling():
            return self.compute(_callee(op), arguments)

    def _run(
        self,
        function: GraphFunction,
        operations: list[Operation],
        known: dict[int, Any],
        read: set[int],
    ) -> None:
        """Runs operations as one program."""
        if not operations:
            return
        computed = {t._id: t for op in operations for t in op.outputs if t._id not in known}
        inputs = {t._id: t for op in operations for t in op._inputs if t._id not in computed}
        outputs = [t for t in computed.values() if _is_array(t) or t._id in read]
        program = Executable(
            "recorded", lambda: operations, list(inputs.values()), outputs, function.kernel_states
        )
        arrays = program([known[key] for key in inputs])
        known.update(zip((t._id for t in outputs), arrays, strict=True))
        for op in operations:
            self._keep(op, known)

    def _keep(self, op: Operation, known: dict[int, Any]) -> None:
        """Keeps the results of an operation. Arguments of the function are not results."""
        values = [known.get(t._id) for t in op.outputs]
        arrays = [value if isinstance(value, np.ndarray) else None for value in values]
        if op.type != "Placeholder" and any(array is not None for array in arrays):
            self.results.append((op, arrays))


def _is_array(tensor: Any) -> bool:
    return tensor.dtype not in (dtypes.resource, dtypes.variant)
