"""RemoteSession: the implementation of a session whose target is a cluster's task."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from penstock._src.core.values.resources import ResourceManager
from penstock._src.distribute.cluster.steps.partition import partition
from penstock._src.distribute.cluster.steps.placement import HERE, Placement
from penstock._src.distribute.cluster.steps.program import Program, if_there
from penstock._src.distribute.cluster.steps.workers import OwnWorker, RemoteWorker, Worker
from penstock._src.graph.graph import Graph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.v1.graphs.remote.connection import Connection


class RemoteSession:
    """The tasks of a session, and programs for them. It connects when it is first needed.

    Args:
      target: "grpc://" with an address.
      config: a ConfigProto or None.
    """

    def __init__(self, target: str, config: Any) -> None:
        self._target, self._config = target, config
        self._name = uuid.uuid4().hex
        self._connection: Connection | None = None
        self._workers: dict[str, Worker] = {}
        self._lock = threading.RLock()

    def connection(self) -> Connection:
        """The tasks, which all answer.

        Raises:
          UnavailableError: the target's address does not answer.
        """
        with self._lock:
            if self._connection is None:
                tasks = Connection(self._target, self._config)
                tasks.wait()
                is_here = tasks.service(tasks.name) is not None
                self._placement = Placement(tasks.names, tasks.name, is_here)
                self._connection = tasks
            return self._connection

    def task_names(self) -> list[str]:
        """The names of the tasks that it may use."""
        return sorted(self.connection().names)

    def worker(self, task: str) -> Worker:
        """Returns a task by its name; HERE is this process."""
        with self._lock:
            if task not in self._workers:
                self._workers[task] = self._made(task)
            return self._workers[task]

    def _made(self, task: str) -> Worker:
        connection = self.connection()
        is_isolated = self._config is not None and self._config.isolate_session_state
        service = None if task == HERE else connection.service(task)
        if task == HERE or service is not None:
            is_own = service is None or is_isolated
            manager = ResourceManager(keep=True) if is_own else service.manager
            return OwnWorker(manager, service, self._name)
        return RemoteWorker(connection.tasks[task], self._name, self._placement, is_isolated)

    def program(
        self,
        graph: Graph,
        inputs: Sequence[SymbolicTensor],
        wanted: Sequence[SymbolicTensor],
        operations: Sequence[Operation],
        already_run: Collection[Operation] = (),
    ) -> Program:
        """Returns a function that computes `wanted` and runs `operations`, for values of `inputs`, without what has `already_run`.

        Raises:
          InvalidArgumentError: an operation is placed on a device that does not exist.
        """
        self.connection()
        needed = needed_operations(graph, inputs, wanted, operations, already_run)
        parts = partition(needed, inputs, wanted, operations, self._placement)
        return Program(self.worker, graph, inputs, wanted, parts)

    def close(self) -> None:
        """Ends the session, and its running steps."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            if_there(worker.close)
