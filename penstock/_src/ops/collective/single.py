"""Collective ops for a group of one device.

The members of larger groups are joined where a graph has all of them (`together.py`); one that is left alone raises an error.
"""

import time
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import DeadlineExceededError, InternalError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.core.values.resources import Resource


def alone(op, group_size):
    """Raises an error unless a group has one member, after waiting for the others as long as the op says."""
    if group_size < 1:
        raise op.invalid(f"group_size must be positive. Received {int(group_size)}")
    if group_size > 1:
        if op.timeout_seconds > 0:
            time.sleep(op.timeout_seconds)
            raise DeadlineExceededError(
                f"{op.op_type}: Collective has timed out waiting for other workers."
            )
        raise UnimplementedError(
            f"{op.op_type}: a group of {int(group_size)} devices; this process has one."
        )


class _Collective(Op):
    """The tensor itself: the reduction, gather or exchange over a group of one."""

    stateful = True
    is_collective = True
    least_rank = 0

    def eager(self, input, *group):
        if input.ndim < self.least_rank:
            raise self.invalid(f"input should have rank > {self.least_rank - 1}")
        alone(self, self.group_size if "group_size" in self.attrs else int(group[0]))
        return input


class CollectiveReduce(_Collective):
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


class CollectiveReduceV2(_Collective):
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

    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T[input]"""
    T = FLOAT | INDEX
    merge_op: Literal["Min", "Max", "Mul", "Add"]
    final_op: Literal["Id", "Div"]
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False
    max_subdivs_per_device: int = -1


class CollectiveGather(_Collective):
    """The tensors of a group, one after the other."""

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

    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T"""
    least_rank = 1
    T = INDEX | frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False


class CollectiveBcastSend(_Collective):
    """A tensor for all members of a group."""

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

    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32
        -> data: T[input]"""
    T = INDEX | frozenset({dtypes.bool_, dtypes.float16, dtypes.float32, dtypes.float64})
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0


class CollectiveAllToAllV2(_Collective):
    """The parts that the members of a group have for this one."""

    signature = """input: T, group_size: int32, group_key: int32, instance_key: int32,
        ordering_token: Nordering_token * resource -> data: T[input]"""
    T = FLOAT | INDEX
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    is_stateless: bool = False


class Communicator(Resource):
    """A group of one."""


class CollectiveInitializeCommunicator(Op):
    """The group of a key."""

    signature = "group_key: int32, rank: int32, group_size: int32 -> communicator: resource[]"
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0

    def eager(self, group_key, rank, group_size):
        alone(self, group_size)
        if rank != 0:
            raise self.invalid(
                f"rank must be less than group size {int(group_size)}. Received {rank}"
            )
        return Communicator(str(int(group_key)))


class _WithCommunicator(Op):
    T = FLOAT | INDEX
    timeout_seconds: float = 0.0

    def eager(self, input, communicator, group_assignment):
        alone(self, group_assignment.shape[-1] if group_assignment.size else 1)
        return input


class CollectiveReduceV3(_WithCommunicator):
    """The sum (or product, least, greatest, mean) over a group."""

    signature = "input: T, communicator: resource, group_assignment: int32 -> data: T[input]"
    reduction: Literal["Min", "Max", "Mul", "Add"]


class CollectiveAllToAllV3(_WithCommunicator):
    """The parts that the members of a group have for this one."""

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
    """Receives a value from another member of the group, which a group of one does not have."""

    signature = "-> data: T[*shape]"
    T: _RECEIVED
    group_size: int
    group_key: int
    instance_key: int
    shape: TensorShape
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    stateful = True
    is_collective = True

    def eager(self):
        alone(self, self.group_size)
        raise _no_source(self.instance_key)


class CollectiveBcastRecvV2(Op):
    """Receives a value from another member of the group, which a group of one does not have."""

    signature = """group_size: int32, group_key: int32, instance_key: int32, shape: Tshape
        -> data: T[*shape]"""
    T: _RECEIVED
    Tshape: INDEX = dtypes.int32
    communication_hint: str = "auto"
    timeout_seconds: float = 0.0
    stateful = True
    is_collective = True

    def eager(self, group_size, group_key, instance_key, shape):
        alone(self, int(group_size))
        raise _no_source(int(instance_key))


def _no_source(instance: int) -> InternalError:
    return InternalError(
        f"Collective ops is aborted by: Instance {instance} found no source for broadcast.  This could "
        "mean that there were group_size=1 BcastRecvs but no BcastSend."
    )
