"""What queues are on the host: elements that threads put in and take out, waiting where they must."""

import heapq
import threading
from collections import deque
from typing import Any

import numpy as np

from penstock._src.core.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from penstock._src.core.resources import Resource
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.rules import show

UNLIMITED = 2**31 - 1
Element = tuple[Any, ...]


class Queue(Resource):
    """A first-in, first-out queue of tuples of host values."""

    kind = "FIFOQueue"

    def __init__(
        self, types: Any, shapes: Any, capacity: int, name: str = "", container: str = ""
    ) -> None:
        super().__init__(name, container)
        self.types = tuple(types)
        self.shapes = tuple(shapes)
        self.capacity = capacity if capacity >= 0 else UNLIMITED
        self.closed = False
        self.changed = threading.Condition()
        self._cancelled = False
        self._held: Any = deque()

    # -- the order of the elements

    def _put(self, element: Element) -> None:
        self._held.append(element)

    def _take(self) -> Element:
        return self._held.popleft()

    def _enough(self, count: int) -> bool:
        return len(self._held) >= count

    # -- what ops do

    def size(self) -> int:
        """The number of elements."""
        return len(self._held)

    def enqueue(self, elements: list[Element]) -> None:
        """Puts elements in, waiting for space one by one.

        Raises:
          CancelledError: the queue is closed.
          InvalidArgumentError: an element is not of the queue's types and shapes.
        """
        for element in elements:
            self.check(element)
        with self.changed:
            if self.closed:
                raise CancelledError(f"{self.kind} '{self.name}' is closed.")
            for element in elements:
                while self.size() >= self.capacity:
                    self.changed.wait()
                    if self._cancelled:
                        raise CancelledError("Enqueue operation was cancelled")
                self._put(element)
                self.changed.notify_all()

    def check(self, element: Element) -> None:
        """Raises InvalidArgumentError unless the element has the shapes that were declared."""
        for number, (value, shape) in enumerate(zip(element, self.shapes)):
            if not shape.is_compatible_with(np.shape(value)):
                raise InvalidArgumentError(
                    f"Shape mismatch in tuple component {number}. Expected "
                    f"{show(shape.as_list())}, got {show(np.shape(value))}"
                )

    def dequeue(self, count: int, fewer: bool = False) -> list[Element]:
        """Takes `count` elements out, waiting until they are there; with `fewer`, less than that
        when the queue is closed.

        Raises:
          OutOfRangeError: the queue is closed and has not enough elements.
        """
        with self.changed:
            while not self._enough(count):
                if self.closed:
                    if fewer and self.size():
                        count = self.size()
                        break
                    raise OutOfRangeError(
                        f"{self.kind} '{self.name}' is closed and has insufficient elements "
                        f"(requested {count}, current size {self.size()})"
                    )
                if self.capacity < count:
                    # Nothing can ever be enough: take what comes.
                    return self._dequeue_slowly(count)
                self.changed.wait()
            taken = [self._take() for _ in range(count)]
            self.changed.notify_all()
            return taken

    def _dequeue_slowly(self, count: int) -> list[Element]:
        taken: list[Element] = []
        while len(taken) < count:
            while not self.size():
                if self.closed:
                    for element in reversed(taken):
                        self._held.appendleft(element)
                    raise OutOfRangeError(
                        f"{self.kind} '{self.name}' is closed and has insufficient elements "
                        f"(requested {count}, current size {self.size()})"
                    )
                self.changed.wait()
            taken.append(self._take())
            self.changed.notify_all()
        return taken

    def close(self, cancel: bool) -> None:
        """Takes no more elements; with `cancel`, not even those that wait to be put in."""
        with self.changed:
            self.closed = True
            self._cancelled = cancel
            self.changed.notify_all()

    def stacked(self, elements: list[Element]) -> list[Any]:
        """The components of elements, each stacked along a new first dimension."""
        if not elements:
            shapes = [s.as_list() if s.is_fully_defined() else [0] for s in self.shapes]
            return [np.empty([0, *shape], t.np) for shape, t in zip(shapes, self.types)]
        return [stack(list(parts)) for parts in zip(*elements)]


class PaddingQueue(Queue):
    """A queue whose elements may differ in size, and are padded with zeros when taken together."""

    kind = "PaddingFIFOQueue"

    def stacked(self, elements: list[Element]) -> list[Any]:
        return [
            padded(list(parts), dtype) if elements else np.empty((0,), dtype.np)
            for parts, dtype in zip(zip(*elements), self.types)
        ]


class RandomQueue(Queue):
    """A queue that gives its elements in random order, keeping some while it is open."""

    kind = "RandomShuffleQueue"

    def __init__(self, *args: Any, least: int = 0, seed: tuple[int, int] = (0, 0), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._held = []
        self.least = least
        self._random = np.random.default_rng(seed if any(seed) else None)

    def _take(self) -> Element:
        at = int(self._random.integers(len(self._held)))
        self._held[at], self._held[-1] = self._held[-1], self._held[at]
        return self._held.pop()

    def _enough(self, count: int) -> bool:
        return len(self._held) >= count + (0 if self.closed else self.least)


class ByPriority(Queue):
    """A queue that gives the element of the smallest first component first."""

    kind = "PriorityQueue"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = []
        self._count = 0

    def _put(self, element: Element) -> None:
        if np.ndim(element[0]):
            raise InvalidArgumentError(
                f"Expected the priority element to be a scalar, but received shape: "
                f"{show(np.shape(element[0]))}"
            )
        self._count += 1
        heapq.heappush(self._held, (int(element[0]), self._count, element))

    def _take(self) -> Element:
        return heapq.heappop(self._held)[2]


def stack(parts: list[Any]) -> np.ndarray:
    """Host values of one shape, stacked."""
    shapes = {np.shape(part) for part in parts}
    if len(shapes) > 1:
        raise InvalidArgumentError(f"Elements of one batch differ in shape: {sorted(shapes)}")
    return np.stack([np.asarray(part) for part in parts])


def padded(parts: list[Any], dtype: Any) -> np.ndarray:
    """Host values stacked, each padded with zeros to the size of the largest."""
    shape = np.max([np.shape(part) for part in parts], axis=0).astype(int)
    empty = b"" if dtype.np.kind == "O" else 0
    out = np.full((len(parts), *shape), empty, dtype.np)
    for row, part in zip(out, parts):
        row[tuple(slice(n) for n in np.shape(part))] = part
    return out


def any_shape(types: Any, shapes: Any) -> tuple[TensorShape, ...]:
    """The declared shapes of the components; nothing known where none are declared."""
    return tuple(shapes) if shapes else (TensorShape(None),) * len(types)
