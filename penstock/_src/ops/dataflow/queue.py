"""Queues: make one, put elements in, take them out, close. See queues.py for what they do.

The ops of TensorFlow 1 hold a queue by reference to a string; those called V2, by a resource.
"""

import numpy as np

from penstock._src.core import dtypes, resources
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.dataflow.queues import (
    ByPriority,
    PaddingQueue,
    Queue,
    RandomQueue,
    any_shape,
)
from penstock._src.ops.rules import invalid, show


class _MakeQueue(Op):
    """A queue: a new one, or the one of that name."""

    is_abstract = True
    differentiable = False
    stateful = True
    kind = Queue

    def shape(self):
        return ()

    def eager(self):
        def make():
            types, shapes = self.components()
            options = {"name": self.shared_name, "container": self.container, **self.options()}
            return self.kind(types, any_shape(types, shapes), self.capacity, **options)

        if not self.shared_name:
            return make()
        return resources.manager().get_or_create(self.kind, self.container, self.shared_name, make)

    def components(self):
        return self.component_types, self.attrs["shapes"]

    def options(self):
        return {}


class FIFOQueueV2(_MakeQueue):
    """A queue that gives its elements in the order they came."""

    signature = "-> handle: resource"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True


class FIFOQueue(FIFOQueueV2):
    """The same, by reference."""

    signature = "-> handle: Ref(string)"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True


class PaddingFIFOQueueV2(_MakeQueue):
    """A queue of elements of several sizes, padded when taken together."""

    signature = "-> handle: resource"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True
    kind = PaddingQueue


class PaddingFIFOQueue(PaddingFIFOQueueV2):
    """The same, by reference."""

    signature = "-> handle: Ref(string)"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True


class RandomShuffleQueueV2(_MakeQueue):
    """A queue that gives its elements in random order."""

    signature = "-> handle: resource"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    min_after_dequeue: int = 0
    seed: int = 0
    seed2: int = 0
    container: str = ""
    shared_name: str = ""
    stateful = True
    kind = RandomQueue

    def options(self):
        return {"least": self.min_after_dequeue, "seed": (self.seed, self.seed2)}


class RandomShuffleQueue(RandomShuffleQueueV2):
    """The same, by reference."""

    signature = "-> handle: Ref(string)"
    component_types: list[DType]
    shapes: list[TensorShape] = []
    capacity: int = -1
    min_after_dequeue: int = 0
    seed: int = 0
    seed2: int = 0
    container: str = ""
    shared_name: str = ""
    stateful = True


class PriorityQueueV2(_MakeQueue):
    """A queue that gives the element of the smallest first component, an int64, first."""

    signature = "-> handle: resource"
    component_types: list[DType] = []
    shapes: list[TensorShape]
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True
    kind = ByPriority

    def components(self):
        shapes = [TensorShape([]), *self.attrs["shapes"]]
        return (dtypes.int64, *self.component_types), shapes


class PriorityQueue(PriorityQueueV2):
    """The same, by reference."""

    signature = "-> handle: Ref(string)"
    component_types: list[DType] = []
    shapes: list[TensorShape]
    capacity: int = -1
    container: str = ""
    shared_name: str = ""
    stateful = True


class FakeQueue(Op):
    """The reference of a queue that a resource holds."""

    signature = "resource: resource -> handle: Ref(string)"
    stateful = True
    differentiable = False

    def shape(self, resource):
        return ()

    def eager(self, resource):
        return resource


class _QueueOp(Op):
    is_abstract = True
    differentiable = False

    def queue(self, handle):
        if not isinstance(handle, Queue):
            raise invalid(self, f"expected the handle of a queue. Received {handle!r}")
        return handle


class QueueEnqueueV2(_QueueOp):
    """Puts one element in."""

    signature = "handle: resource, components: *Tcomponents ->"
    timeout_ms: int = -1
    stateful = True

    def shape(self, handle, components):
        return ()

    def eager(self, handle, components):
        self.queue(handle).enqueue([tuple(components)])


class QueueEnqueue(QueueEnqueueV2):
    """The same, by reference."""

    signature = "handle: Ref(string), components: *Tcomponents ->"
    timeout_ms: int = -1
    stateful = False


