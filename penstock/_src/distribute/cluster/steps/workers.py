"""The tasks in which parts of a session run: of this process, or of others."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from penstock._src.core import dtypes
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import CancelledError, UnimplementedError
from penstock._src.core.registry import lookup
from penstock._src.core.values.resources import Resource, ResourceManager
from penstock._src.distribute.cluster.steps.partition import PartOfRun
from penstock._src.distribute.cluster.steps.placement import Places, is_constant
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.handles import Handle, handle, sent
from penstock._src.distribute.cluster.tasks.parts import Part, Steps
from penstock._src.distribute.cluster.tasks.task import Task, Tasks
from penstock._src.distribute.cluster.tasks.values import decode, encode_all
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.serialize import attributes
from penstock._src.graph.serialize.exporter import part_def
from penstock._src.proto.graph import NodeDef


class OwnTask(Protocol):
    """A task of this process: `tasks/service.py`."""

    name: str
    tasks: Tasks

    def resource(self, reference: Any) -> Resource:
        """Returns the resource that a message names."""

    def reference(self, resource: Resource, caller: str, session: str = "") -> Any:
        """Returns the message of a resource."""

    def free_of_session(self, session: str) -> None:
        """Forgets the resources that others know by handles of a session."""


class Worker(Protocol):
    """A task, or this process, for one session."""

    def load(self, graph: Graph, part: PartOfRun) -> Any:
        """Returns the form of a part that `run` takes."""

    def run(self, loaded: Any, step: int, values: Sequence[Any]) -> list[Any]:
        """Returns the outputs of a part for its inputs."""

    def end_step(self, step: int) -> None:
        """Frees the values that a step has left."""

    def cancel(self, step: int) -> None:
        """Ends the running parts of a step."""

    def close(self) -> None:
        """Ends the session."""


class OwnWorker:
    """A task of this process: parts run on the session's own graph.

    Args:
      manager: of the task's resources.
      service: the task; None for the operations that only this process can run.
      session: the name of the session.
    """

    def __init__(self, manager: ResourceManager, service: OwnTask | None, session: str) -> None:
        self._manager, self._service, self._session = manager, service, session
        self._steps = Steps()

    def load(self, graph: Graph, part: PartOfRun) -> Part:
        """Returns a part that is ready to run."""
        return Part(
            graph,
            list(part.operations),
            list(part.given),
            list(part.taken),
            list(part.returned),
            list(part.left),
            list(part.awaited),
        )

    def run(self, loaded: Part, step: int, values: Sequence[Any]) -> list[Any]:
        """Returns the outputs of a part."""
        cancellation = self._steps.begin(step)
        own = [self._own(value) if isinstance(value, Handle) else value for value in values]
        try:
            results = loaded.run(self._manager, self._steps, step, own, cancellation)
        finally:
            self._steps.done(step, cancellation)
        return [self._given(r) if isinstance(r, Resource) else r for r in results]

    def _own(self, value: Handle) -> Resource:
        """The resource itself, if it is of this task."""
        service = self._service
        if service is None or value.task.name != service.name:
            return value
        return service.resource(value.reference)

    def _given(self, value: Resource) -> Resource:
        """The handle by which other tasks refer to a resource of this one."""
        service = self._service
        if service is None or isinstance(value, Handle):
            return value
        return handle(service.tasks, service.reference(value, service.tasks.caller, self._session))

    def end_step(self, step: int) -> None:
        """Frees the values that a step has left."""
        self._steps.end(step)

    def cancel(self, step: int) -> None:
        """Ends the running parts of a step."""
        self._steps.cancel(step, CancelledError("Step was cancelled."))

    def close(self) -> None:
        """Ends the running parts, and forgets the resources that other tasks know by handles of the session."""
        self._steps.cancel(0, CancelledError("Session has been closed."))
        if self._service is not None:
            self._service.free_of_session(self._session)


class _Numbered:
    """A part that another task refers to by a number."""

    def __init__(self, number: int) -> None:
        self.number = number


class RemoteWorker:
    """A task of another process, to which nodes and parts are sent once.

    Args:
      task: the task.
      session: the name of the session.
      placement: of its operations.
      is_isolated: whether the session has resources of its own.
      incarnation: which start of the task is meant; by default the one that was connected.
      on_host: whether kernels run one by one in the task, and nothing is compiled.
    """

    def __init__(
        self,
        task: Task,
        session: str,
        placement: Places,
        is_isolated: bool = False,
        incarnation: int = 0,
        on_host: bool = False,
    ) -> None:
        self._task, self._session, self._placement = task, session, placement
        self._is_isolated, self._on_host, self._begun = is_isolated, on_host, False
        self._incarnation = incarnation or task.incarnation
        self._sent: set[str] = set()
        self._numbers = itertools.count(1)
        self._ended: list[int] = []
        self._lock = threading.Lock()

    # -- nodes and parts

    def load(self, graph: Graph, part: PartOfRun) -> _Numbered:
        """Sends the pieces of a part that the task lacks."""
        del graph
        with self._lock:
            number = next(self._numbers)
            request = messages.ExtendRequest(
                session=self._session,
                begins=not self._begun,
                is_isolated=self._is_isolated,
                on_host=self._on_host,
            )
            received: dict[str, SymbolicTensor] = {}
            fresh = self._not_sent(part)
            nodes = part_def(fresh, lambda t: self._received(t, received), self._sent)
            request.graph.CopyFrom(nodes)
            for tensor in part.given:
                self._received(tensor, received)
            request.graph.node.extend(
                _placeholder(name, tensor)
                for name, tensor in received.items()
                if name not in self._sent
            )
            request.parts.add(
                number=number,
                operations=[op.name for op in part.operations],
                given=[self._name(t) for t in part.given],
                taken=[t.name for t in part.taken],
                returned=[t.name for t in part.returned],
                left=[t.name for t in part.left],
                awaited=[op.name for op in part.awaited],
            )
            self._task.call("Extend", request, incarnation=self._incarnation)
            self._begun = True
            self._sent.update(op.name for op in fresh)
            self._sent.update(received)
            return _Numbered(number)

    def _is_own(self, op: Operation) -> bool:
        """True if an operation is among this task's nodes."""
        return is_constant(op) or self._placement.task_of(op) == self._task.name

    def _not_sent(self, part: PartOfRun) -> list[Operation]:
        """The operations of a part, and those of the task that they read, that the task does not have; each after its inputs."""
        unsent: dict[int, Operation] = {}
        pending = [*part.operations, *(t.op for t in part.given if self._is_own(t.op))]
        while pending:
            op = pending.pop()
            if id(op) in unsent or op.name in self._sent:
                continue
            if op.raw_op.flow.redirects:
                raise UnimplementedError(
                    f"A graph with Switch and Merge nodes ({op.name}, ...) cannot run in another process."
                )
            unsent[id(op)] = op
            pending += [t.op for t in op._inputs if self._is_own(t.op)]
        return sorted(unsent.values(), key=lambda op: op.position)

    def _name(self, tensor: SymbolicTensor) -> str:
        """Return a tensor's name in the task."""
        if self._is_own(tensor.op):
            return tensor.name
        return f".received/{tensor.op.name}/{tensor.value_index}:0"

    def _received(self, tensor: SymbolicTensor, received: dict[str, SymbolicTensor]) -> str | None:
        """Return the name of the placeholder for another task's tensor, and note it; None for a tensor of this task."""
        if self._is_own(tensor.op):
            return None
        name = self._name(tensor).removesuffix(":0")
        received[name] = tensor
        return name

    # -- steps

    def run(self, loaded: _Numbered, step: int, values: Sequence[Any]) -> list[Any]:
        """Returns the outputs of a part."""
        request = messages.PartRequest(
            session=self._session,
            step=step,
            part=loaded.number,
            milliseconds=deadlines.milliseconds_left(),
        )
        ended, self._ended = self._ended, []
        request.ended_steps.extend(ended)
        encode_all(request.inputs, values, lambda resource: _reference(resource, self._task))
        reply = self._task.call("RunPart", request, incarnation=self._incarnation)
        return [decode(v, lambda ref: handle(self._task.tasks, ref)) for v in reply.outputs]

    def end_step(self, step: int) -> None:
        """Makes the next call free the values of a step."""
        self._ended.append(step)

    def cancel(self, step: int) -> None:
        """Ends the running parts of a step."""
        self._tell("Cancel", step)

    def close(self) -> None:
        """Ends the session in the task."""
        if self._begun:
            self._tell("Close", 0)

    def _tell(self, method: str, step: int) -> None:
        request = messages.StepRequest(session=self._session, step=step)
        self._task.call(method, request, incarnation=self._incarnation)


def _reference(resource: Resource, task: Task) -> Any:
    if not isinstance(resource, Handle):
        raise UnimplementedError(
            f"{resource!r} of the session's process cannot be used in {task.name}."
        )
    return sent(resource)


def _placeholder(name: str, tensor: SymbolicTensor) -> Any:
    """The node of a tensor that comes from elsewhere."""
    node = NodeDef(name=name, op="Placeholder")
    dtype = tensor.dtype.base_dtype
    node.attr["dtype"].type = dtype.as_datatype_enum
    node.attr["shape"].shape.CopyFrom(attributes.shape_to_proto(tensor.shape))
    if dtype is dtypes.resource and tensor._handle_data:
        for shape, handle_dtype in tensor._handle_data:
            node.attr["_handle_dtypes"].list.type.append(handle_dtype.as_datatype_enum)
            node.attr["_handle_shapes"].list.shape.add().CopyFrom(attributes.shape_to_proto(shape))
    return node


def read(handle: Handle) -> Any:
    """Returns the value of a variable of another task."""
    kind = lookup("ReadVariableOp")
    assert kind is not None
    return handle.run(kind.instance({"dtype": handle.dtype}), [handle])
