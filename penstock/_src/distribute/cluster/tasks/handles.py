"""Handle: a resource that another task holds."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op, flatten_arguments, group_arguments
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import RemoteResource, Resource
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.task import Task, Tasks
from penstock._src.distribute.cluster.tasks.values import decode, encode_all
from penstock._src.graph.serialize import attributes


class Handle(RemoteResource):
    """A resource of another task, which frees it once the object is gone that was made first of a new one.

    Args:
      task: that holds it.
      reference: its message.
    """

    def __init__(self, task: Task, reference: Any) -> None:
        super().__init__(reference.name)
        self.task, self.reference = task, reference
        self.dtype = dtypes.as_dtype(reference.dtype) if reference.dtype else None
        self.shape: TensorShape = attributes.shape_from_proto(reference.shape)
        self.device = f"{task.name}/device:CPU:0"
        if reference.is_new:
            released = weakref.finalize(self, _release, task, reference)
            released.atexit = False

    def run(self, op: Op, values: Sequence[Any]) -> Any:
        """Runs the kernel of an op in the task."""
        return run_op(self.task, op, values, self.reference.incarnation)

    def __repr__(self) -> str:
        return f"<Handle {self.name!r} of {self.task.name}>"


def handle_from(task: Task, reference: Any) -> Handle:
    """Returns the resource that a reference in a reply of a task names: one of its own, or another's."""
    if reference.task == task.own_name:
        return Handle(task, reference)
    return handle(task.tasks, reference)


def handle(tasks: Tasks, reference: Any) -> Handle:
    """Returns the resource that a reference names.

    Raises:
      InvalidArgumentError: the cluster has no such task, and the reference does not say where it is.
    """
    if reference.address:
        tasks.learn(reference.task, reference.address)
    if reference.task not in tasks.addresses:
        raise InvalidArgumentError(f"The cluster has no task {reference.task!r}.")
    return Handle(tasks[reference.task], reference)


def _release(task: Task, reference: Any) -> None:
    task.released.append(reference.id)


class Maker:
    """Makes variables in a task: see `resources.made_by`."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def run(self, op: Op, values: Sequence[Any]) -> Any:
        """Runs an op that makes a resource."""
        return run_op(self.task, op, values)


def run_op(task: Task, op: Op, values: Sequence[Any], incarnation: int = 0) -> Any:
    """Returns the result of an op's kernel in a task, or in a specific start of it.

    Raises:
      InvalidArgumentError: a resource among the values is another task's.
    """
    request = messages.OpRequest()
    request.node.op = op.op_type
    request.node.name = op.op_type
    cls = type(op)
    for name, value in op.attrs.items():
        if value is not None:
            request.node.attr[name].CopyFrom(attributes.encode(cls, name, value, _no_function))
    taken = list(values[: len(op.inputs)])  # a kernel that takes its operation's name has one more
    encode_all(
        request.inputs, flatten_arguments(taken), lambda resource: reference_in(resource, task)
    )
    reply = task.call("RunOp", request, op.effects.reads_only, incarnation)
    return _as_kernels_give(
        op, [decode(v, lambda ref: handle_from(task, ref)) for v in reply.outputs]
    )


def _as_kernels_give(op: Op, flat: list[Any]) -> Any:
    """The outputs in the form in which the op's kernel returns them."""
    if not op.outputs:
        return None
    grouped = group_arguments(op.outputs, op, flat)
    return grouped[0] if len(grouped) == 1 else tuple(grouped)


def reference_in(resource: Resource, task: Task) -> Any:
    """Returns the reference to a resource, for a call that runs an op in a task.

    Raises:
      InvalidArgumentError: another process has it.
    """
    if not isinstance(resource, Handle):
        raise InvalidArgumentError(
            f"{resource!r} is of this process, and cannot be used by an op that runs in {task.name}."
        )
    if resource.task is not task and resource.task.name != task.name:
        raise InvalidArgumentError(
            f"{resource!r} cannot be used by an op that runs in {task.name}: all resources of an op must be in one task."
        )
    return sent(resource)


def sent(handle: Handle) -> Any:
    """Returns the reference of a resource for another process, which does not own it."""
    reference = messages.Resource()
    reference.CopyFrom(handle.reference)
    reference.is_new = False
    return reference


def _no_function(function: Any) -> str:
    raise UnimplementedError(
        "An op that has functions as attributes cannot be run in another task."
    )


def dtype_and_shape(resource: Any) -> tuple[int, Any]:
    """The type of a resource's content, if it is a variable: the number of its dtype, and its shape's message."""
    dtype = getattr(resource, "dtype", None)
    if not isinstance(dtype, dtypes.DType):
        return 0, attributes.shape_to_proto(TensorShape(None))
    return int(np.int32(dtype.as_datatype_enum)), attributes.shape_to_proto(
        TensorShape(getattr(resource, "shape", None))
    )
