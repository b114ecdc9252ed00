"""Scheduled functions of a coordinator: closures in a queue, and their results once they have run."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.errors import CancelledError
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.util import nest
from penstock._src.util.export import export

# Closures that wait, for each worker, before `schedule` waits.
MOST_WAITING = 256


@export(
    "distribute.coordinator.RemoteValue",
    "distribute.experimental.coordinator.RemoteValue",
    v1=[],
)
class RemoteValue:
    """The result of a scheduled function, available once the function has run."""

    def fetch(self) -> Any:
        """Waits for the result and returns it as arrays."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def get(self) -> Any:
        """Waits for the result and returns it as tensors."""
        raise NotImplementedError("Must be implemented in subclasses.")


class ResultOfClosure(RemoteValue):
    """The result of a closure, for which readers wait until `set` or `fail` is called."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def set(self, value: Any) -> None:
        """Set the closure's result."""
        self._value = value
        self._done.set()

    def fail(self, error: BaseException) -> None:
        """Record the error that prevents a result."""
        if not self._done.is_set():
            self._error = error
            self._done.set()

    def get(self) -> Any:
        """Waits for the result and returns it as tensors."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def fetch(self) -> Any:
        """Waits for the result and returns it as arrays."""
        return nest.map_structure(_as_array, self.get())


def _as_array(leaf: Any) -> Any:
    return leaf.numpy() if isinstance(leaf, EagerTensor) else leaf


class Closure:
    """A traced function with the values of its inputs, and its result.

    Args:
      concrete: the trace.
      tensors: of its arguments; captures follow them.
    """

    def __init__(self, concrete: ConcreteFunction, tensors: Sequence[Any]) -> None:
        self.concrete = concrete
        self.values = [t._value for t in [*tensors, *concrete.captured_inputs]]
        self.result = ResultOfClosure()

    def finish(self, outputs: Sequence[Any]) -> None:
        """Makes the result of the function's flat outputs."""
        tensors = [
            EagerTensor(value, model.dtype)
            for value, model in zip(outputs, self.concrete.graph.outputs, strict=True)
        ]
        self.result.set(self.concrete.packed(tensors))


class Closures:
    """The closures of a coordinator: the pending ones, and the number that are running.

    Once one has failed, those that wait are cancelled, and the error is raised where the user asks next.

    Args:
      workers: how many there are.
    """

    def __init__(self, workers: int) -> None:
        self._waiting: deque[Closure] = deque()
        self._running: set[Closure] = set()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._most = MOST_WAITING * max(1, workers)
        self._is_closed = False

    def put(self, closure: Closure) -> None:
        """Adds a closure; waits while too many wait.

        Raises:
          Exception: an earlier one has failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._most or self._error)
            self._raise()
            self._waiting.append(closure)
            self._changed.notify_all()

    def take(self) -> Closure | None:
        """Returns the next closure, once there is one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return None
            closure = self._waiting.popleft()
            self._running.add(closure)
            self._changed.notify_all()
            return closure

    def put_back(self, closure: Closure) -> None:
        """Reschedules the closure of a lost worker on another one."""
        with self._changed:
            self._running.discard(closure)
            if self._error is None:
                self._waiting.appendleft(closure)
            else:
                closure.result.fail(_cancelled())
            self._changed.notify_all()

    def finished(self, closure: Closure, finish: Callable[[], None]) -> None:
        """Record that a closure has run."""
        finish()
        with self._changed:
            self._running.discard(closure)
            self._changed.notify_all()

    def failed(self, closure: Closure | None, error: BaseException) -> None:
        """Record that a closure has failed, or all of them if none is given: waiting ones are cancelled."""
        with self._changed:
            if closure is not None:
                self._running.discard(closure)
                closure.result.fail(error)
            if self._error is None:
                self._error = error
            for waiting in self._waiting:
                waiting.result.fail(_cancelled())
            self._waiting.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Waits until all have run.

        Raises:
          Exception: one has failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._running)
            self._raise()

    def done(self) -> bool:
        """True if all closures have run.

        Raises:
          Exception: one has failed.
        """
        with self._changed:
            self._raise()
            return not self._waiting and not self._running

    @property
    def is_closed(self) -> bool:
        """True if no worker takes closures any more."""
        return self._is_closed

    def close(self) -> None:
        """Makes later calls of `take` return nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _raise(self) -> None:
        """Raises the error of a closure, once."""
        if self._error is None:
            return
        self._changed.wait_for(lambda: not self._running)
        error, self._error = self._error, None
        raise error


def _cancelled() -> CancelledError:
    return CancelledError(
        None, None, "The corresponding function is cancelled. Please reschedule the function."
    )
