"""Blocking queues between threads."""

import heapq
import itertools
import threading

import numpy as np

from penstock._src.core.calls import deadlines
from penstock._src.core.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from penstock._src.core.values.resources import Resource
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.rules import show


def check_shared(op, kind, facts):
    """Compares what a resource of a shared name is with what an op asks for.

    Args:
      op: the op.
      kind: of the resource, for the message.
      facts: (what it is, the resource's, the op's).

    Raises:
      InvalidArgumentError: they differ.
    """
    for what, has, wanted in facts:
        if has != wanted:
            raise op.invalid(
                f"Shared {kind} '{op.shared_name}' has {what} {_listed(has)}, and {_listed(wanted)} is requested"
            )


def _listed(value):
    if not isinstance(value, (list, tuple)):
        return str(value)
    return f"[{', '.join(getattr(each, 'name', str(each)) for each in value)}]"


class Queue(Resource):
    """First in, first out. An element is a tuple of arrays, one for each component.

    `capacity` is the maximum number of elements; below 0 there is no limit.
    """

    kind = "FIFOQueue"
    minimum = 0  # number of elements that must remain while the queue is open

    def __init__(self, dtypes, shapes, capacity, name="", container=""):
        super().__init__(name, container)
        self.dtypes, self.shapes, self.capacity = list(dtypes), list(shapes), capacity
        if self.shapes and len(self.shapes) != len(self.dtypes):
            types = ", ".join(d.name for d in self.dtypes)
            raise InvalidArgumentError(
                f"Different number of component types.  Types: {types}, Shapes: "
                f"{[list(s.as_list() or []) for s in self.shapes]}"
            )
        self.held = []
        self.closed = False
        self.closing = False
        self.pending = 0  # number of enqueues that wait for room
        self.changed = threading.Condition()

    @property
    def title(self):
        """The name of the queue in messages."""
        return f"{self.kind} '{self.name or '0'}'"

    # overridden by each kind of queue

    def add(self, element):
        """Takes an element in."""
        self.held.append(element)

    def take(self):
        """Returns the next element."""
        return self.held.pop(0)

    def put_back(self, elements):
        """Takes elements back that were taken and could not be used."""
        self.held[:0] = elements

    # called by threads

    def enqueue(self, elements):
        """Adds elements, each as soon as there is room.

        Raises:
          CancelledError: the queue is closed.
        """
        with self.changed:
            if self.closing:
                raise CancelledError(f"{self.title} is closed.")
            for element in elements:
                self._await_room()
                if self.closed:
                    raise CancelledError(f"{self.title} is closed.")
                self.add(element)
                self.changed.notify_all()

    def _await_room(self):
        self.pending += 1
        try:
            while not self.closed and 0 <= self.capacity <= len(self.held):
                deadlines.wait(self.changed)
        finally:
            self.pending -= 1
            if self.closing:
                self.changed.notify_all()

    def dequeue(self, count, fewer=False):
        """Takes `count` elements, waiting for them; with `fewer`, a closed queue may return less.

        Raises:
          OutOfRangeError: the queue is closed and has too few elements.
        """
        taken = []
        with self.changed:
            while len(taken) < count:
                while not self.closed and len(self.held) <= self.minimum:
                    self._await_more(taken)
                if self.held:
                    taken.append(self.take())
                    self.changed.notify_all()
                elif fewer and taken:
                    break
                else:
                    self.put_back(taken)
                    raise OutOfRangeError(
                        f"{self.title} is closed and has insufficient elements (requested {count}, "
                        f"current size {len(self.held)})"
                    )
        return taken

    def _await_more(self, taken):
        """Waits for a change; a waiter that gives up returns the elements it has taken."""
        try:
            deadlines.wait(self.changed)
        except BaseException:
            self.put_back(taken)
            raise

    def close(self, cancels=False):
        """Rejects further elements and wakes waiting threads.

        Args:
          cancels: whether enqueues that wait for room fail. Else they end first.

        Raises:
          CancelledError: it is closed already, and `cancels` is False.
        """
        with self.changed:
            self.closing = True
            while not cancels and self.pending and not self.closed:
                deadlines.wait(self.changed)
            if self.closed and not cancels:
                raise CancelledError(f"Queue '{self.name or '0'}' is already closed.")
            self.closed = True
            self.changed.notify_all()

    def check(self, components, many):
        """Raises unless the components have the queue's types and shapes (each a stack, if `many`)."""
        if len(components) != len(self.dtypes):
            raise InvalidArgumentError(
                f"Wrong number of components in tuple. Expected {len(self.dtypes)}, got "
                f"{len(components)}"
            )
        for i, (array, dtype) in enumerate(zip(components, self.dtypes)):
            if array.dtype != dtype.np:
                raise InvalidArgumentError(
                    f"Type mismatch in tuple component {i}. Expected {dtype.name}, got {array.dtype}"
                )
        for i, (array, shape) in enumerate(zip(components, self.shapes)):
            got = array.shape[1:] if many else array.shape
            if not shape.is_compatible_with(got):
                wanted = show(shape.as_list())
                raise InvalidArgumentError(
                    f"Shape mismatch in tuple component {i}. Expected {wanted}, got {show(got)}"
                )

    def stacked(self, elements):
        """The elements with each component as one array."""
        return [
            np.stack(column).astype(dtype.np, copy=False)
            if column
            else np.empty((0, *shape.as_list()), dtype.np)
            for column, dtype, shape in zip(self._columns(elements), self.dtypes, self.shapes)
        ]

    def _columns(self, elements):
        return zip(*elements) if elements else [()] * len(self.dtypes)

    def require_shapes(self):
        """Raises unless elements can be stacked."""
        if not self.shapes or not all(s.is_fully_defined() for s in self.shapes):
            raise InvalidArgumentError(
                f"{self.kind}'s DequeueMany and DequeueUpTo require the components to have specified "
                "shapes."
            )


