"""Queues as TensorFlow 1 holds them: by reference. Each op is a twin of one in queue.py."""

from penstock._src.core.op import Op
from penstock._src.ops.dataflow import queue


class FIFOQueue(queue.FIFOQueueV2):
    """The same as FIFOQueueV2, by reference."""

    signature = "-> handle: Ref(string)"


class PaddingFIFOQueue(queue.PaddingFIFOQueueV2):
    """The same as PaddingFIFOQueueV2, by reference."""

    signature = "-> handle: Ref(string)"


class RandomShuffleQueue(queue.RandomShuffleQueueV2):
    """The same as RandomShuffleQueueV2, by reference."""

    signature = "-> handle: Ref(string)"


class PriorityQueue(queue.PriorityQueueV2):
    """The same as PriorityQueueV2, by reference."""

    signature = "-> handle: Ref(string)"


class QueueEnqueue(queue.QueueEnqueueV2):
    """The same as QueueEnqueueV2, by reference."""

    signature = "handle: Ref(string), components: *Tcomponents ->"
    stateful = False


class QueueEnqueueMany(queue.QueueEnqueueManyV2):
    """The same as QueueEnqueueManyV2, by reference."""

    signature = "handle: Ref(string), components: *Tcomponents ->"
    stateful = False


class QueueDequeue(queue.QueueDequeueV2):
    """The same as QueueDequeueV2, by reference."""

    signature = "handle: Ref(string) -> components: *component_types"
    stateful = False


class QueueDequeueMany(queue.QueueDequeueManyV2):
    """The same as QueueDequeueManyV2, by reference."""

    signature = "handle: Ref(string), n: int32 -> components: *component_types"
    stateful = False


class QueueDequeueUpTo(queue.QueueDequeueUpToV2):
    """The same as QueueDequeueUpToV2, by reference."""

    signature = "handle: Ref(string), n: int32 -> components: *component_types"
    stateful = False


class QueueClose(queue.QueueCloseV2):
    """The same as QueueCloseV2, by reference."""

    signature = "handle: Ref(string) ->"
    stateful = False


class QueueIsClosed(queue.QueueIsClosedV2):
    """The same as QueueIsClosedV2, by reference."""

    signature = "handle: Ref(string) -> is_closed: bool"
    stateful = False


class QueueSize(queue.QueueSizeV2):
    """The same as QueueSizeV2, by reference."""

    signature = "handle: Ref(string) -> size: int32"
    stateful = False


class FakeQueue(Op):
    """The reference of a queue that a resource holds."""

    signature = "resource: resource -> handle: Ref(string)[]"
    stateful = True

    def eager(self, resource):
        return resource
