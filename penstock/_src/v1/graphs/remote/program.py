"""RemoteSession: compiles fetches to parts of tasks, and runs them."""

from __future__ import annotations

import itertools
import queue
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from penstock._src.core.calls import deadlines
from penstock._src.core.errors import DeadlineExceededError
from penstock._src.core.values.resources import ResourceManager
from penstock._src.distribute.cluster.tasks.handles import Handle
from penstock._src.distribute.cluster.tasks.task import TaskLostError
from penstock._src.graph.graph import Graph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.v1.graphs.remote.connection import Connection
from penstock._src.v1.graphs.remote.partition import PartOfRun, partition
from penstock._src.v1.graphs.remote.placement import CLIENT, Placement
from penstock._src.v1.graphs.remote.workers import OwnWorker, RemoteWorker, Worker, read


class RemoteSession:
    """What a session with the target of a cluster's task does. It connects when it is first needed.

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
        self.steps = itertools.count(1)

    def connection(self) -> Connection:
        """The tasks, which all answer.

        Raises:
          UnavailableError: nobody answers at the target's address.
        """
        with self._lock:
            if self._connection is None:
                made = Connection(self._target, self._config)
                made.wait()
                is_here = made.service(made.name) is not None
                self._placement = Placement(made.names, made.name, is_here)
                self._connection = made
            return self._connection

    def task_names(self) -> list[str]:
        """The names of the tasks that it may use."""
        return sorted(self.connection().names)

    def worker(self, task: str) -> Worker:
        """Returns a task by its name; CLIENT is this process."""
        with self._lock:
            if task not in self._workers:
                self._workers[task] = self._made(task)
            return self._workers[task]

    def _made(self, task: str) -> Worker:
        connection = self.connection()
        is_isolated = self._config is not None and self._config.isolate_session_state
        service = None if task == CLIENT else connection.service(task)
        if task == CLIENT or service is not None:
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
    ) -> Program:
        """Returns what computes `wanted` and runs `operations`, of values of `inputs`.

        Raises:
          InvalidArgumentError: an operation is placed on a device that does not exist.
        """
        self.connection()
        needed = needed_operations(graph, inputs, wanted, operations)
        parts = partition(needed, inputs, wanted, operations, self._placement)
        return Program(self, graph, inputs, wanted, parts)

    def close(self) -> None:
        """Ends the session, and what it runs."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            _if_there(worker.close)


def _if_there(tell: Callable[[], None]) -> None:
    """Tells a task something that is of no importance if it is lost."""
    try:
        tell()
    except TaskLostError:
        return


class Program:
    """Parts of a session's graph, in the form in which their tasks know them.

    Args:
      session: the session.
      graph: its graph.
      inputs: tensors whose values are given.
      wanted: tensors to compute.
      parts: what is to run.
    """

    def __init__(
        self,
        session: RemoteSession,
        graph: Graph,
        inputs: Sequence[SymbolicTensor],
        wanted: Sequence[SymbolicTensor],
        parts: Sequence[PartOfRun],
    ) -> None:
        self._session, self._inputs, self._wanted = session, inputs, wanted
        self.parts = [(part, session.worker(part.task)) for part in parts]
        self._loaded = {id(part): worker.load(graph, part) for part, worker in self.parts}
        self._workers: dict[int, Worker] = {id(worker): worker for _, worker in self.parts}

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Returns the values of `wanted`."""
        known = {t._id: value for t, value in zip(self._inputs, values, strict=True)}
        step = next(self._session.steps)
        try:
            self._run(step, known)
        except BaseException:
            self._cancel(step)
            raise
        finally:
            for worker in self._workers.values():
                worker.end_step(step)
        return [_fetched(t, known[t._id]) for t in self._wanted]

    def _run(self, step: int, known: dict[int, Any]) -> None:
        """Runs each part once those before it are done: several at a time, each in a thread."""
        waits = {id(part): len(part.after) for part, _ in self.parts}
        followers: dict[int, list[tuple[PartOfRun, Worker]]] = {}
        for part, worker in self.parts:
            for before in part.after:
                followers.setdefault(id(before), []).append((part, worker))
        ready = [(part, worker) for part, worker in self.parts if not part.after]
        ended: queue.SimpleQueue[tuple[PartOfRun, BaseException | None]] = queue.SimpleQueue()
        count = 0  # of those that run in threads
        while ready or count:
            if len(ready) == 1 and not count:
                part, worker = ready.pop()
                self._run_part(part, worker, step, known)
            else:
                for one, its in ready:
                    self._start(one, its, step, known, ended)
                count += len(ready)
                ready = []
                part, error = _next(ended)
                count -= 1
                if error is not None:
                    raise error
            for later in followers.get(id(part), ()):
                waits[id(later[0])] -= 1
                if not waits[id(later[0])]:
                    ready.append(later)

    def _run_part(self, part: PartOfRun, worker: Worker, step: int, known: dict[int, Any]) -> None:
        values = [known[t._id] for t in part.given]
        results = worker.run(self._loaded[id(part)], step, values)
        known.update((t._id, value) for t, value in zip(part.returned, results, strict=True))

    def _start(
        self,
        part: PartOfRun,
        worker: Worker,
        step: int,
        known: dict[int, Any],
        ended: queue.SimpleQueue[tuple[PartOfRun, BaseException | None]],
    ) -> None:
        left = deadlines.milliseconds_left()

        def run() -> None:
            try:
                with deadlines.deadline(left):
                    self._run_part(part, worker, step, known)
            except BaseException as error:  # raised where the session runs
                ended.put((part, error))
            else:
                ended.put((part, None))

        threading.Thread(target=run, daemon=True, name=f"session-{part.task}").start()

    def _cancel(self, step: int) -> None:
        """Ends what still runs of a step, without waiting for tasks that may be lost."""
        workers: Iterable[Worker] = self._workers.values()
        for worker in workers:
            if isinstance(worker, OwnWorker):
                worker.cancel(step)
            elif len(self.parts) > 1:
                told = threading.Thread(
                    target=_if_there, args=(lambda w=worker: w.cancel(step),), daemon=True
                )
                told.start()


def _next(ended: queue.SimpleQueue[Any]) -> Any:
    """The next part that has ended, and its error.

    Raises:
      DeadlineExceededError: none has until the deadline.
    """
    left = deadlines.milliseconds_left()
    try:
        return ended.get(timeout=left / 1000 if left else None)
    except queue.Empty:
        raise DeadlineExceededError(deadlines.MESSAGE) from None


def _fetched(tensor: SymbolicTensor, value: Any) -> Any:
    """The value of a variable where TensorFlow 1 has a reference to it; any other value as it is."""
    return read(value) if isinstance(value, Handle) and tensor.op.stands_for_reference else value
