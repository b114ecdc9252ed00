"""Saves and restores the position of an iterator."""

import logging

import numpy as np

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.pipeline import external_state
from penstock._src.ops.tensor_proto import variants
from penstock._src.proto.tensor import VariantTensorDataProto

logger = logging.getLogger("penstock")
_WARN, _FAIL = 0, 2
_TYPE = "penstock::IteratorState"


class SerializeIterator(Op):
    """The state of an iterator: the number of elements it has returned, and the seeds of its dataset."""

    signature = "resource_handle: resource -> serialized: variant[?]"
    external_state_policy: int = 0

    def eager(self, resource_handle):
        dataset = resource_handle.dataset
        if dataset is None:
            raise FailedPreconditionError("SerializeIterator: the iterator is not initialized.")
        if self.external_state_policy in (_WARN, _FAIL):
            stateful = external_state(dataset)
            if stateful is not None and self.external_state_policy == _FAIL:
                raise FailedPreconditionError(f"{stateful} is stateful.")
            if stateful is not None:
                logger.warning("The state of %s is not saved with the iterator.", stateful)
        state = VariantTensorDataProto(type_name=_TYPE, metadata=resource_handle.state())
        return variants([state], (1,))


class DeserializeIterator(Op):
    """Moves an iterator over the same dataset to a saved position."""

    signature = "resource_handle: resource, serialized: variant ->"

    def eager(self, resource_handle, serialized):
        if resource_handle.dataset is None:
            raise FailedPreconditionError("DeserializeIterator: the iterator is not initialized.")
        states = serialized.ravel().tolist() if isinstance(serialized, np.ndarray) else [serialized]
        if len(states) != 1 or getattr(states[0], "type_name", "") != _TYPE:
            raise InvalidArgumentError("DeserializeIterator: expected the state of one iterator.")
        resource_handle.restore(states[0].metadata)
        return ()


class DummyIterationCounter(Op):
    """The handle of a counter that counts nothing."""

    signature = "-> handle: resource[]"

    def eager(self):
        return Resource("dummy_iteration_counter")
