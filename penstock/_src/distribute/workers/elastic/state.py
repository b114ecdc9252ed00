"""The values of a strategy's variables: kept at boundaries of steps, restored, and handed to other workers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.transport import Transport
from penstock._src.distribute.mirrored.variables import SyncOnReadVariable
from penstock._src.eager.variable_modes import VariableAggregation


def values_of(variables: Sequence[Any]) -> list[Any]:
    """Returns this process's values: tensors that later assignments leave as they are."""
    return [variable.values[0].read_value() for variable in variables]


def restore(variables: Sequence[Any], values: Sequence[Any]) -> None:
    """Gives variables of this process values that it has kept."""
    for variable, value in zip(variables, values, strict=True):
        variable.values[0].assign(value)


def described(variables: Sequence[Any]) -> int:
    """Returns a number that is equal where variables have equal types and shapes, in order."""
    text = repr([(v.dtype.name, v.values[0].read_value().shape.as_list()) for v in variables])
    return zlib.crc32(text.encode())


def scalars(variables: Sequence[Any]) -> dict[int, bytes]:
    """Returns values other than sums by the variable's index: learning rates and counters, which programs assign between steps."""
    return {
        i: v.values[0].read_value().numpy().tobytes()
        for i, v in enumerate(variables)
        if v.shape.rank == 0
        and (v.dtype.is_floating or v.dtype.is_integer)
        and not isinstance(v, SyncOnReadVariable)
    }


def is_summed(variable: Any) -> bool:
    """True if each worker has a part of a variable's value, which is their sum."""
    return (
        isinstance(variable, SyncOnReadVariable)
        and variable._aggregation is VariableAggregation.SUM
    )


def totals_of(variables: Sequence[Any], transport: Transport, counts: bool) -> list[np.ndarray]:
    """Returns the sums over the workers of those variables that are sums.

    Args:
      variables: of the strategy.
      transport: connects the workers.
      counts: whether this worker's parts count: those of a newcomer do not.
    """
    own = [v.values[0].read_value().numpy() for v in variables if is_summed(v)]
    return [
        transport.all_reduce(x if counts else np.zeros_like(x), "Add", transport.everyone)
        for x in own
    ]


def hand_on(
    variables: Sequence[Any], totals: Sequence[np.ndarray], transport: Transport, source: int
) -> list[np.ndarray]:
    """Gives all workers the values of one, and equal parts of sums; returns the sums.

    Args:
      variables: of the strategy, alike in all workers.
      totals: of those that are sums; those of the source count.
      transport: connects the workers.
      source: the rank whose values all get.
    """
    sums = iter(totals)
    arrays = [next(sums) if is_summed(v) else v.values[0].read_value().numpy() for v in variables]
    raw = [np.frombuffer(np.asarray(x, order="C").tobytes(), np.uint8) for x in arrays]
    blob = np.concatenate([*raw, np.empty(0, np.uint8)])
    sent = transport.broadcast(blob, source, transport.everyone)
    ends = np.cumsum([len(x) for x in raw])
    rank, size = transport.cluster.rank, transport.cluster.size
    handed = []
    for variable, own, end, data in zip(variables, arrays, ends, raw, strict=True):
        value = np.frombuffer(sent[end - len(data) : end].tobytes(), own.dtype).reshape(own.shape)
        if is_summed(variable):
            handed.append(value)
            value = _share(value, rank, size)
        variable.values[0].assign(value)
    return handed


def _share(total: np.ndarray, rank: int, size: int) -> np.ndarray:
    """A worker's part of a sum; the first has all of one that cannot be divided."""
    if np.issubdtype(total.dtype, np.floating):
        return total / total.dtype.type(size)
    return total if rank == 0 else np.zeros_like(total)


def broadcast_bytes(own: bytes, transport: Transport, source: int) -> bytes:
    """Returns the bytes of one worker."""
    data = np.frombuffer(own, np.uint8)
    length = transport.broadcast(np.array([len(data)], np.int64), source, transport.everyone)
    if transport.cluster.rank != source:
        data = np.zeros(int(length[0]), np.uint8)
    return transport.broadcast(data, source, transport.everyone).tobytes()
