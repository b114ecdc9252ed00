"""Saves and restores the position of an iterator."""

from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource


class SerializeIterator(Op):
    """The position of an iterator: the number of elements it has returned."""

    signature = "resource_handle: resource -> serialized: variant[?]"
    external_state_policy: int = 0

    def eager(self, resource_handle):
        if resource_handle.dataset is None:
            raise FailedPreconditionError("SerializeIterator: the iterator is not initialized.")
        return resource_handle.position


class DeserializeIterator(Op):
    """Moves an iterator over the same dataset to a saved position."""

    signature = "resource_handle: resource, serialized: variant ->"

    def eager(self, resource_handle, serialized):
        if resource_handle.dataset is None:
            raise FailedPreconditionError("DeserializeIterator: the iterator is not initialized.")
        resource_handle.seek(serialized)


class DummyIterationCounter(Op):
    """The handle of a counter that counts nothing."""

    signature = "-> handle: resource[]"

    def eager(self):
        return Resource("dummy_iteration_counter")
