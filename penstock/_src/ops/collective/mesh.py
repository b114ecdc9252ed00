"""Exchanges along one dimension of a mesh of processes, used by DTensors between the ops on their shards.

All processes run one program, so these need no keys. `members` are the ranks of all groups, one after the other, each of `size`
processes in the order of their shards. Passes add these ops to graphs whose gradients exist by then, so they have none.
"""

import functools
from typing import Any, Literal

import numpy as np

from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.registry import make_function
from penstock._src.core.typesets import ANY
from penstock._src.ir.function import ExchangeUnit
from penstock._src.ops.collective.lowering import exchanged as exchanged_in_program
from penstock._src.ops.collective.lowering import exchanging_transport
from penstock._src.ops.collective.members import (
    EXCHANGES,
    GroupKeys,
    disagreement,
    exchanged,
    group_of,
    tensor_words,
)


class _Along(Op):
    """An exchange within each group of processes."""

    is_abstract = True
    signature = "input: T -> output: T"
    T = ANY
    size: int
    members: list[int]
    stateful = True
    effects = Effects(is_collective=True)

    def _exchanged(self, kind: str, values: Any, merge: str = "") -> np.ndarray:
        return exchanged(self, kind, values, self._keys, merge, rows=self._groups)

    def _exchanged_in_program(self, p: Any, kind: str, x: Any, merge: str = "") -> Any:
        transport = exchanging_transport(p)
        group = group_of(self, transport, self.size, self._groups)
        words = tensor_words(self, kind, x.dtype.name, x.shape, self._keys, merge)
        disagree = functools.partial(disagreement, self, transport, "", group=group)
        description = tuple(words.tolist())
        unit = ExchangeUnit(description, merge, disagree, EXCHANGES[kind], group.ranks)
        return exchanged_in_program(p, x, unit)

    @property
    def _keys(self) -> GroupKeys:
        return GroupKeys(self.size, 0, 0)

    @property
    def _groups(self) -> np.ndarray:
        """The ranks of each group."""
        return np.array(self.members).reshape(-1, self.size)


class _MeshReduce(_Along):
    """The sum (product, least, greatest) of the tensors of a group."""

    signature = "input: T -> output: T[input]"
    T = ANY
    merge_op: Literal["Min", "Max", "Mul", "Add"] = "Add"

    def eager(self, input):
        return self._exchanged("Reduce", input, self.merge_op)

    def lower(self, p, input):
        return self._exchanged_in_program(p, "Reduce", input, self.merge_op)


class _MeshScatter(_Along):
    """This process's part along an axis of the sum of the tensors of a group."""

    signature = "input: T -> output: T"
    T = ANY
    axis: int

    def shape(self, input):
        return divided(input, self.axis, self.size)

    def eager(self, input):
        parts = np.stack(np.split(input, self.size, self.axis))
        total = self._exchanged("ReduceScatter", parts, "Add")
        return total.reshape(parts.shape[1:])

    def lower(self, p, input):
        parts = stacked(self, p, input, self.axis)
        total = self._exchanged_in_program(p, "ReduceScatter", parts, "Add")
        return p.reshape(total, parts.shape[1:])


class _MeshGather(_Along):
    """The tensors of a group, joined along an axis."""

    signature = "input: T -> output: T"
    T = ANY
    axis: int

    def shape(self, input):
        return multiplied(input, self.axis, self.size)

    def eager(self, input):
        joined = self._exchanged("Gather", np.asarray(input, order="C")[None])
        return np.concatenate(list(joined), self.axis)

    def lower(self, p, input):
        joined = self._exchanged_in_program(p, "Gather", p.reshape(input, (1, *input.shape)))
        return unstacked(p, joined, self.axis)


class _MeshExchange(_Along):
    """The shards along another axis: divided along `split_axis`, joined along `join_axis`."""

    signature = "input: T -> output: T"
    T = ANY
    split_axis: int
    join_axis: int

    def shape(self, input):
        return multiplied(divided(input, self.split_axis, self.size), self.join_axis, self.size)

    def eager(self, input):
        if input.shape[self.split_axis] % self.size:
            raise self.invalid(_indivisible(input.shape, self.split_axis, self.size))
        parts = np.stack(np.split(input, self.size, self.split_axis))
        return np.concatenate(list(self._exchanged("AllToAll", parts)), self.join_axis)

    def lower(self, p, input):
        parts = stacked(self, p, input, self.split_axis)
        return unstacked(p, self._exchanged_in_program(p, "AllToAll", parts), self.join_axis)


class _MeshFirst(_Along):
    """The tensor of a group's first process."""

    signature = "input: T -> output: T[input]"
    T = ANY

    def eager(self, input):
        return self._exchanged("FromFirst", input)


class _MeshPart(Op):
    """Part `index` of `size` equal parts along an axis; an axis of one element, which broadcasts, stays as it is."""

    signature = "input: T -> output: T"
    T = ANY
    size: int
    index: int
    axis: int

    def shape(self, input):
        return divided(input, self.axis, self.size)

    def eager(self, input):
        begin, end = self._bounds(input.shape)
        cut = (slice(None),) * self.axis + (slice(begin, end),)
        return np.asarray(input[cut], order="C")

    def lower(self, p, input):
        begin, end = self._bounds(input.shape)
        begins, ends = [0] * len(input.shape), list(input.shape)
        begins[self.axis], ends[self.axis] = begin, end
        return p.slice(input, begins, ends)

    def _bounds(self, shape):
        extent = shape[self.axis]
        if extent == 1:
            return 0, 1
        if extent % self.size:
            raise self.invalid(_indivisible(shape, self.axis, self.size))
        part = extent // self.size
        return self.index * part, (self.index + 1) * part


def stacked(op: Any, p: Any, x: Any, axis: int) -> Any:
    """A node's equal parts along an axis, along a new first axis."""
    if x.shape[axis] % op.size:
        raise op.invalid(_indivisible(x.shape, axis, op.size))
    shape = (*x.shape[:axis], op.size, x.shape[axis] // op.size, *x.shape[axis + 1 :])
    order = [axis, *[i for i in range(len(shape)) if i != axis]]
    return p.transpose(p.reshape(x, shape), order)


def unstacked(p: Any, x: Any, axis: int) -> Any:
    """A node's rows, joined along an axis of theirs."""
    count, *shape = x.shape
    order = list(range(1, len(x.shape)))
    order.insert(axis, 0)
    shape[axis] = shape[axis] * count
    return p.reshape(p.transpose(x, order), shape)


def divided(shape: Any, axis: int, size: int) -> Any:
    """The static shape of a part along an axis."""
    return _scaled(shape, axis, lambda extent: extent if extent == 1 else extent // size)


def multiplied(shape: Any, axis: int, size: int) -> Any:
    """The static shape of `size` parts along an axis."""
    return _scaled(shape, axis, lambda extent: extent * size)


def _scaled(shape: Any, axis: int, function: Any) -> Any:
    dims = getattr(shape, "_dims", shape)
    if dims is None:
        return None
    return [
        function(extent) if at == axis and extent is not None else extent
        for at, extent in enumerate(dims)
    ]


def _indivisible(shape: Any, axis: int, size: int) -> str:
    return f"axis {axis} of a tensor of shape {list(map(int, shape))} cannot be cut into {size} equal parts"


mesh_reduce = make_function(_MeshReduce)
mesh_scatter = make_function(_MeshScatter)
mesh_gather = make_function(_MeshGather)
mesh_exchange = make_function(_MeshExchange)
mesh_first = make_function(_MeshFirst)
mesh_part = make_function(_MeshPart)
