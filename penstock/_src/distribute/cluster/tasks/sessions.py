"""Service of a task for sessions of other processes: it holds their nodes and runs parts of their graphs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.cluster.rpc.server import when_caller_is_gone
from penstock._src.core import dtypes
from penstock._src.core.calls.consent import Consent
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.errors import (
    AbortedError,
    CancelledError,
    InvalidArgumentError,
    NotFoundError,
)
from penstock._src.core.values.resources import Resource, ResourceManager
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.parts import Part, Steps
from penstock._src.distribute.cluster.tasks.values import decode, encode_all
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize import attributes
from penstock._src.graph.serialize.importer import Library, NodeImporter, graph_input

# A session of another process that was unused for this many seconds is forgotten.
FORGET_SECONDS = 86_400.0
_BAD_MESSAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError)


class HostedSession:
    """A session of another process: its nodes that are placed in this task, and parts of them.

    Args:
      manager: of its resources.
      consent: what its graph may do besides computing.
      why_host: if given, kernels run one by one, for this reason.
    """

    def __init__(self, manager: ResourceManager, consent: Consent, why_host: str = "") -> None:
        self.manager, self.steps, self._why_host = manager, Steps(), why_host
        self.graph = Graph()
        self._consent = consent
        self._functions: dict[str, GraphFunction] = {}
        self._nodes = NodeImporter(self.graph, Library(consent=consent), graph_input)
        self._parts: dict[int, Part] = {}
        self._lock = threading.Lock()
        self.used = time.monotonic()

    def extend(self, definition: Any, parts: Iterable[Any]) -> None:
        """Adds nodes and parts.

        Raises:
          InvalidArgumentError: they are not well formed.
        """
        with self._lock:
            try:
                self._add_nodes(definition)
                for message in parts:
                    self._parts[message.number] = self._part(message)
            except _BAD_MESSAGE as error:
                raise InvalidArgumentError(f"The graph cannot be imported: {error}") from error

    def _add_nodes(self, definition: Any) -> None:
        library = Library(definition.library, self._functions, consent=self._consent)
        self._nodes.library = library
        with building_unrecorded(self.graph):
            self._nodes.add_all(definition.node)
        self._functions.update(library.functions)
        for node in definition.node:
            operation = self._nodes.operations[node.name]
            operation.location = None  # no line of this process has made it
            _note_held(operation, node)
        for function in library.functions.values():
            for op in function.graph._operations:
                op.location = None

    def _part(self, message: Any) -> Part:
        operations, tensor = self._nodes.operations, self._nodes.tensor
        return Part(
            self.graph,
            [operations[name] for name in message.operations],
            [tensor(name) for name in message.given],
            [tensor(name) for name in message.taken],
            [tensor(name) for name in message.returned],
            [tensor(name) for name in message.left],
            [operations[name] for name in message.awaited],
            self._why_host,
        )

    def part(self, number: int) -> Part:
        """Returns a part."""
        if number not in self._parts:
            raise NotFoundError(f"The session has no part {number}.")
        return self._parts[number]


def _note_held(operation: Any, node: Any) -> None:
    """Records the type of a resource of another task."""
    if "_handle_dtypes" in node.attr:
        types = node.attr["_handle_dtypes"].list.type
        shapes = node.attr["_handle_shapes"].list.shape
        operation.outputs[0]._handle_data = [
            (attributes.shape_from_proto(shape), dtypes.as_dtype(dtype))
            for dtype, shape in zip(types, shapes, strict=True)
        ]


class SessionHost:
    """The sessions of other processes in a task.

    Args:
      name: of the task.
      manager: of the resources that they share.
      consent: what their graphs may do besides computing.
      reference: gives the message of a resource for a caller and a session.
      resource: gives the resource that a message names.
      alone: a block in which no other call uses the variables of some messages.
      free: forgets the resources of such messages of a session.
    """

    def __init__(
        self,
        name: str,
        manager: ResourceManager,
        consent: Consent,
        reference: Callable[[Resource, str, str], Any],
        resource: Callable[[Any], Resource],
        alone: Callable[[list[Any]], contextlib.AbstractContextManager[Any]],
        free: Callable[[str], None],
    ) -> None:
        self._name, self._manager, self._consent = name, manager, consent
        self._reference, self._resource, self._free = reference, resource, free
        self._alone = alone
        self._sessions: dict[str, HostedSession] = {}
        self._lock = threading.Lock()

    def extend(self, request: Any, caller: Any) -> Any:
        """Adds nodes and parts to a session, which is made by the first call."""
        del caller
        with self._lock:
            self._forget_old()
            session = self._sessions.get(request.session)
            if session is None:
                if not request.begins:
                    raise self._unknown(request.session)
                own = ResourceManager(keep=True) if request.is_isolated else self._manager
                why = "variables of other tasks' functions" if request.on_host else ""
                session = HostedSession(own, self._consent, why)
                self._sessions[request.session] = session
        session.extend(request.graph, request.parts)
        return messages.Reply()

    def run_part(self, request: Any, caller: Any) -> Any:
        """Runs a part of a step, which ends if the caller's connection does."""
        del caller
        session = self._session(request.session)
        for step in request.ended_steps:
            session.steps.end(step)
        part = session.part(request.part)
        values = [decode(value, self._resource) for value in request.inputs]
        cancellation = session.steps.begin(request.step)
        when_caller_is_gone(
            lambda: cancellation.cancel(AbortedError("The connection to the session was lost."))
        )
        own = [v.resource for v in request.inputs if v.resource.task == self._name]
        try:
            with self._alone(own):
                results = part.run(
                    session.manager,
                    session.steps,
                    request.step,
                    values,
                    cancellation,
                    request.milliseconds,
                )
        finally:
            session.steps.done(request.step, cancellation)
        reply = messages.Reply()
        name = request.caller.name
        encode_all(reply.outputs, results, lambda r: self._reference(r, name, request.session))
        return reply

    def cancel(self, request: Any, caller: Any) -> Any:
        """Ends the parts of a step that run."""
        del caller
        session = self._sessions.get(request.session)
        if session is not None:
            session.steps.cancel(request.step, CancelledError("Step was cancelled."))
        return messages.Reply()

    def close(self, request: Any, caller: Any) -> Any:
        """Ends a session, and its running parts."""
        del caller
        with self._lock:
            session = self._sessions.pop(request.session, None)
        if session is not None:
            session.steps.cancel(0, CancelledError("Session has been closed."))
            self._free(request.session)
        return messages.Reply()

    def reset(self, request: Any, caller: Any) -> Any:
        """Frees the resources of containers, and ends all sessions."""
        del caller
        self.clear(list(request.containers))
        return messages.Reply()

    def clear(self, containers: list[str]) -> None:
        """Frees the resources of containers, and ends all sessions."""
        with self._lock:
            ended, self._sessions = self._sessions, {}
        for name, session in ended.items():
            session.steps.cancel(0, CancelledError("Session has been reset."))
            self._free(name)
        self._manager.clear(containers or [""])

    def _session(self, name: str) -> HostedSession:
        session = self._sessions.get(name)
        if session is None:
            raise self._unknown(name)
        session.used = time.monotonic()
        return session

    def _unknown(self, session: str) -> AbortedError:
        return AbortedError(
            f"{self._name} has no session {session}: the task was started again, or the session was reset or closed."
        )

    def _forget_old(self) -> None:
        now = time.monotonic()
        for name in [n for n, s in self._sessions.items() if now - s.used > FORGET_SECONDS]:
            del self._sessions[name]
            self._free(name)