class QueueEnqueueManyV2(_QueueOp):
    """Puts the rows of tensors in as elements."""

    signature = "handle: resource, components: *Tcomponents ->"
    timeout_ms: int = -1
    stateful = True

    def shape(self, handle, components):
        return ()

    def eager(self, handle, components):
        counts = {len(c) if np.ndim(c) else -1 for c in components}
        if len(counts) > 1 or -1 in counts:
            shapes = [show(np.shape(c)) for c in components]
            raise invalid(self, f"All components must have as many rows. Received {shapes}")
        rows = [tuple(c[at, ...] for c in components) for at in range(len(components[0]))]
        self.queue(handle).enqueue(rows)


class QueueEnqueueMany(QueueEnqueueManyV2):
    """The same, by reference."""

    signature = "handle: Ref(string), components: *Tcomponents ->"
    timeout_ms: int = -1
    stateful = False


class QueueDequeueV2(_QueueOp):
    """Takes one element out."""

    signature = "handle: resource -> components: *component_types"
    component_types: list[DType]
    timeout_ms: int = -1
    stateful = True

    def shape(self, handle):
        return [None] * len(self.component_types)

    def eager(self, handle):
        return list(self.queue(handle).dequeue(1)[0])


class QueueDequeue(QueueDequeueV2):
    """The same, by reference."""

    signature = "handle: Ref(string) -> components: *component_types"
    component_types: list[DType]
    timeout_ms: int = -1
    stateful = False


class QueueDequeueManyV2(_QueueOp):
    """Takes `n` elements out, stacked."""

    signature = "handle: resource, n: int32 -> components: *component_types"
    component_types: list[DType]
    timeout_ms: int = -1
    stateful = True
    fewer = False

    def shape(self, handle, n):
        return [None] * len(self.component_types)

    def eager(self, handle, n):
        queue = self.queue(handle)
        if n < 0:
            raise invalid(self, f"DequeueManyOp requested {int(n)} < 0 elements")
        if not all(s.is_fully_defined() for s in queue.shapes) and queue.kind != PaddingQueue.kind:
            raise invalid(
                self,
                f"{queue.kind}'s DequeueMany requires the components to have specified shapes.",
            )
        return queue.stacked(queue.dequeue(int(n), self.fewer))


class QueueDequeueMany(QueueDequeueManyV2):
    """The same, by reference."""

    signature = "handle: Ref(string), n: int32 -> components: *component_types"
    component_types: list[DType]
    timeout_ms: int = -1
    stateful = False


class QueueDequeueUpToV2(QueueDequeueManyV2):
    """Takes `n` elements out, stacked; fewer when the queue is closed."""

    signature = "handle: resource, n: int32 -> components: *component_types"
    component_types: list[DType]
    timeout_ms: int = -1
    stateful = True
    fewer = True


class QueueDequeueUpTo(QueueDequeueUpToV2):
    """The same, by reference."""

    signature = "handle: Ref(string), n: int32 -> components: *component_types"
    component_types: list[DType]
    timeout_ms: int = -1
    stateful = False


class QueueCloseV2(_QueueOp):
    """Lets nothing more in."""

    signature = "handle: resource ->"
    cancel_pending_enqueues: bool = False
    stateful = True

    def shape(self, handle):
        return ()

    def eager(self, handle):
        self.queue(handle).close(self.cancel_pending_enqueues)


class QueueClose(QueueCloseV2):
    """The same, by reference."""

    signature = "handle: Ref(string) ->"
    cancel_pending_enqueues: bool = False
    stateful = False


class QueueSizeV2(_QueueOp):
    """The number of elements."""

    signature = "handle: resource -> size: int32"
    stateful = True

    def shape(self, handle):
        return ()

    def eager(self, handle):
        return np.int32(self.queue(handle).size())


class QueueSize(QueueSizeV2):
    """The same, by reference."""

    signature = "handle: Ref(string) -> size: int32"
    stateful = False


class QueueIsClosedV2(_QueueOp):
    """Whether nothing more is let in."""

    signature = "handle: resource -> is_closed: bool"
    stateful = True

    def shape(self, handle):
        return ()

    def eager(self, handle):
        return np.bool_(self.queue(handle).closed)


class QueueIsClosed(QueueIsClosedV2):
    """The same, by reference."""

    signature = "handle: Ref(string) -> is_closed: bool"
    stateful = False
