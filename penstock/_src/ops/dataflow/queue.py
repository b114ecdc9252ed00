"""The ops of queues."""

import secrets

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import kernel_state, resources
from penstock._src.ops.dataflow.queue_state import (
    ByPriority,
    PaddingQueue,
    Queue,
    ShuffleQueue,
    check_shared,
)
from penstock._src.ops.random.philox import Stream


class _Make(Op):
    """The handle of the queue with this name; without a name, of a new one or the node's own."""

    signature = "-> handle: resource[]"

    minimum = {"component_types": 1}
    kind = Queue

    def eager(self):
        def make():
            return self.kind(
                self._types(),
                self._shapes(),
                self.capacity,
                name=self.shared_name,
                container=self.container,
                **self._options(),
            )

        if self.shared_name:
            manager = resources.manager()
            queue = manager.get_or_create(Queue, self.container, self.shared_name, make)
            check_shared(self, "queue", self._facts(queue))
            return queue
        if not kernel_state.in_graph():
            return make()
        return kernel_state.of_running_node(make)

    def _facts(self, queue):
        """Yields what must be the same: its name, the queue's and this op's."""
        yield "type", queue.kind, self.kind.kind
        yield "component types", queue.dtypes, list(self._types())
        yield "component shapes", queue.shapes, list(self._shapes())
        yield "capacity", queue.capacity, self.capacity

    def _types(self):
        return self.component_types

    def _shapes(self):
        return self.shapes

    def _options(self):
        return {}


class FIFOQueueV2(_Make):
    """A first-in, first-out queue."""

    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""


class PaddingFIFOQueueV2(_Make):
    """A queue of elements of different sizes, which are padded with zeros when stacked."""

    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    kind = PaddingQueue


class RandomShuffleQueueV2(_Make):
    """A queue that returns elements in random order."""

    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    min_after_dequeue: int = 0
    seed: int = 0
    seed2: int = 0
    container: str = ""
    shared_name: str = ""
    kind = ShuffleQueue

    def _options(self):
        if self.min_after_dequeue < 0:
            raise self.invalid(f"min_after_dequeue {self.min_after_dequeue} must be >= 0")
        if self.capacity >= 0 and self.min_after_dequeue >= self.capacity:
            raise self.invalid(
                f"min_after_dequeue {self.min_after_dequeue} must be < capacity {self.capacity}"
            )
        seeds = self.seed, self.seed2
        return {"minimum": self.min_after_dequeue, "words": self._words(), "seeds": seeds}

    def _facts(self, queue):
        yield from super()._facts(queue)
        yield "min_after_dequeue", queue.minimum, self.min_after_dequeue
        if self.seed or self.seed2:
            yield "random seeds", queue.seeds, (self.seed, self.seed2)

    def _words(self):
        stream = Stream.from_seeds(self.seed, self.seed2)
        if self.seed == 0 and self.seed2 == 0:
            stream = Stream(secrets.randbits(64), secrets.randbits(64) << 64)
        while True:
            yield from stream.words(256)
            stream = stream.skipped(64)


class PriorityQueueV2(_Make):
    """A queue that returns the element with the smallest first component, an int64, first."""

    component_types: list[DType] = []
    shapes: list[TensorShape]
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    kind = ByPriority

    def _types(self):
        return [dtypes.int64, *self.component_types]

    def _shapes(self):
        return [TensorShape([]), *self.shapes]


def _queue(op, handle):
    if not isinstance(handle, Queue):
        raise op.invalid(f"expected the handle of a queue. Received {handle!r}")
    return handle


class QueueEnqueueV2(Op):
    """Adds one element to a queue, waiting while it is full."""

    effects = Effects(may_wait=True)
    signature = "handle: resource, components: *Tcomponents ->"
    timeout_ms: int = -1
    differentiable = False

    def eager(self, handle, components):
        queue = _queue(self, handle)
        queue.check(components, many=False)
        queue.enqueue([tuple(components)])


class QueueEnqueueManyV2(Op):
    """Adds the rows of tensors to a queue, each as soon as there is room."""

    effects = Effects(may_wait=True)
    signature = "handle: resource, components: *Tcomponents ->"
    timeout_ms: int = -1
    differentiable = False

    def shape(self, handle, components):
        for component in components:
            component.with_rank_at_least(1)
        return ()

    def eager(self, handle, components):
        queue = _queue(self, handle)
        if any(c.ndim < 1 for c in components):
            raise self.invalid("components must have at least one dimension")
        if len({len(c) for c in components}) > 1:
            raise self.invalid(
                f"All input tensors must have the same size. {[len(c) for c in components]}"
            )
        queue.check(components, many=True)
        rows = [list(c) if c.ndim > 1 else [np.asarray(x, c.dtype) for x in c] for c in components]
        queue.enqueue(list(zip(*rows)))


class QueueDequeueV2(Op):
    """Takes one element from a queue, waiting for it."""

    effects = Effects(may_wait=True)
    signature = "handle: resource -> components: *component_types[...]"
    component_types: list[DType]
    timeout_ms: int = -1
    differentiable = False

    def eager(self, handle):
        return list(_queue(self, handle).dequeue(1)[0])


class _DequeueMany(Op):
    """Takes elements from a queue, each component stacked."""

    effects = Effects(may_wait=True)
    differentiable = False
    fewer = False
    component_types: list[DType]
    timeout_ms: int = -1

    def eager(self, handle, n):
        queue, count = _queue(self, handle), int(n)
        if count < 0:
            raise self.invalid(f"requested {count} < 0 elements")
        queue.require_shapes()
        return queue.stacked(queue.dequeue(count, fewer=self.fewer))


class QueueDequeueManyV2(_DequeueMany):
    """Takes n elements from a queue, each component stacked."""

    signature = "handle: resource, n: int32 -> components: *component_types[...]"


class QueueDequeueUpToV2(_DequeueMany):
    """Takes n elements from a queue, or the rest of a closed one, each component stacked."""

    signature = "handle: resource, n: int32 -> components: *component_types[...]"
    fewer = True


class QueueCloseV2(Op):
    """Closes a queue to new elements; its remaining elements can be taken."""

    signature = "handle: resource ->"
    cancel_pending_enqueues: bool = False
    differentiable = False

    def eager(self, handle):
        _queue(self, handle).close(self.cancel_pending_enqueues)


class QueueIsClosedV2(Op):
    """True if a queue is closed."""

    signature = "handle: resource -> is_closed: bool[]"

    def eager(self, handle):
        return np.asarray(_queue(self, handle).closed)


class QueueSizeV2(Op):
    """The number of elements in a queue."""

    signature = "handle: resource -> size: int32[]"
    differentiable = False

    def eager(self, handle):
        return np.asarray(len(_queue(self, handle).held), np.int32)
