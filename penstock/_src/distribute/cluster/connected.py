"""The cluster that this process is connected to: operations that `tf.device` places in a task run there.

Variables are created in the task, and ops on them run where they are (`tasks/handles.py`). Other ops run in the task if they are stateless,
and so do functions called there; their results come back to this process. Ops that read files, call Python, draw random numbers or create
other resources run here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.config import devices
from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.binding import bind
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op, group_arguments
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.resources import Resource, made_by
from penstock._src.distribute.cluster.steps.functions import FunctionsOfTasks
from penstock._src.distribute.cluster.steps.placement import HERE, fits
from penstock._src.distribute.cluster.tasks.functions import run_function
from penstock._src.distribute.cluster.tasks.handles import Handle, Maker, run_op
from penstock._src.distribute.cluster.tasks.task import Tasks, connect_all
from penstock._src.eager.execute import arrange, wrap
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.library import GraphFunction
from penstock._src.util import slots
from penstock._src.util.device_spec import DeviceSpec


class TaskTensor(EagerTensor):
    """A tensor that a task has computed.

    Args:
      value: its value, which is in this process as well.
      dtype: of the tensor.
      task: the name of the task.
    """

    __slots__ = ("_task",)

    def __init__(self, value: Any, dtype: DType, task: str) -> None:
        super().__init__(value, dtype)
        self._task = task

    @property
    def device(self) -> str:
        """The device that has computed the value."""
        return f"{self._task}/device:CPU:0"

    backing_device = device


class Connection:
    """The tasks of a cluster.

    Args:
      addresses: of the tasks, by their names.
      own: the name of this process's task.
    """

    def __init__(self, addresses: dict[str, str], own: str) -> None:
        self.own = own
        self.tasks = Tasks(addresses)
        self.names = sorted(name for name in addresses if name != own)
        self._specs = {name: DeviceSpec.from_string(name) for name in [own, *self.names]}
        self._known: dict[str, str] = {}
        self._functions = FunctionsOfTasks(self.tasks)
        # True if operations of a function name tasks, by the function's name.
        self._names_tasks: dict[str, bool] = {}

    def connect(self) -> None:
        """Waits until all tasks answer.

        Raises:
          DeadlineExceededError: some do not.
        """
        connect_all(
            [self.tasks[name] for name in self.names], "tf.config.experimental_connect_to_cluster"
        )

    def task_of(self, device: str | None) -> str:
        """The task that a device is of; HERE if that is this process, or the device names none.

        Raises:
          InvalidArgumentError: the cluster has no such task.
        """
        if not device:
            return HERE
        task = self._known.get(device)
        if task is None:
            task = self._known[device] = self._find(device)
        return task

    def _find(self, device: str) -> str:
        wanted = DeviceSpec.from_string(device)
        if wanted.job is wanted.replica is wanted.task is None:
            return HERE
        matching = [name for name, spec in self._specs.items() if fits(wanted, spec)]
        if not matching:
            known = ", ".join(f"{name}/device:CPU:0" for name in self._specs)
            raise InvalidArgumentError(f"{device} unknown device. The cluster has {known}.")
        return HERE if self.own in matching else matching[0]

    # -- ops

    def run_op(self, op: Op, tensors: Sequence[Tensor], name: str) -> list[EagerTensor] | None:
        """Runs an op in a task; None if it is to run as usual, where the resources are that it takes."""
        values = [tensor._value for tensor in tensors]  # type: ignore[attr-defined]
        types = {*(t.dtype for t in tensors), *_flat(op.output_dtypes)}
        if (
            op.stateful
            or op.flow.runs_functions
            or op.permissions.capabilities
            or types & {dtypes.variant, dtypes.resource}
        ):
            return None
        result = run_op(self.tasks[name], op, group_arguments(op.inputs, op, values))
        return [TaskTensor(output._value, output.dtype, name) for output in wrap(op, result)]

    # -- functions

    def run_function(
        self, function: GraphFunction, tensors: Sequence[Any], name: str
    ) -> list[Any] | None:
        """Return the outputs of a function if some of its operations run in tasks; None if none do."""
        if name == HERE and not self._in_tasks(function):
            return None
        values = [tensor._value for tensor in tensors]
        resources = [value for value in values if isinstance(value, Resource)]
        is_whole = name != HERE and not self._in_tasks(function)
        if is_whole and all(_is_known_to(name, resource) for resource in resources):
            outputs = run_function(self.tasks[name], function, values)
        else:
            outputs = self._functions.run_placed(function, values, self.task_of, name)
        pairs = zip(outputs, function.output_types, strict=True)
        return [
            EagerTensor(value, dtype)
            if name == HERE or isinstance(value, Resource)
            else TaskTensor(_array(value, dtype), dtype, name)
            for value, dtype in pairs
        ]

    def _in_tasks(self, function: GraphFunction) -> bool:
        if function.name not in self._names_tasks:
            placed = {self.task_of(op.device) for op in function.graph._operations if op.device}
            self._names_tasks[function.name] = placed - {HERE} != set()
        return self._names_tasks[function.name]


def _is_known_to(name: str, resource: Resource) -> bool:
    """True if a task can reach a resource: its own, or one shared in the cluster by name."""
    if not isinstance(resource, Handle):
        return False
    return resource.task.name in (name, resource.task.own_name)


def _array(value: Any, dtype: DType) -> Any:
    return np.asarray(value, dtype.np) if dtype.is_numpy_compatible else value


def _flat(types: Sequence[Any]) -> list[DType]:
    return [t for each in types for t in (each if isinstance(each, tuple) else (each,))]


# The connection, if there is one, and the content of the slots before this file's functions.
_CONNECTIONS: list[Connection] = []
_PLAIN: list[Any] = []


def use(connection: Connection) -> None:
    """Run ops and functions in the tasks of a cluster, which replaces the previous one."""
    disconnect()
    _CONNECTIONS.append(connection)
    if not _PLAIN:
        _PLAIN.extend((slots.RUN_EAGERLY, slots.RUN_FUNCTION))
        slots.RUN_EAGERLY, slots.RUN_FUNCTION = _run_op, _run_function
        dispatch.OBSERVED.append(_run_op)
    devices.OF_TASKS[:] = [f"{name}/device:CPU:0" for name in connection.names]


def disconnect() -> None:
    """Run everything in this process again. Where others have wrapped this file's functions, these stay, and pass calls on."""
    if _CONNECTIONS:
        _CONNECTIONS.clear()
        devices.OF_TASKS.clear()
    if _PLAIN and (slots.RUN_EAGERLY, slots.RUN_FUNCTION) == (_run_op, _run_function):
        slots.RUN_EAGERLY, slots.RUN_FUNCTION = _PLAIN
        _PLAIN.clear()
        dispatch.OBSERVED.remove(_run_op)


