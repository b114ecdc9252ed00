"""Saves and restores the position of an iterator."""

import logging
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.iteration.resume import NotResumable, State
from penstock._src.ops.data_shared.states import LARGEST, decoded, encoded
from penstock._src.ops.tensor_proto import from_proto, to_proto, variants
from penstock._src.proto.tensor import VariantTensorDataProto

logger = logging.getLogger("penstock")
_WARN, _FAIL = 0, 2
# As TensorFlow writes states, so that it decodes them: names of an iterator and of its values, which are the tensors.
_TYPE = "tensorflow::Iterator"
_KEY = b"Iterator::Root@@penstock_position"
_MORE = b"Iterator::Root::More"
# Tensors of at most this many bytes are stored in one message together. Larger ones are stored in parts.
MOST_TOGETHER = LARGEST


class SerializeIterator(Op):
    """The state of an iterator: its position in all steps of its dataset."""

    signature = "resource_handle: resource -> serialized: variant[?]"
    external_state_policy: int = 0

    def eager(self, resource_handle):
        dataset = resource_handle.dataset
        if dataset is None:
            raise FailedPreconditionError("SerializeIterator: the iterator is not initialized.")
        text, tensors, is_repeated = _encoded(resource_handle.state())
        if self.external_state_policy in (_WARN, _FAIL):
            stateful = resource_handle.external_state(is_repeated)
            if stateful is not None and self.external_state_policy == _FAIL:
                raise FailedPreconditionError(f"{stateful} is stateful.")
            if stateful is not None:
                logger.warning("The state of %s is not saved with the iterator.", stateful)
        messages = _messages(text, tensors)
        return variants(messages, (len(messages),))


def _encoded(state: State) -> tuple[bytes, list[Any], bool]:
    """The text of a state, its tensors, and whether restoring it repeats the iteration."""
    try:
        text, tensors = encoded(state, MOST_TOGETHER)
    except NotResumable:  # a buffer holds a value that files cannot store
        state = state | {"elements": None}
        text, tensors = encoded(state, MOST_TOGETHER)
    return text, tensors, state["elements"] is None and not state["has_ended"]


def _messages(text: bytes, tensors: list[Any]) -> list[Any]:
    """The messages with a state of an iterator: its text with the first tensors, then more tensors. Clears the list."""
    named = [(_KEY, to_proto(np.array(text, object), dtypes.string))]
    named += [(b"penstock_tensor_%d" % at, tensor) for at, tensor in enumerate(tensors)]
    groups: list[list[tuple[bytes, Any]]] = [[]]
    together = 0
    for name, tensor in named:
        size = tensor.ByteSize()
        together += size
        if groups[-1] and together > MOST_TOGETHER:
            together = size
            groups.append([])
        groups[-1].append((name, tensor))
    tensors.clear()
    named.clear()
    messages: list[Any] = []
    for group in groups:
        names = [*([_MORE] if messages else []), *(name for name, _ in group)]
        messages.append(VariantTensorDataProto(type_name=_TYPE, metadata=b"@@".join(names)))
        messages[-1].tensors.extend([tensor for _, tensor in group])  # copies, so that
        group.clear()  # the tensors of one group at most are there twice
    return messages


class DeserializeIterator(Op):
    """Moves an iterator over the same dataset to a saved position."""

    signature = "resource_handle: resource, serialized: variant ->"

    def eager(self, resource_handle, serialized):
        if resource_handle.dataset is None:
            raise FailedPreconditionError("DeserializeIterator: the iterator is not initialized.")
        states = serialized.ravel().tolist() if isinstance(serialized, np.ndarray) else [serialized]
        if not states or any(getattr(state, "type_name", "") != _TYPE for state in states):
            raise InvalidArgumentError("DeserializeIterator: expected the state of an iterator.")
        matching = [state for state in states if state.metadata.startswith(_KEY)]
        if not matching:
            raise NotFoundError(
                "The state of the iterator is TensorFlow's: it describes the threads and buffers of its datasets, which "
                "Penstock does not have. Restore the checkpoint without the iterator, or start it anew."
            )
        text, *tensors = matching[0].tensors
        for state in states:
            if state.metadata.startswith(_MORE + b"@@"):
                tensors.extend(state.tensors)
        resource_handle.restore(decoded(from_proto(text).item(), tensors))
        return ()


class DummyIterationCounter(Op):
    """The handle of a counter that counts nothing."""

    signature = "-> handle: resource[]"

    def eager(self):
        return Resource("dummy_iteration_counter")
