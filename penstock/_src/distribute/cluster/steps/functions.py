"""Functions with variables in other tasks: operations of the same task go in one call where their order allows."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.values import resources
from penstock._src.distribute.cluster.steps.partition import partition
from penstock._src.distribute.cluster.steps.placement import (
    HERE,
    held_input,
    is_constant,
    is_resource,
)
from penstock._src.distribute.cluster.steps.program import Program, if_there
from penstock._src.distribute.cluster.steps.workers import OwnWorker, RemoteWorker, Worker
from penstock._src.distribute.cluster.tasks.handles import Handle
from penstock._src.distribute.cluster.tasks.task import Tasks
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.unused_results import operations_to_run


class PlacementByHandles:
    """Places operations with their resources; others run where the function does.

    Operations on constants and values of one task alone, with readers in that task alone, run there as well: `count.assign(count + 1)`
    is then one call, and no other call comes between the read and the assignment.

    Args:
      tasks: {id of an argument's placeholder: the task that holds the argument}.
      operations: of the function, in order.
      wanted: its outputs.
      elsewhere: the task of an operation that takes no resource.
    """

    def __init__(
        self,
        tasks: dict[int, str],
        operations: Sequence[Operation],
        wanted: Sequence[SymbolicTensor],
        elsewhere: Callable[[Operation], str] = lambda op: HERE,
    ) -> None:
        self._known, self._operations = tasks, operations  # kept, so that ids stay theirs
        self._elsewhere = elsewhere
        for op in operations:
            self.task_of(op)
        self._move(wanted)

    def task_of(self, op: Operation) -> str:
        """Returns the name of a task, or HERE."""
        if id(op) not in self._known:
            source = held_input(op)
            self._known[id(op)] = self._elsewhere(op) if source is None else self.task_of(source.op)
        return self._known[id(op)]

    def _move(self, wanted: Sequence[SymbolicTensor]) -> None:
        sources: dict[int, set[str]] = {}
        readers: dict[int, set[str]] = {id(t.op): {HERE} for t in wanted}
        for op in self._operations:
            task = self.task_of(op)
            from_inputs = [sources.get(id(t.op), {HERE}) for t in op._inputs]
            is_pure = not (op.raw_op.stateful or op.raw_op.flow.runs_functions or is_constant(op))
            sources[id(op)] = set().union(*from_inputs) if is_pure and task == HERE else {task}
            if is_constant(op):
                sources[id(op)] = set()
        for op in reversed(self._operations):
            source, reading = sources[id(op)], readers.get(id(op), set())
            if self.task_of(op) == HERE and len(reading) == 1 and source <= reading:
                self._known[id(op)] = next(iter(reading))
            for tensor in op._inputs:
                readers.setdefault(id(tensor.op), set()).add(self.task_of(op))


class FunctionOfTasks:
    """A function with arguments that certain tasks hold.

    Args:
      function: the function.
      values: its arguments, of which some are `Handle`s.
      tasks: by their names.
      elsewhere: the task of an operation that takes no resource.
    """

    def __init__(
        self,
        function: GraphFunction,
        values: Sequence[Any],
        tasks: Tasks,
        elsewhere: Callable[[Operation], str] = lambda op: HERE,
    ) -> None:
        self._tasks, self._name = tasks, uuid.uuid4().hex
        self._starts = {v.task.name: v.reference.incarnation for v in _handles(values)}
        self._workers: dict[str, Worker] = {}
        graph, inputs, wanted = function.graph, function.inputs, function.outputs
        awaited = graph.control_outputs
        needed = operations_to_run(graph, inputs, wanted, awaited)
        placed = {
            id(tensor.op): value.task.name if isinstance(value, Handle) else HERE
            for tensor, value in zip(inputs, values, strict=True)
        }
        self._placement = PlacementByHandles(placed, needed, wanted, elsewhere)
        input_ids = {t._id for t in inputs}
        computed = [t for t in wanted if t._id not in input_ids]
        parts = partition(needed, inputs, computed, awaited, self._placement)
        self._program = Program(self._worker, graph, inputs, computed, parts)
        # Which outputs are computed, and which are arguments.
        self._passed = [
            None
            if t._id not in input_ids
            else next(i for i, x in enumerate(inputs) if x._id == t._id)
            for t in wanted
        ]

    def _worker(self, task: str) -> Worker:
        if task not in self._workers:
            if task == HERE:
                worker: Worker = OwnWorker(resources.manager(), None, self._name)
            else:
                worker = RemoteWorker(
                    self._tasks[task],
                    self._name,
                    self._placement,
                    incarnation=self._starts.get(task, 0),
                    on_host=True,
                )
            self._workers[task] = worker
        return self._workers[task]

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Returns its outputs."""
        computed = iter(self._program(values))
        return [next(computed) if at is None else values[at] for at in self._passed]

    def close(self) -> None:
        """Makes the tasks forget the function."""
        for worker in self._workers.values():
            if_there(worker.close)


class FunctionsOfTasks:
    """Functions by their argument types: built at the first call.

    Args:
      tasks: by their names.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._made: dict[Any, FunctionOfTasks] = {}
        self._lock = threading.Lock()

    def run(self, function: GraphFunction, values: Sequence[Any]) -> list[Any]:
        """Returns the outputs of a function; operations on resources of another task run there."""
        graph = function.graph
        if not _handles(values) or function.why_host or graph.redirects_values:
            return function.run(values)
        key = (function.name, *(_whose(value) for value in values))
        with self._lock:
            split_function = self._made.get(key)
            if split_function is None:
                split_function = self._made[key] = FunctionOfTasks(function, values, self._tasks)
        return split_function.run(values)

    def run_placed(
        self,
        function: GraphFunction,
        values: Sequence[Any],
        task_of: Callable[[str], str],
        default: str,
    ) -> list[Any]:
        """Returns the outputs of a function; its operations run with their resources, else on their devices.

        Args:
          function: the function.
          values: its arguments.
          task_of: the task of a device.
          default: the task of operations without a device.
        """
        graph = function.graph
        if function.why_host or graph.redirects_values:
            return function.run(values)

        def elsewhere(op: Operation) -> str:
            uses_resources = op.raw_op.flow.runs_functions and any(map(is_resource, op._inputs))
            # Possibly of this process; and so are files and Python functions.
            if uses_resources or op.raw_op.permissions.capabilities:
                return HERE
            return task_of(op.device) if op.device else default

        key = (default, function.name, *(_whose(value) for value in values))
        with self._lock:
            split_function = self._made.get(key)
            if split_function is None:
                split_function = FunctionOfTasks(function, values, self._tasks, elsewhere)
                self._made[key] = split_function
        return split_function.run(values)

    def close(self) -> None:
        """Makes other tasks forget the functions."""
        with self._lock:
            functions, self._made = list(self._made.values()), {}
        for each in functions:
            each.close()


def _handles(values: Sequence[Any]) -> list[Handle]:
    return [value for value in values if isinstance(value, Handle)]


def _whose(value: Any) -> Any:
    """Return (task, incarnation) of a value's holder; None for this process."""
    if isinstance(value, Handle):
        return value.task.name, value.reference.incarnation
    return None