def _run_op(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Runs an op in the task that the current device names. See `util.slots.RUN_EAGERLY`."""
    if not _CONNECTIONS:
        return _PLAIN[0](cls, inputs, attrs)
    (connection,) = _CONNECTIONS
    name = connection.task_of(STATE.device)
    if name == HERE or cls.traits.has_refs:
        return _PLAIN[0](cls, inputs, attrs)
    tensors, op = bind(cls, inputs, attrs, False)
    is_here = all(isinstance(tensor, EagerTensor) for tensor in tensors)
    outputs = connection.run_op(op, tensors, name) if is_here else None
    if outputs is None:
        with made_by(Maker(connection.tasks[name])):
            return _PLAIN[0](cls, inputs, attrs)
    if STATE.tapes or STATE.accumulators:
        dispatch.record(op, tensors, outputs)
    return arrange(op, outputs)


def _run_function(function: GraphFunction, tensors: Sequence[Any]) -> list[Any] | None:
    """Runs a graph function where its operations, or the current device, are placed; None if it is to be run as usual."""
    connection = _CONNECTIONS[0] if _CONNECTIONS else None
    if connection is not None and all(isinstance(tensor, EagerTensor) for tensor in tensors):
        results = connection.run_function(function, tensors, connection.task_of(STATE.device))
        if results is not None:
            return results
    return None if _PLAIN[1] is None else _PLAIN[1](function, tensors)
