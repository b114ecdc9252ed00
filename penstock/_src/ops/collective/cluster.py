"""Collective ops of all processes of a cluster, which strategies use; no graph of TensorFlow's has them.

All processes run one program, so these need no keys: what each is about to do says whether they are in the same exchange.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import make_function, raw
from penstock._src.core.typesets import ANY
from penstock._src.ops.collective.members import (
    GroupKeys,
    connected,
    exchanged,
    finished,
    gathered_rows,
)

PACK_BYTES = 1 << 22  # smaller tensors travel together in packs of about this size


class _ClusterReduce(Op):
    """The sum, product, least or greatest of each tensor over all processes; with final_op "Div" the mean.

    pack_bytes  smaller tensors travel together in packs of about this size; 0 for PACK_BYTES
    """

    signature = "inputs: *T -> outputs: *T[inputs]"
    T = ANY
    merge_op: Literal["Min", "Max", "Mul", "Add"] = "Add"
    final_op: Literal["Id", "Div"] = "Id"
    pack_bytes: int = 0
    stateful = True
    is_collective = True

    def gradient(self, _inputs, _outputs, dys):
        if self.merge_op != "Add":
            raise self.invalid(f"there is no gradient of merge_op={self.merge_op}")
        return cluster_reduce(
            inputs=dys, final_op=self.final_op, pack_bytes=self.pack_bytes, merge_op="Add"
        )

    def eager(self, inputs):
        transport = connected(self)
        everyone = transport.everyone
        _check_equal(self, transport, inputs)
        results: list[np.ndarray] = [np.empty(0)] * len(inputs)
        for pack in _packs(inputs, self.pack_bytes or PACK_BYTES):
            parts = [inputs[i].reshape(-1) for i in pack]
            joined = np.concatenate(parts) if len(parts) > 1 else np.ascontiguousarray(parts[0])
            total = transport.all_reduce(joined, self.merge_op, everyone)
            total = finished(total, self.final_op, len(everyone))
            ends = np.cumsum([part.size for part in parts])[:-1]
            for i, part in zip(pack, np.split(total, ends), strict=True):
                results[i] = part.reshape(inputs[i].shape)
        return results


def _packs(inputs: Sequence[np.ndarray], most: int) -> Iterator[list[int]]:
    """Positions of tensors that travel together: consecutive ones of one type, up to `most` bytes."""
    pack: list[int] = []
    size = 0
    for i, values in enumerate(inputs):
        if pack and (size + values.nbytes > most or inputs[pack[0]].dtype != values.dtype):
            yield pack
            pack, size = [], 0
        pack.append(i)
        size += values.nbytes
    if pack:
        yield pack


def _check_equal(op: Op, transport, inputs: Sequence[np.ndarray]) -> None:
    """Raises InvalidArgumentError in all processes unless all give tensors of the same types and shapes."""
    told = f"{op.op_type} {op.merge_op}: " + ", ".join(
        f"{x.dtype.name}{list(x.shape)}" for x in inputs
    )
    words = np.array([zlib.crc32(told.encode()), len(told)], np.int64)
    rows = transport.exchange_words(words, transport.everyone)
    if (rows == rows[0]).all():
        return
    text = np.frombuffer(told.encode(), np.uint8)
    lengths = rows[:, 1].tolist()
    joined = transport.gather_rows(text, lengths, transport.everyone).tobytes().decode()
    ends = np.cumsum([0, *lengths])
    shown = "; ".join(
        f"rank {i}: {joined[a:b][:400]}" for i, (a, b) in enumerate(zip(ends, ends[1:]))
    )
    raise InvalidArgumentError(
        f"{op.op_type}: the processes of the cluster give different tensors. {shown}"
    )


class _ClusterBroadcast(Op):
    """The tensor of rank 0; those of the others have its shape."""

    signature = "input: T -> output: T[input]"
    T = ANY
    stateful = True
    is_collective = True

    def eager(self, input):
        transport = connected(self)
        keys = GroupKeys(transport.cluster.size, 0, 0)
        return exchanged(self, "FromFirst", np.asarray(input, order="C"), keys)


class _ClusterGather(Op):
    """The rows of all processes, one after the other, and the number of the first of this process."""

    signature = "input: T -> data: T, first: int64[]"
    T = ANY
    stateful = True
    is_collective = True

    def shape(self, input):
        rows = input.with_rank_at_least(1)
        return (rows if rows.rank is None else [None, *rows[1:]]), []

    def gradient(self, input, _data, first, d_data, _d_first):
        (total,) = cluster_reduce(inputs=[d_data], merge_op="Add", final_op="Id", pack_bytes=0)
        rows = raw.Range(start=0, limit=raw.Shape(input=input)[0], delta=1)
        return raw.GatherV2(
            params=total, indices=raw.Cast(x=rows, DstT=dtypes.int64) + first, axis=0
        )

    def eager(self, input):
        transport = connected(self)
        keys = GroupKeys(transport.cluster.size, 0, 0)
        data, rows = gathered_rows(self, input, keys)
        return data, np.int64(sum(rows[: transport.cluster.rank]))


cluster_reduce = make_function(_ClusterReduce)
cluster_broadcast = make_function(_ClusterBroadcast)
cluster_gather = make_function(_ClusterGather)
