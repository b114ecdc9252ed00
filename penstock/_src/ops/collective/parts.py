"""Tensors in equal parts, one in each process: the parts of sums, and tensors of parts that are gathered.

A part of a tensor of n elements is a vector of n / processes of them, rounded up; zeros fill the last one. Parts of several tensors travel together.
"""

import functools
from typing import Any, Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.registry import make_function
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY
from penstock._src.ir.function import ExchangeUnit
from penstock._src.ops.collective.cluster import PACK_BYTES, packs_of
from penstock._src.ops.collective.lowering import (
    WIDER,
    exchanging_transport,
    require_exchangeable,
)
from penstock._src.ops.collective.members import connected, disagreement, told_words
from penstock._src.ops.math.unary import convert


def part_size(elements: int, size: int) -> int:
    """Return the number of a tensor's elements that each of `size` processes holds."""
    return -(-elements // size)


class _OwnPart(Op):
    """This process's part of a tensor that all have.

    scatters  whether a sum that nothing else reads is computed in shards (graph/passes/scattered_sums.py)
    """

    signature = "input: T -> output: T"
    T = ANY
    size: int
    index: int
    scatters: bool = False

    def shape(self, input):
        count = input.num_elements()
        return [None if count is None else part_size(count, self.size)]

    def eager(self, input):
        flat = np.asarray(input).reshape(-1)
        count = part_size(flat.size, self.size)
        own = flat[self.index * count : (self.index + 1) * count]
        return np.pad(own, (0, count - own.size)) if own.size < count else own.copy()

    def lower(self, p, input):
        count = part_size(int(input.size), self.size)
        flat = p.reshape(input, (input.size,))
        begin, end = self.index * count, min((self.index + 1) * count, int(input.size))
        own = p.slice(flat, [min(begin, end)], [end])
        return _padded(p, own, count)


class _Parts(Op):
    """An exchange of parts of several tensors between all processes.

    ahead  in programs: see `ExchangeUnit`
    """

    is_abstract = True
    T = ANY
    stateful = True
    effects = Effects(is_collective=True)
    pack_bytes: int = 0
    ahead: int = 0

    def _agreed(self, inputs):
        """The transport, once all are about to do the same."""
        transport = connected(self)
        description = self._told(inputs)
        rows = transport.exchange_words(told_words(description), transport.everyone)
        if (rows != rows[0]).any():
            raise disagreement(self, transport, description, rows)
        return transport

    def _unit(self, transport, inputs, kind, merge):
        description = self._told(inputs)
        disagree = functools.partial(disagreement, self, transport, description)
        words = tuple(told_words(description).tolist())
        return ExchangeUnit(words, merge, disagree, kind, ahead=self.ahead)

    def _told(self, inputs):
        operands = ", ".join(f"{x.dtype.name}{list(map(int, x.shape))}" for x in inputs)
        return f"{type(self).__name__} {self._details} in packs of {self.pack_bytes or PACK_BYTES}: {operands}"

    _details = ""

    def _packs(self, inputs):
        return packs_of(inputs, self.pack_bytes or PACK_BYTES)


class _SumOfParts(_Parts):
    """This process's part of the sum, or mean, of each tensor over all processes.

    wire  the type in which the tensors travel and are added up, if it is narrower than their own
    """

    signature = "inputs: *T -> outputs: *T"
    final_op: Literal["Id", "Div"] = "Id"
    wire: Literal["", "bfloat16"] = ""
    size: int

    def shape(self, inputs):
        counts = [x.num_elements() for x in inputs]
        return [[None if n is None else part_size(n, self.size)] for n in counts]

    @property
    def _details(self):
        return f"{self.final_op} {self.wire}"

    def _travels_as(self, x):
        return dtypes.as_dtype(self.wire) if self.wire else WIDER.get(x.dtype, x.dtype)

    def eager(self, inputs):
        transport = self._agreed(inputs)
        sent = []
        packs = self._packs(inputs)
        for pack in packs:
            rows = [self._rows(inputs[i]) for i in pack]
            sent.append(np.concatenate(rows, 1))
        totals = transport.exchange_packs(
            "reduce_scatter", sent, "Add", transport.everyone, widen=not self.wire
        )
        results: list[Any] = [None] * len(inputs)
        for pack, total in zip(packs, totals, strict=True):
            ends = np.cumsum([part_size(inputs[i].size, self.size) for i in pack])[:-1]
            for i, part in zip(pack, np.split(total.reshape(-1), ends), strict=True):
                part = part.astype(inputs[i].dtype)
                divided = part / part.dtype.type(self.size) if self.final_op == "Div" else part
                results[i] = divided.astype(part.dtype)
        return results

    def _rows(self, x):
        """A tensor as rows, one for each process."""
        flat = x.reshape(-1)
        count = part_size(flat.size, self.size)
        flat = np.pad(flat, (0, count * self.size - flat.size)).reshape(self.size, count)
        return flat.astype(dtypes.as_dtype(self.wire).np) if self.wire else flat

    def lower(self, p, inputs):
        transport = exchanging_transport(p)
        unit = self._unit(transport, inputs, "reduce_scatter", "Add")
        packs = self._packs(inputs)
        joined = []
        for pack in packs:
            dtype = self._travels_as(inputs[pack[0]])
            rows = []
            for i in pack:
                count = part_size(int(inputs[i].size), self.size)
                flat = _padded(p, p.reshape(inputs[i], (inputs[i].size,)), count * self.size)
                rows.append(p.reshape(p.cast(flat, dtype), (self.size, count)))
            whole = rows[0] if len(rows) == 1 else p.concat(rows, 1)
            require_exchangeable(p, transport, whole)
            joined.append(whole)
        results: list[Any] = [None] * len(inputs)
        for pack, total in zip(packs, p.exchange(joined, unit, self.size), strict=True):
            at = 0
            for i in pack:
                x = inputs[i]
                count = part_size(int(x.size), self.size)
                part = p.cast(
                    p.reshape(p.slice(total, [0, at], [1, at + count]), (count,)), x.dtype
                )
                if self.final_op == "Div":
                    part = p.div(part, p.constant(np.array(self.size, x.dtype.np), x.dtype))
                results[i] = part
                at += count
        return results


class _GatherParts(_Parts):
    """Gathered tensors of some shapes. Each process has a shard of each, which is cast to another type for the transfer."""

    signature = "inputs: *T -> outputs: *Tout"
    Tout: list[DType]
    shapes: list[TensorShape]
    size: int

    def shape(self, _inputs):
        return list(self.shapes)

    @property
    def _details(self):
        return ", ".join(str(list(shape)) for shape in self.shapes)

    def eager(self, inputs):
        inputs = [convert(x, to.np, False) for x, to in zip(inputs, self.Tout, strict=True)]
        transport = self._agreed(inputs)
        packs = self._packs(inputs)
        sent = [np.concatenate([inputs[i] for i in pack])[None] for pack in packs]
        results: list[Any] = [None] * len(inputs)
        gathered = transport.exchange_packs("all_gather", sent, "", transport.everyone)
        for pack, rows in zip(packs, gathered, strict=True):
            ends = np.cumsum([inputs[i].size for i in pack])[:-1]
            for i, part in zip(pack, np.split(rows, ends, axis=1), strict=True):
                shape = self._whole(i)
                results[i] = part.reshape(-1)[: int(np.prod(shape))].reshape(shape)
        return results

    def _whole(self, i):
        return tuple(int(d) for d in self.shapes[i])

    def lower(self, p, inputs):
        inputs = [p.cast(x, to) for x, to in zip(inputs, self.Tout, strict=True)]
        transport = exchanging_transport(p)
        unit = self._unit(transport, inputs, "all_gather", "")
        packs = self._packs(inputs)
        joined = []
        for pack in packs:
            parts = [inputs[i] for i in pack]
            whole = parts[0] if len(parts) == 1 else p.concat(parts, 0)
            require_exchangeable(p, transport, whole, is_moved=True)
            joined.append(p.reshape(whole, (1, whole.size)))
        results: list[Any] = [None] * len(inputs)
        for pack, rows in zip(packs, p.exchange(joined, unit, self.size), strict=True):
            at = 0
            for i in pack:
                count, shape = int(inputs[i].size), self._whole(i)
                flat = p.reshape(
                    p.slice(rows, [0, at], [self.size, at + count]), (self.size * count,)
                )
                results[i] = p.reshape(p.slice(flat, [0], [int(np.prod(shape))]), shape)
                at += count
        return results


def _padded(p: Any, flat: Any, count: int) -> Any:
    """A vector with zeros at its end, up to a number of elements."""
    missing = count - int(flat.size)
    if not missing:
        return flat
    zeros = p.constant(np.zeros(missing, flat.dtype.np), flat.dtype)
    return p.concat([flat, zeros], 0)


own_part = make_function(_OwnPart)
gather_parts = make_function(_GatherParts)
