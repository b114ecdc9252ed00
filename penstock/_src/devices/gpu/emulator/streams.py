"""Streams and events of the emulated libcuda.

Usually a stream does everything at once. `lazy` streams do their work as late as the driver may: when there is a wait for it.
So work that lacks an event before it, or memory that is used again too early, gives wrong numbers.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

INVALID = 1
NOT_READY = 600


class Pending:
    """Work that waits for an event elsewhere.

    is_ready   True if it has happened
    wait       waits for it
    act        the work
    """

    def __init__(
        self, is_ready: Callable[[], bool], wait: Callable[[], None], act: Callable[[], None]
    ) -> None:
        self.is_ready, self._wait, self._act = is_ready, wait, act

    def __call__(self) -> None:
        self._wait()
        self._act()


class Mark:
    """A position in a stream, which an event marks; in a `graph` if the stream was captured then."""

    def __init__(self, stream: int, graph: Any = None) -> None:
        self.stream, self.has_come, self.graph = stream, False, graph


class StreamFunctions:
    """libcuda's functions of streams and events."""

    _objects: dict[int, Any]
    _handle: Callable[[Any], int]

    def __init__(self, lazy: bool = False) -> None:
        self.lazy = lazy
        self._queues: defaultdict[int, deque[Callable[[], None] | Mark]] = defaultdict(deque)

    def _enqueue(self, stream: Any, action: Callable[[], None] | Mark) -> None:
        """Puts work into a stream."""
        self._queues[number_of(stream)].append(action)
        if not self.lazy:
            self._go_on(number_of(stream))

    def _finish(self, stream: int, mark: Mark | None = None) -> None:
        """Does the work of a stream up to a mark, and that of other streams for which it waits."""
        queue = self._queues[stream]
        while queue and not (mark and mark.has_come):
            self._do_next(queue)

    def _go_on(self, stream: int, mark: Mark | None = None) -> bool:
        """Runs the possible work of a stream, up to a mark; returns True if none is left."""
        queue = self._queues[stream]
        while queue and not (mark and mark.has_come):
            if isinstance(queue[0], Pending) and not queue[0].is_ready():
                return False
            self._do_next(queue)
        return True

    def _do_next(self, queue: deque[Callable[[], None] | Mark]) -> None:
        action = queue.popleft()
        if isinstance(action, Mark):
            action.has_come = True
        else:
            action()

    def _finish_all(self) -> None:
        for stream in list(self._queues):
            self._finish(stream)

    def _come_to(self, mark: Mark) -> None:
        """Does the work before a mark."""
        if not mark.has_come:
            self._finish(mark.stream, mark)

    def _has_come(self, mark: Mark) -> bool:
        """True if the work before a mark is done, or can be done now."""
        return mark.has_come or self._go_on(mark.stream, mark)

    def is_recorded(self, stream: Any) -> bool:
        """True if work that is put into a stream is recorded instead of done."""
        raise NotImplementedError

    def cuStreamCreate(self, stream: Any, _flags: Any) -> None:
        stream._obj.value = self._handle("stream")

    def cuStreamSynchronize(self, stream: Any) -> int:
        if self.is_recorded(stream):
            return INVALID
        self._finish(number_of(stream))
        return 0

    def cuStreamQuery(self, stream: Any) -> int:
        if self.is_recorded(stream):
            return INVALID
        # a lazy stream continues at the latest when it is queried
        return 0 if self._go_on(number_of(stream)) else NOT_READY

    def cuCtxSynchronize(self) -> None:
        self._finish_all()

    def cuEventCreate(self, event: Any, _flags: Any) -> None:
        mark = Mark(0)
        mark.has_come = True  # nothing was recorded that one would wait for
        event._obj.value = self._handle(mark)

    def _mark(self, event: Any) -> Mark | None:
        mark = self._objects.get(number_of(event))
        return mark if isinstance(mark, Mark) else None

    def cuEventDestroy_v2(self, event: Any) -> int:
        if self._mark(event) is None:
            return INVALID
        del self._objects[number_of(event)]
        return 0

    def cuEventRecord(self, event: Any, stream: Any) -> int:
        if self._mark(event) is None or self.is_recorded(stream):
            return INVALID
        self._objects[number_of(event)] = mark = Mark(number_of(stream))
        self._enqueue(stream, mark)
        return 0

    def cuStreamWaitEvent(self, stream: Any, event: Any, _flags: Any) -> int:
        mark = self._mark(event)
        if mark is None or self.is_recorded(stream):
            return INVALID
        self._enqueue(
            stream,
            Pending(lambda: self._has_come(mark), lambda: self._come_to(mark), lambda: None),
        )
        return 0

    def cuEventSynchronize(self, event: Any) -> int:
        mark = self._mark(event)
        if mark is None:
            return INVALID
        self._come_to(mark)
        return 0


def number_of(argument: Any) -> int:
    """The number of an argument, which may be a ctypes object."""
    value = getattr(argument, "value", argument)
    return int(value or 0)
