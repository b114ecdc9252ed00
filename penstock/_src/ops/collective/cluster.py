"""Collective ops of all processes of a cluster, which strategies use; no graph of TensorFlow's has them.

All processes run one program, so these need no keys: each announces its next exchange, and all announcements must agree.
"""

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from penstock._src.cluster.transport import NARROW_SUMS, Transport
from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.registry import make_function, raw
from penstock._src.core.typesets import ANY
from penstock._src.ir.function import ExchangeUnit
from penstock._src.native.process.narrow_sums import sum_of_bfloat16
from penstock._src.ops.collective.lowering import exchanged as exchanged_in_program
from penstock._src.ops.collective.lowering import exchanging_transport, reduced
from penstock._src.ops.collective.members import (
    GroupKeys,
    connected,
    disagreement,
    exchanged,
    finished,
    gathered_rows,
    tensor_words,
    told_words,
)

NARROW_SUMS["bfloat16"] = sum_of_bfloat16
PACK_BYTES = 1 << 19  # smaller tensors travel together in packs of about this size


class _ClusterReduce(Op):
    """The sum, product, least or greatest of each tensor over all processes; with final_op "Div" the mean.

    pack_bytes  smaller tensors travel together in packs of about this size; 0 for PACK_BYTES
    wire        the type in which the tensors travel and are added up, if it is narrower than their own
    """

    signature = "inputs: *T -> outputs: *T[inputs]"
    T = ANY
    merge_op: Literal["Min", "Max", "Mul", "Add"] = "Add"
    final_op: Literal["Id", "Div"] = "Id"
    pack_bytes: int = 0
    wire: Literal["", "bfloat16"] = ""
    stateful = True
    effects = Effects(is_collective=True)

    def gradient(self, _inputs, _outputs, dys):
        if self.merge_op != "Add":
            raise self.invalid(f"there is no gradient of merge_op={self.merge_op}")
        return cluster_reduce(
            inputs=dys, final_op=self.final_op, pack_bytes=self.pack_bytes, merge_op="Add"
        )

    def eager(self, inputs):
        transport = connected(self)
        description = self._told(inputs)
        rows = transport.exchange_words(told_words(description), transport.everyone)
        if (rows != rows[0]).any():
            raise disagreement(self, transport, description, rows)
        packs = packs_of(inputs, self.pack_bytes or PACK_BYTES)
        parts = [np.concatenate([inputs[i].reshape(-1) for i in pack]) for pack in packs]
        results: list[np.ndarray] = [np.empty(0)] * len(inputs)
        sent = [part.astype(self._wire().np) for part in parts] if self.wire else parts
        totals = transport.exchange_packs(
            "all_reduce", sent, self.merge_op, transport.everyone, widen=not self.wire
        )
        for pack, part, total in zip(packs, parts, totals, strict=True):
            total = finished(total.astype(part.dtype), self.final_op, transport.cluster.size)
            ends = np.cumsum([inputs[i].size for i in pack])[:-1]
            for i, part in zip(pack, np.split(total, ends), strict=True):
                results[i] = part.reshape(inputs[i].shape)
        return results

    def lower(self, p, inputs):
        transport = exchanging_transport(p)
        description = self._told(inputs)
        disagree = functools.partial(disagreement, self, transport, description)
        unit = ExchangeUnit(tuple(told_words(description).tolist()), self.merge_op, disagree)
        packs = packs_of(inputs, self.pack_bytes or PACK_BYTES)
        parts = [[inputs[i] for i in pack] for pack in packs]
        sums = reduced(p, parts, unit, self.final_op, self._wire())
        results = dict(zip([i for pack in packs for i in pack], sums, strict=True))
        return [results[i] for i in range(len(inputs))]

    def _wire(self):
        """The type in which the tensors travel; None for their own."""
        if self.wire and self.merge_op != "Add":
            raise self.invalid(
                f"wire={self.wire}  applies only to sums. Received merge_op={self.merge_op}"
            )
        return dtypes.as_dtype(self.wire) if self.wire else None

    def _told(self, inputs):
        """Return a readable description of the exchange that this process begins. All processes must agree on it."""
        wire = f" as {self.wire}" if self.wire else ""
        operands = ", ".join(f"{x.dtype.name}{list(map(int, x.shape))}" for x in inputs)
        return f"{self.merge_op} {self.final_op} in packs of {self.pack_bytes or PACK_BYTES}{wire}: {operands}"


def packs_of(inputs: Sequence[Any], most: int) -> list[list[int]]:
    """Positions of tensors that travel together: consecutive ones of one type, up to `most` bytes."""
    packs: list[list[int]] = []
    size = 0
    for i, values in enumerate(inputs):
        own = int(values.size) * dtypes.as_dtype(values.dtype).size
        if not packs or size + own > most or inputs[packs[-1][0]].dtype != values.dtype:
            packs.append([])
            size = 0
        packs[-1].append(i)
        size += own
    return packs


class _ClusterBroadcast(Op):
    """The tensor of rank 0; those of the others have its shape."""

    signature = "input: T -> output: T[input]"
    T = ANY
    stateful = True
    effects = Effects(is_collective=True)

    def eager(self, input):
        transport = connected(self)
        return exchanged(self, "FromFirst", np.asarray(input, order="C"), _keys(transport))

    def lower(self, p, input):
        transport = exchanging_transport(p)
        words = tensor_words(self, "FromFirst", input.dtype.name, input.shape, _keys(transport), "")
        disagree = functools.partial(disagreement, self, transport, "")
        unit = ExchangeUnit(tuple(words.tolist()), "", disagree, "broadcast")
        return exchanged_in_program(p, input, unit)


class _ClusterGather(Op):
    """The rows of all processes, one after the other, and the number of the first of this process."""

    signature = "input: T -> data: T, first: int64[]"
    T = ANY
    stateful = True
    effects = Effects(is_collective=True)

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
        data, rows = gathered_rows(self, input, _keys(transport))
        return data, np.int64(sum(rows[: transport.cluster.rank]))


def _keys(transport: Transport) -> GroupKeys:
    """Those of exchanges of all processes."""
    return GroupKeys(transport.cluster.size, 0, 0)


cluster_reduce = make_function(_ClusterReduce)
cluster_broadcast = make_function(_ClusterBroadcast)
cluster_gather = make_function(_ClusterGather)
