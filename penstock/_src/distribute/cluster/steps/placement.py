"""Tasks in which a session's operations run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import flatten_arguments
from penstock._src.core.values.resources import ANONYMOUS
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util.device_spec import DeviceSpec

# Replaces a task's name: the process that runs the step.
HERE = ""


class Places(Protocol):
    """Tasks in which operations run."""

    def task_of(self, op: Operation) -> str:
        """Returns the name of a task."""


class Placement:
    """Places operations in tasks.

    Args:
      tasks: the names of those that may be used.
      default: of the task for operations without a device.
      is_here: whether that task is of this process.
    """

    def __init__(self, tasks: Sequence[str], default: str, is_here: bool) -> None:
        self._tasks, self._default, self._is_here = sorted(tasks), default, is_here
        self._specs = {name: DeviceSpec.from_string(name) for name in self._tasks}
        self._known: dict[int, tuple[Operation, str]] = {}
        self._of_device: dict[str, str | None] = {}

    def task_of(self, op: Operation) -> str:
        """Returns the name of a task, or HERE.

        Raises:
          InvalidArgumentError: the operation's device is of no task.
        """
        known = self._known.get(id(op))
        if known is None:
            known = self._known[id(op)] = op, self._place(op)
        return known[1]

    def _place(self, op: Operation) -> str:
        source = held_input(op)
        if source is not None:
            return self.task_of(source.op)
        named = self._named(op)
        if named is not None:
            return named
        for group in op.colocation:
            other = op.graph._by_name.get(group.decode().removeprefix("loc:@"))
            if other is not None and other is not op:
                return self.task_of(other)
        # Files are those of the session's process, and so are Python's functions.
        if op.raw_op.permissions.capabilities and not self._is_here:
            return HERE
        return self._default

    def _named(self, op: Operation) -> str | None:
        """The task that the device of an operation names; None if it names none."""
        if op.device not in self._of_device:
            self._of_device[op.device] = self._matching(op)
        return self._of_device[op.device]

    def _matching(self, op: Operation) -> str | None:
        wanted = DeviceSpec.from_string(op.device or "")
        if wanted.job is None and wanted.replica is None and wanted.task is None:
            return None
        matching = [name for name in self._tasks if fits(wanted, self._specs[name])]
        if not matching:
            known = ", ".join(f"{name}/device:CPU:0" for name in self._tasks)
            raise InvalidArgumentError(
                None,
                op,
                f"Cannot assign a device for operation {op.name}: {{{{node {op.name}}}}} was explicitly assigned to {op.device} "
                f"but available devices are [ {known} ]. Make sure the device specification refers to a valid device.",
            )
        return self._default if self._default in matching else matching[0]


def fits(wanted: DeviceSpec, task: DeviceSpec) -> bool:
    """True if a device belongs to a task, as far as the device's name is given."""
    return all(
        asked is None or asked == present
        for asked, present in (
            (wanted.job, task.job),
            (wanted.replica, task.replica),
            (wanted.task, task.task),
        )
    )


def passes_filters(name: str, filters: Sequence[str] | None) -> bool:
    """True if device filters name a task, or there are no filters."""
    task = DeviceSpec.from_string(name)
    return not filters or any(fits(DeviceSpec.from_string(each), task) for each in filters)


def held_input(op: Operation) -> SymbolicTensor | None:
    """An input that an operation can only take where it is: a resource, but for functions, or else a variant.

    Functions take resources of any task: what in them uses these runs there.
    """
    variant = None
    for tensor in op._inputs:
        if is_resource(tensor) and not op.raw_op.flow.runs_functions:
            return tensor
        if tensor.dtype is dtypes.variant:
            variant = variant or tensor
    return variant


def is_resource(tensor: SymbolicTensor) -> bool:
    """True if a tensor is a resource handle, or a reference of TensorFlow 1."""
    if tensor.dtype is dtypes.resource:
        return True
    raw = tensor.op.raw_op
    if not raw.traits.has_refs:
        return False
    are_references = [
        argument.is_ref
        for argument, dtype in zip(raw.outputs, raw.output_dtypes, strict=True)
        for _ in flatten_arguments([dtype])
    ]
    return are_references[tensor.value_index]


def finds_by_name(op: Operation) -> bool:
    """True if an operation finds the same resource wherever it runs in its task. Then each part of a step can have its own copy."""
    if op._inputs or not op.outputs or not all(map(is_resource, op.outputs)):
        return False
    return op.raw_op.attrs.get("shared_name", ANONYMOUS) != ANONYMOUS


def is_constant(op: Operation) -> bool:
    """True if an operation gives the same value wherever it runs. Then each part of a step can have its own copy."""
    return not op._inputs and not op.raw_op.stateful and not op.raw_op.traits.has_refs