class PaddingQueue(Queue):
    """First in, first out; elements of different sizes are padded with zeros when stacked."""

    kind = "PaddingFIFOQueue"

    def require_shapes(self):
        """Only the ranks must be known."""

    def stacked(self, elements):
        """The elements with each component as one array, padded to the longest."""
        out = []
        for column, dtype in zip(self._columns(elements), self.dtypes):
            extents = np.max([a.shape for a in column], axis=0).astype(int) if column else []
            whole = np.full((len(column), *extents), zero_of(dtype), dtype.np)
            for at, array in enumerate(column):
                whole[(at, *(slice(n) for n in array.shape), ...)] = array
            out.append(whole)
        return out


class ShuffleQueue(Queue):
    """Elements come out in an order drawn from a stream of random words."""

    kind = "RandomShuffleQueue"

    def __init__(self, *args, minimum=0, words=None, seeds=(0, 0), **options):
        super().__init__(*args, **options)
        self.minimum, self.words, self.seeds = minimum, words, seeds

    def take(self):
        """Removes a random element and moves the last one to its position."""
        at = int(next(self.words)) % len(self.held)
        self.held[at], self.held[-1] = self.held[-1], self.held[at]
        return self.held.pop()

    def put_back(self, elements):
        """Takes elements back that were taken and could not be used."""
        self.held.extend(elements)


class ByPriority(Queue):
    """Returns the element with the smallest first component, an int64, first."""

    kind = "PriorityQueue"

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._count = itertools.count()

    def add(self, element):
        """Takes an element in."""
        heapq.heappush(self.held, (int(element[0]), next(self._count), element))

    def take(self):
        """Removes and returns the element with the smallest key."""
        return heapq.heappop(self.held)[2]

    def put_back(self, elements):
        """Takes elements back that were taken and could not be used."""
        for element in elements:
            self.add(element)
