"""Messages between processes of a pipeline: arrays, with their kind and step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from penstock._src.cluster.messages import Messages
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.errors import AbortedError, InternalError, UnimplementedError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.collective.members import DTYPES, MOST_AXES

HEAD, ROW = 4, 2 + MOST_AXES  # words before the arrays' descriptions, and of each
ALIGNMENT = 64
NONE = -1  # replaces a dtype


class Kind(IntEnum):
    """Kind of a message."""

    DATA, FORWARD, BACKWARD, RESULT, FAILED = range(5)


class StageFailed(AbortedError):
    """Another process has failed in this step."""


class Header(NamedTuple):
    """The subject of a message."""

    kind: Kind
    step: int
    index: int


def packed(header: Header, tensors: Sequence[Any]) -> np.ndarray:
    """Return a message of tensors. Some of them may be None."""
    arrays = [None if one is None else _array(one) for one in tensors]
    words = np.zeros([HEAD + ROW * len(arrays)], np.int64)
    words[:HEAD] = [*header, len(arrays)]
    rows = words[HEAD:].reshape(-1, ROW)
    places = []
    end = _aligned(words.nbytes)
    for row, array in zip(rows, arrays):
        if array is None:
            row[0] = NONE
            continue
        row[: 2 + array.ndim] = [DTYPES.index(array.dtype.name), array.ndim, *array.shape]
        places.append((end, array))
        end = _aligned(end + array.nbytes)
    message = empty_aligned((end,), np.dtype(np.uint8))
    message[: words.nbytes] = words.view(np.uint8)
    for at, array in places:
        message[at : at + array.nbytes] = array.reshape(-1).view(np.uint8)
    return message


def unpacked(message: np.ndarray) -> tuple[Header, list[Any]]:
    """Returns the subject of a message, and its tensors, which share its memory."""
    kind, step, index, count = message[: 8 * HEAD].view(np.int64).tolist()
    end = 8 * (HEAD + ROW * count)
    rows = message[8 * HEAD : end].view(np.int64).reshape(-1, ROW).tolist()
    end, tensors = _aligned(end), []
    for dtype, rank, *dims in rows:
        if dtype == NONE:
            tensors.append(None)
            continue
        kept = np.dtype(DTYPES[dtype])
        shape = dims[:rank]
        size = kept.itemsize * int(np.prod(shape, dtype=np.int64))
        array = message[end : end + size].view(kept).reshape(shape)
        tensors.append(EagerTensor(array, as_dtype(kept)))
        end = _aligned(end + size)
    return Header(Kind(kind), step, index), tensors


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _array(tensor: Any) -> np.ndarray:
    array = np.asarray(tensor._value if isinstance(tensor, EagerTensor) else tensor, order="C")
    if array.dtype.name not in DTYPES or array.ndim > MOST_AXES:
        raise UnimplementedError(
            None,
            None,
            f"PipelineStrategy: tensors of {array.dtype.name} with {array.ndim} axes cannot be sent from one process to another.",
        )
    return array


class Link:
    """Sends and receives the messages of one step.

    Args:
      messages: carries them.
      step: its number.
    """

    def __init__(self, messages: Messages, step: int) -> None:
        self._messages, self._step = messages, step

    def send(self, rank: int, kind: Kind, index: int, tensors: Sequence[Any]) -> None:
        """Begins to send tensors."""
        self._messages.send(rank, packed(Header(kind, self._step, index), tensors))

    def fail(self, ranks: Sequence[int], why: str) -> None:
        """Reports to processes that wait for this one that no message will come."""
        for rank in ranks:
            self.send(rank, Kind.FAILED, 0, [np.frombuffer(why.encode(), np.uint8)])

    def receive(self, rank: int, kind: Kind, index: int) -> list[Any]:
        """Returns the tensors of a message; those of steps that have failed are left out.

        Raises:
          StageFailed: the other process has failed, or one for which it waits.
          InternalError: it is in another part of the step.
        """
        while True:
            header, tensors = unpacked(self._messages.receive(rank))
            if header.step < self._step:
                continue
            if header.kind is Kind.FAILED:
                raise StageFailed(None, None, bytes(tensors[0].numpy()).decode())
            if header != (kind, self._step, index):
                raise InternalError(
                    None,
                    None,
                    f"PipelineStrategy: rank {rank} has sent {header}; expected {Header(kind, self._step, index)}.",
                )
            return tensors


def structure_to_text(structure: Any) -> str:
    """Returns a nest of tensors as a text with a number for each tensor; `structure_from_text` is the inverse."""
    count = iter(range(1 << 30))

    def written(node: Any) -> Any:
        if node is None:
            return None
        if isinstance(node, dict):
            return {"keys": list(node), "values": [written(value) for value in node.values()]}
        if isinstance(node, (list, tuple)):
            kind = "list" if isinstance(node, list) else "tuple"
            return {kind: [written(value) for value in node]}
        return next(count)

    return json.dumps(written(structure))


def structure_from_text(text: str, tensors: Sequence[Any]) -> Any:
    """Returns the nest that `structure_to_text` has written, with these tensors."""

    def made(node: Any) -> Any:
        if node is None:
            return None
        if isinstance(node, int):
            return tensors[node]
        if "keys" in node:
            return dict(zip(node["keys"], map(made, node["values"])))
        if "list" in node:
            return [made(value) for value in node["list"]]
        return tuple(made(value) for value in node["tuple"])

    return made(json.loads(text))


def leaves(structure: Any) -> list[Any]:
    """Returns the tensors of a nest, in the order in which `structure_to_text` numbers them."""
    if structure is None:
        return []
    if isinstance(structure, dict):
        return [leaf for value in structure.values() for leaf in leaves(value)]
    if isinstance(structure, (list, tuple)):
        return [leaf for value in structure for leaf in leaves(value)]
    return [convert_to_tensor(structure)]
