"""Collective ops of this process's member of a group.

A group of one gets its own tensor. The members of a larger one are joined where a graph has all of them (`together.py`), or are the
processes of a cluster (`members.py`); one that is left alone raises an error.
"""

import functools
from typing import ClassVar, Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.errors import InternalError
from penstock._src.core.op import Op, at_least
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.core.values.resources import Resource
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.function import ExchangeUnit
from penstock._src.ops.collective.lowering import exchanging_transport, reduced
from penstock._src.ops.collective.members import (
    GroupKeys,
    disagreement,
    exchanged,
    is_alone,
    received,
    tensor_words,
)


class _Collective(Op):
    """A reduction, gather or exchange over a group; over a group of one the tensor itself."""

    stateful = True
    effects = Effects(is_collective=True)
    least_rank = 0
    kind: ClassVar[str]  # of members.py

    def eager(self, input, *group):
        if input.ndim < self.least_rank:
            raise self.invalid(f"input should have rank > {self.least_rank - 1}")
        keys = _keys(self, group)
        if is_alone(self, keys.size):
            return input
        reduction = (self.attrs.get("merge_op", ""), self.attrs.get("final_op", "Id"))
        return exchanged(self, self.kind, input, keys, *reduction)


def _keys(op, group):
    """The size and keys of an op's group, which are attributes or begin its further arguments."""
    if "group_size" in op.attrs:
        return GroupKeys(op.group_size, op.group_key, op.instance_key)
    return GroupKeys(*(int(number) for number in group[:3]))


class _Reducing(_Collective):
    """A reduction, which a program makes itself where the group is all processes."""

    kind = "Reduce"

    def lower(self, p, input, *group):
        transport = exchanging_transport(p)
        keys = self._static_keys(p, group)
        if keys.size != transport.cluster.size or self.timeout_seconds:
            raise NotLowerable("a group that is not the whole cluster, or has a timeout of its own")
        words = tensor_words(self, self.kind, input.dtype.name, input.shape, keys, self.merge_op)
        disagree = functools.partial(disagreement, self, transport, "")
        unit = ExchangeUnit(tuple(words.tolist()), self.merge_op, disagree)
        return reduced(p, [[input]], unit, self.final_op)[0]

    def _static_keys(self, p, group):
        if "group_size" in self.attrs:
            return _keys(self, ())
        known = [p.known.value(node) for node in group[:3]]
        if any(value is None for value in known):
            raise NotLowerable("the group is not known when the program is made")
        return _keys(self, known)


class CollectiveReduce(_Reducing):
    """The sum (or product, least, greatest) over a group."""

    signature = "input: T -> data: T[input]"
    T = FLOAT | INDEX
    group_size: int
    group_key: int
    instance_key: int
    merge_op: Literal["Min", "Max", "Mul", "Add"]
    final_op: Literal["Id", "Div"]
    subdiv_offsets: list[int]
    wait_for: list[int] = []
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0


class CollectiveReduceV2(_Reducing):
    """The sum (or product, least, greatest) over a group."""

    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T[input]"""
    T = FLOAT | INDEX
    merge_op: Literal["Min", "Max", "Mul", "Add"]
    final_op: Literal["Id", "Div"]
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False
    max_subdivs_per_device: int = -1


class CollectiveReduceScatterV2(_Collective):
    """This member's part of the sum over a group."""

    kind = "ReduceScatter"
    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T[input]"""
    ranks = {"input": at_least(1)}
    T = FLOAT | INDEX
    merge_op: Literal["Min", "Max", "Mul", "Add"]
    final_op: Literal["Id", "Div"]
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False
    max_subdivs_per_device: int = -1


class CollectiveGather(_Collective):
    """The tensors of a group, one after the other."""

    kind = "Gather"
    signature = "input: T -> data: T"
    least_rank = 1
    T = INDEX | frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    group_size: int
    group_key: int
    instance_key: int
    shape: TensorShape
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0


class CollectiveGatherV2(_Collective):
    """The tensors of a group, one after the other."""

    kind = "Gather"
    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T"""
    ranks = {"input": at_least(1)}
    least_rank = 1
    T = INDEX | frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False


class CollectiveBcastSend(_Collective):
    """A tensor for all members of a group."""

    kind = "Bcast"
    signature = "input: T -> data: T[input]"
    T = INDEX | frozenset({dtypes.bool_, dtypes.float16, dtypes.float32, dtypes.float64})
    group_size: int
    group_key: int
    instance_key: int
    shape: TensorShape
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0


