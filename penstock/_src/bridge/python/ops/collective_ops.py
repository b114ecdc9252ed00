"""`tensorflow.python.ops.collective_ops`: sums, gathers and exchanges over a group of devices of this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.core.registry import raw


def _check_group(task: str, group_size: int, least: int) -> None:
    if group_size < least:
        raise ValueError(
            f"Parameter `group_size` to {task} must be at least {least}. Received: {group_size}."
        )


def _tokens(ordering_token: Any) -> list[Any]:
    return [] if ordering_token is None else [ordering_token]


def all_reduce(
    t: Any,
    group_size: int,
    group_key: int,
    instance_key: int,
    merge_op: str = "Add",
    final_op: str = "Id",
    subdiv_offsets: Sequence[int] = (0,),
    communication_hint: str = "auto",
    timeout: float = 0,
) -> Any:
    """Returns the sum, product, least or greatest of a tensor over a group.

    Args:
      t: the tensor.
      group_size, group_key: the group.
      instance_key: which of its reductions this is.
      merge_op: "Add", "Mul", "Min" or "Max".
      final_op: "Id", or "Div" to divide by the size.
      subdiv_offsets, communication_hint, timeout: how to communicate.

    Raises:
      ValueError: the group is empty.
    """
    _check_group("all_reduce", group_size, 1)
    return raw.CollectiveReduce(
        input=t,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        merge_op=merge_op,
        final_op=final_op,
        subdiv_offsets=list(subdiv_offsets),
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
    )


def all_reduce_v2(
    t: Any,
    group_size: Any,
    group_key: Any,
    instance_key: Any,
    merge_op: str = "Add",
    final_op: str = "Id",
    communication_hint: str = "auto",
    timeout: float = 0,
    ordering_token: Any = None,
    max_subdivs_per_device: int = -1,
    name: str | None = None,
) -> Any:
    """Returns what `all_reduce` does; the group is given by tensors."""
    return raw.CollectiveReduceV2(
        input=t,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        ordering_token=_tokens(ordering_token),
        merge_op=merge_op,
        final_op=final_op,
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
        max_subdivs_per_device=max_subdivs_per_device,
        name=name,
    )


def all_reduce_v3(
    communicator: Any,
    t: Any,
    reduction: str = "Add",
    group_assignment: Any = None,
    timeout_seconds: float | None = None,
) -> Any:
    """Returns what `all_reduce` does; the group is that of a communicator."""
    return raw.CollectiveReduceV3(
        input=t,
        communicator=communicator,
        group_assignment=[] if group_assignment is None else group_assignment,
        reduction=reduction,
        timeout_seconds=timeout_seconds or 0.0,
    )


def all_gather(
    t: Any,
    group_size: int,
    group_key: int,
    instance_key: int,
    communication_hint: str = "auto",
    timeout: float = 0,
) -> Any:
    """Returns the tensors of a group, one after the other.

    Raises:
      ValueError: the group is empty.
    """
    _check_group("all_gather", group_size, 1)
    return raw.CollectiveGather(
        input=t,
        shape=[0],
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
    )


def all_gather_v2(
    t: Any,
    group_size: Any,
    group_key: Any,
    instance_key: Any,
    communication_hint: str = "auto",
    timeout: float = 0,
    ordering_token: Any = None,
    name: str | None = None,
) -> Any:
    """Returns what `all_gather` does; the group is given by tensors."""
    return raw.CollectiveGatherV2(
        input=t,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        ordering_token=_tokens(ordering_token),
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
        name=name,
    )


def broadcast_send(
    t: Any,
    shape: Any,
    dtype: Any,
    group_size: int,
    group_key: int,
    instance_key: int,
    communication_hint: str = "auto",
    timeout: float = 0,
) -> Any:
    """Sends a tensor to the others of a group.

    Raises:
      ValueError: the group has no others, or the tensor is not of this shape and type.
    """
    _check_group("broadcast_send", group_size, 2)
    if t.shape != shape:
        raise ValueError(
            "Shape of broadcast_send tensor `t` not equal to declared shape. "
            f"Received {t.shape}, expected {shape}."
        )
    if t.dtype != dtype:
        raise ValueError(
            "Type of broadcast_send tensor `t` not equal to declared type. "
            f"Received {t.dtype}, expected {dtype}."
        )
    return raw.CollectiveBcastSend(
        input=t,
        shape=shape,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
    )


def broadcast_send_v2(
    t: Any,
    group_size: Any,
    group_key: Any,
    instance_key: Any,
    communication_hint: str = "auto",
    timeout: float = 0,
) -> Any:
    """Sends a tensor to the others of a group, which is given by tensors."""
    return raw.CollectiveBcastSendV2(
        input=t,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
    )


def broadcast_recv(
    shape: Any,
    dtype: Any,
    group_size: int,
    group_key: int,
    instance_key: int,
    communication_hint: str = "auto",
    timeout: float = 0,
) -> Any:
    """Receives a tensor from another of a group.

    Raises:
      ValueError: the group has no others.
    """
    _check_group("broadcast_send", group_size, 2)
    return raw.CollectiveBcastRecv(
        shape=shape,
        T=dtype,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
    )


def broadcast_recv_v2(
    shape: Any,
    dtype: Any,
    group_size: Any,
    group_key: Any,
    instance_key: Any,
    communication_hint: str = "auto",
    timeout: float = 0,
) -> Any:
    """Receives a tensor from another of a group, which is given by tensors."""
    return raw.CollectiveBcastRecvV2(
        T=dtype,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        shape=shape,
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
    )


def initialize_communicator(
    group_key: Any,
    rank: Any,
    group_size: Any,
    communication_hint: str = "auto",
    timeout_seconds: float = 0,
) -> Any:
    """Returns the communicator of a group."""
    return raw.CollectiveInitializeCommunicator(
        group_key=group_key,
        rank=rank,
        group_size=group_size,
        communication_hint=communication_hint,
        timeout_seconds=timeout_seconds,
    )


def all_to_all_v2(
    t: Any,
    group_size: Any,
    group_key: Any,
    instance_key: Any,
    communication_hint: str = "auto",
    timeout: float = 0,
    ordering_token: Any = None,
    name: str | None = None,
) -> Any:
    """Returns the parts that the members of a group have for this one."""
    return raw.CollectiveAllToAllV2(
        input=t,
        group_size=group_size,
        group_key=group_key,
        instance_key=instance_key,
        ordering_token=_tokens(ordering_token),
        communication_hint=communication_hint.lower(),
        timeout_seconds=timeout,
        name=name,
    )


def all_to_all_v3(
    communicator: Any,
    t: Any,
    group_assignment: Any = None,
    timeout_seconds: float | None = None,
) -> Any:
    """Returns what `all_to_all_v2` does; the group is that of a communicator."""
    return raw.CollectiveAllToAllV3(
        input=t,
        communicator=communicator,
        group_assignment=[] if group_assignment is None else group_assignment,
        timeout_seconds=timeout_seconds or 0.0,
    )


def assign_group_v2(group_assignment: Any, device_index: Any, base_key: Any) -> tuple[Any, Any]:
    """Returns the size and the key of the group of a device."""
    size, key = raw.CollectiveAssignGroupV2(
        group_assignment=group_assignment, device_index=device_index, base_key=base_key
    )
    return size, key
