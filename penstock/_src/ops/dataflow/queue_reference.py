"""TensorFlow 1's queues, held by reference. Each op is a variant of one in queue.py."""

from penstock._src.core.op import Op
from penstock._src.ops.dataflow import queue
from penstock._src.ops.variants import by_reference

by_reference("FIFOQueue", queue.FIFOQueueV2)
by_reference("PaddingFIFOQueue", queue.PaddingFIFOQueueV2)
by_reference("RandomShuffleQueue", queue.RandomShuffleQueueV2)
by_reference("PriorityQueue", queue.PriorityQueueV2)
by_reference("QueueEnqueue", queue.QueueEnqueueV2)
by_reference("QueueEnqueueMany", queue.QueueEnqueueManyV2)
by_reference("QueueDequeue", queue.QueueDequeueV2)
by_reference("QueueDequeueMany", queue.QueueDequeueManyV2)
by_reference("QueueDequeueUpTo", queue.QueueDequeueUpToV2)
by_reference("QueueClose", queue.QueueCloseV2)
by_reference("QueueIsClosed", queue.QueueIsClosedV2)
by_reference("QueueSize", queue.QueueSizeV2)


class FakeQueue(Op):
    """The reference of a queue that a resource holds."""

    signature = "resource: resource -> handle: Ref(string)[]"

    def eager(self, resource):
        return resource