class CollectiveBcastSendV2(_Collective):
    """A tensor for all members of a group."""

    kind = "Bcast"
    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32
        -> data: T[input]"""
    T = INDEX | frozenset({dtypes.bool_, dtypes.float16, dtypes.float32, dtypes.float64})
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0


class CollectiveAllToAllV2(_Collective):
    """The parts that the members of a group have for this one."""

    kind = "AllToAll"
    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T[input]"""
    T = FLOAT | INDEX
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False


class Communicator(Resource):
    """A group of `size` processes by its key."""

    size = 1
    key = 0


class CollectiveInitializeCommunicator(Op):
    """The group of a key."""

    signature = "group_key: int32, rank: int32, group_size: int32 -> communicator: resource[]"
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0

    def eager(self, group_key, rank, group_size):
        is_alone(self, int(group_size))
        if not 0 <= rank < group_size:
            raise self.invalid(
                f"rank must be less than group size {int(group_size)}. Received {rank}"
            )
        communicator = Communicator(str(int(group_key)))
        communicator.size, communicator.key = int(group_size), int(group_key)
        return communicator


class _WithCommunicator(Op):
    T = FLOAT | INDEX
    timeout_seconds: float = 0.0
    kind: ClassVar[str]
    stateful = True

    def eager(self, input, communicator, group_assignment):
        size = communicator.size
        rows = group_assignment if group_assignment.size else np.arange(size)[np.newaxis]
        if is_alone(self, rows.shape[-1]):
            return input
        keys = GroupKeys(rows.shape[-1], communicator.key, 0)
        reduction = (self.attrs.get("reduction", ""), "Id")
        return exchanged(self, self.kind, input, keys, *reduction, rows)


class CollectiveReduceV3(_WithCommunicator):
    """The sum (or product, least, greatest, mean) over a group."""

    kind = "Reduce"
    signature = "input: T, communicator: resource, group_assignment: int32 -> data: T[input]"
    reduction: Literal["Min", "Max", "Mul", "Add"]


class CollectiveAllToAllV3(_WithCommunicator):
    """The parts that the members of a group have for this one."""

    kind = "AllToAll"
    signature = "input: T, communicator: resource, group_assignment: int32 -> data: T[input]"


class CollectiveAssignGroupV2(Op):
    """The size and key of the group that a device is in."""

    signature = """group_assignment: int32, device_index: int32, base_key: int32
        -> group_size: int32[], group_key: int32[]"""
    stateful = True

    def eager(self, group_assignment, device_index, base_key):
        for number, group in enumerate(group_assignment):
            if device_index in group:
                return np.int32(len(group)), np.int32(base_key + number)
        raise self.invalid(f"Device index {int(device_index)} is not found in group assignments")


_RECEIVED = INDEX | {dtypes.bool_, dtypes.float16, dtypes.float32, dtypes.float64}


class CollectiveBcastRecv(Op):
    """Receives the value that a member of the group sends."""

    signature = "-> data: T[*shape]"
    T: _RECEIVED
    group_size: int
    group_key: int
    instance_key: int
    shape: TensorShape
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    stateful = True
    effects = Effects(is_collective=True)

    def eager(self):
        keys = _keys(self, ())
        if is_alone(self, keys.size):
            raise _no_source(keys.instance)
        return received(self, np.empty(self.shape.as_list(), self.T.np), keys)


class CollectiveBcastRecvV2(Op):
    """Receives the value that a member of the group sends."""

    signature = """group_size: int32, group_key: int32, instance_key: int32, shape: Tshape
        -> data: T[*shape]"""
    T: _RECEIVED
    Tshape: INDEX = dtypes.int32
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    stateful = True
    effects = Effects(is_collective=True)

    def eager(self, group_size, group_key, instance_key, shape):
        keys = _keys(self, (group_size, group_key, instance_key))
        if is_alone(self, keys.size):
            raise _no_source(keys.instance)
        return received(self, np.empty([int(n) for n in shape], self.T.np), keys)


def _no_source(instance: int) -> InternalError:
    return InternalError(
        f"Collective ops is aborted by: Instance {instance} found no source for broadcast.  This could "
        "mean that there were group_size=1 BcastRecvs but no BcastSend."
    )
