"""Task: a task of a cluster as another process sees it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.cluster.rpc.channel import RETRY_SECONDS, Channel
from penstock._src.core.errors import (
    CLASS_OF_CODE,
    DeadlineExceededError,
    InternalError,
    ResourceExhaustedError,
    UnavailableError,
)
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.resolvers.spec import ClusterSpec

LOG = logging.getLogger("tensorflow")
# Seconds that a process waits for all tasks of its cluster, and after which it names the missing ones.
CONNECT_SECONDS = 600.0
_LOOK_SECONDS = 5.0
# Errors of Python that a task raises as they are.
_PYTHON_ERRORS = {
    kind.__name__: kind
    for kind in (ValueError, TypeError, KeyError, IndexError, NotImplementedError, OverflowError)
}


def task_name(job: str, index: int) -> str:
    """Returns the prefix of a task's device names."""
    return f"/job:{job}/replica:0/task:{index}"


def addresses_of(cluster: ClusterSpec) -> dict[str, str]:
    """Returns the addresses of all tasks by their names."""
    return {
        task_name(job, index): cluster.task_address(job, index)
        for job in cluster.jobs
        for index in cluster.task_indices(job)
    }


class TaskLostError(UnavailableError):
    """A task does not answer, or was restarted and has lost its resources.

    Args:
      task: its name.
      message: what happened.
    """

    def __init__(self, task: str, message: str) -> None:
        super().__init__(None, None, message)
        self.task = task


class _Numbers:
    """Numbers of calls, and which of them are not answered yet."""

    def __init__(self) -> None:
        self._next, self._open = itertools.count(1), set[int]()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[tuple[int, int]]:
        """Yield a new number, and the least unanswered one."""
        with self._lock:
            number = next(self._next)
            self._open.add(number)
            least = min(self._open)
        try:
            yield number, least
        finally:
            with self._lock:
                self._open.remove(number)


class Task:
    """A task that holds resources and runs functions.

    Args:
      name: "/job:<job>/replica:0/task:<index>".
      address: host and port.
      tasks: all of its cluster.
    """

    def __init__(self, name: str, address: str, tasks: Tasks) -> None:
        self.name, self.address, self.tasks = name, address, tasks
        self._channel = Channel(address, messages.SERVICE, name)
        self._numbers, self._lock = _Numbers(), threading.Lock()
        self._incarnation = 0
        # Its own name: a server that is alone in its cluster has a name that others do not know.
        self.own_name = name
        # Ids of resources that this process no longer needs.
        self.released: list[int] = []
        # Names of the functions that it has.
        self.functions: set[str] = set()

    # -- which start of it

    @property
    def incarnation(self) -> int:
        """The number of its present start, queried at first use.

        Raises:
          TaskLostError: it does not answer.
        """
        with self._lock:
            if not self._incarnation:
                self._incarnation = self._hello(RETRY_SECONDS)
            return self._incarnation

    def connect(self, seconds: float) -> None:
        """Connect to the task's current process. Resources of an earlier one are lost.

        Args:
          seconds: how long to wait for an answer.

        Raises:
          TaskLostError: it does not answer.
        """
        incarnation = self._hello(seconds)
        with self._lock:
            if incarnation != self._incarnation:
                self._incarnation = incarnation
                self.functions.clear()
                self.released.clear()

    def is_alive(self) -> bool:
        """True if the task answers and its process is still the one that was connected."""
        try:
            return self._hello(0.0) == self.incarnation
        except TaskLostError:
            return False

    def _hello(self, seconds: float) -> int:
        request = messages.HelloRequest(task=self.name)
        request.caller.name = self.tasks.caller
        reply = self._send("Hello", request, messages.HelloReply, seconds, timeout=seconds + 5)
        self.own_name = reply.task or self.name
        return int(reply.incarnation)

    # -- calls

    def call(
        self, method: str, request: Any, only_reads: bool = False, incarnation: int = 0
    ) -> Any:
        """Return the reply to a request. The caller is filled in here, and the request is carried out once.

        Args:
          method: of the service.
          request: its message.
          only_reads: whether doing it twice is as good.
          incarnation: which start of the task is meant; by default the one that was connected.

        Raises:
          TaskLostError: this task, or another one that it needs, does not answer.
          OpError, ValueError, TypeError: as the task raised it.
        """
        caller = request.caller
        caller.name, caller.incarnation = self.tasks.caller, incarnation or self.incarnation
        gone, self.released = self.released, []
        caller.released.extend(gone)
        with self._numbers.one() as (number, least):
            caller.number, caller.answered_below = (0 if only_reads else number), least
            reply = self._send(method, request, messages.Reply, RETRY_SECONDS)
        if reply.error_code:
            raise _error_in(reply)
        return reply

    def _send(
        self, method: str, request: Any, kind: Any, seconds: float, timeout: float | None = None
    ) -> Any:
        try:
            data = request.SerializeToString()
        except (DecodeError, ValueError) as error:
            raise ResourceExhaustedError(
                f"{self.name}: the values of one call do not fit into a message: {error}"
            ) from error
        try:
            return kind.FromString(self._channel.call(method, data, timeout, seconds))
        except (UnavailableError, DeadlineExceededError) as error:
            raise TaskLostError(self.name, f"{error.message}") from error
        except DecodeError as error:
            raise InternalError(
                f"{self.name} at {self.address}: malformed reply: {error}"
            ) from error


def _error_in(reply: Any) -> Exception:
    if reply.lost_task:
        return TaskLostError(reply.lost_task, reply.error_message)
    kind = _PYTHON_ERRORS.get(reply.error_class)
    if kind is not None:
        return kind(reply.error_message)
    return CLASS_OF_CODE.get(reply.error_code, InternalError)(None, None, reply.error_message)


class Tasks:
    """The tasks of a cluster, created at first use.

    Args:
      addresses: by their names.
      caller: the name of this process; a new one by default.
    """

    def __init__(self, addresses: dict[str, str], caller: str = "") -> None:
        self.addresses = addresses
        self.caller = caller or f"{os.getpid()}-{uuid.uuid4().hex}"
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    def learn(self, name: str, address: str) -> None:
        """Notes where a task is that is not among those of the cluster, or elsewhere by now: a coordinator."""
        with self._lock:
            if self.addresses.get(name) != address:
                self.addresses[name] = address
                self._tasks.pop(name, None)

    def __getitem__(self, name: str) -> Task:
        """Returns a task.

        Raises:
          KeyError: the cluster has no task of this name.
        """
        with self._lock:
            if name not in self._tasks:
                self._tasks[name] = Task(name, self.addresses[name], self)
            return self._tasks[name]


def connect_all(tasks: Sequence[Task], what: str) -> None:
    """Waits until all tasks answer.

    Args:
      tasks: of a cluster.
      what: needs them, for the error.

    Raises:
      DeadlineExceededError: some do not.
    """
    until = time.monotonic() + CONNECT_SECONDS
    waiting = list(tasks)
    while waiting:
        for task in list(waiting):
            try:
                task.connect(_LOOK_SECONDS)
                waiting.remove(task)
            except TaskLostError:
                names = ", ".join(f"{t.name} ({t.address})" for t in waiting)
                if time.monotonic() > until:
                    raise DeadlineExceededError(
                        f"{what}: no answer from {names} within {CONNECT_SECONDS:.0f} s."
                    ) from None
                LOG.warning("Waiting for %s.", names)
