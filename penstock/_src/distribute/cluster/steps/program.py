"""Program: runs parts of a graph in their tasks."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from penstock._src.core.calls import deadlines
from penstock._src.core.errors import DeadlineExceededError
from penstock._src.distribute.cluster.steps.partition import PartOfRun
from penstock._src.distribute.cluster.steps.workers import OwnWorker, Worker, read
from penstock._src.distribute.cluster.tasks.handles import Handle
from penstock._src.distribute.cluster.tasks.task import TaskLostError
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import SymbolicTensor

# Numbers of steps, of all programs of this process.
_STEPS = itertools.count(1)


def if_there(tell: Callable[[], None]) -> None:
    """Send a task a message that may be lost."""
    try:
        tell()
    except TaskLostError:
        return


class Program:
    """Parts of a graph, in the form for their tasks.

    Args:
      worker_of: gives a task by its name.
      graph: theirs.
      inputs: tensors whose values are given.
      wanted: tensors to compute.
      parts: what is to run.
    """

    def __init__(
        self,
        worker_of: Callable[[str], Worker],
        graph: Graph,
        inputs: Sequence[SymbolicTensor],
        wanted: Sequence[SymbolicTensor],
        parts: Sequence[PartOfRun],
    ) -> None:
        self._inputs, self._wanted = inputs, wanted
        self.parts = [(part, worker_of(part.task)) for part in parts]
        self._loaded = {id(part): worker.load(graph, part) for part, worker in self.parts}
        self._workers: dict[int, Worker] = {id(worker): worker for _, worker in self.parts}

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Returns the values of `wanted`."""
        known = {t._id: value for t, value in zip(self._inputs, values, strict=True)}
        step = next(_STEPS)
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
        count = 0  # number of those that run in threads
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
        """Ends the running parts of a step, without waiting for tasks that may be lost."""
        workers: Iterable[Worker] = self._workers.values()
        for worker in workers:
            if isinstance(worker, OwnWorker):
                worker.cancel(step)
            elif len(self.parts) > 1:
                canceller = threading.Thread(
                    target=if_there, args=(lambda w=worker: w.cancel(step),), daemon=True
                )
                canceller.start()


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
