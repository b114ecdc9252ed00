"""Joint computations of this process and the others of its cluster, each with its own tensor.

Before tensors are exchanged, all members announce their next operation. Any difference is an error in all of them, so
none waits for ever, and none gets another's numbers.
"""

import time
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.native_beats import SENDERS
from penstock._src.cluster.transport import Group, Transport
from penstock._src.cluster.transports.table import connect
from penstock._src.core.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    OpError,
    UnimplementedError,
)
from penstock._src.native.process.beats import send_beats
from penstock._src.util.dataclass import dataclass

SENDERS.append(send_beats)
KINDS = (
    "Reduce", "ReduceScatter", "Gather", "AllToAll", "Bcast", "GatherRows", "FromFirst", "ReduceAll",
    "Pipeline", "Communication",
)  # fmt: skip
# Their names in programs (ir/function.py).
EXCHANGES = {
    "Reduce": "all_reduce", "ReduceScatter": "reduce_scatter", "Gather": "all_gather", "AllToAll": "all_to_all",
}  # fmt: skip
MERGES = ("", "Add", "Mul", "Min", "Max")
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 "
    "complex64 complex128"
).split()
MOST_AXES = 8
OWN, WORDS = 5, 16  # words of an exchange besides its tensor, and all words that are sent
SENDS = 1  # the role of a broadcast's source
# Programs of GPUs add this to the word of the group's size, once per unit that they agree on in advance, to tell their exchanges from those of hosts.
SIZE, BY_GPUS = 2, 1 << 32


@dataclass(frozen=True)
class GroupKeys:
    """Keys of a group and its exchange: all members give the same."""

    size: int
    group: int
    instance: int


def is_alone(op: Any, size: int) -> bool:
    """True if a group has one member. A larger group means that this process is in a cluster.

    Raises:
      InvalidArgumentError: the size is not positive.
      DeadlineExceededError: it is not, and the op's time to wait for others is over.
      UnimplementedError: it is not, or the group is part of the cluster.
    """
    if size < 1:
        raise op.invalid(f"group_size must be positive. Received {size}")
    if size == 1:
        return True
    transport = connect()
    if transport is not None:
        return False
    if op.timeout_seconds > 0:
        time.sleep(op.timeout_seconds)
        raise DeadlineExceededError(
            f"{op.op_type}: Collective has timed out waiting for other workers."
        )
    raise UnimplementedError(
        f"{op.op_type}: a group of {size} devices; this process has one, and is in no cluster "
        f"(`penstock launch -n {size} SCRIPT` makes one)."
    )


def exchanged(
    op: Any,
    kind: str,
    values: np.ndarray,
    keys: GroupKeys,
    merge: str = "",
    final: str = "Id",
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Returns this member's result of an exchange of tensors.

    Args:
      op: for errors.
      kind: one of KINDS; of "Bcast" the values are those that are sent.
      values: of this member.
      keys: of the group.
      merge: the reduction, one of MERGES.
      final: "Div" divides a sum by the number of members.
      rows: the ranks of each group, if it is not the whole cluster.

    Raises:
      InvalidArgumentError: members have tensors of other shapes or types.
      InternalError: members are in other exchanges.
    """
    transport = connected(op)
    group = group_of(op, transport, keys.size, rows)
    role = SENDS if kind == "Bcast" else 0
    values = np.asarray(values, order="C")
    agree(op, transport, group, kind, values, keys, merge, role)
    if kind == "Bcast":
        return transport.broadcast(values, group.ranks.index(transport.cluster.rank), group)
    if kind == "FromFirst":
        return transport.broadcast(values, 0, group)
    if kind == "AllToAll" and (not values.ndim or len(values) != keys.size):
        raise op.invalid(
            f"input must have group_size = {keys.size} rows. Received shape {list(values.shape)}"
        )
    if kind == "ReduceScatter" and (not values.ndim or len(values) % keys.size):
        raise op.invalid(
            f"the rows of input must be a multiple of group_size = {keys.size}. Received shape "
            f"{list(values.shape)}"
        )
    (result,) = transport.exchange_packs(EXCHANGES[kind], [values], merge, group)
    return finished(result, final, keys.size)


def received(op: Any, place: np.ndarray, keys: GroupKeys) -> np.ndarray:
    """Returns the words that the sending member announces for an array of this shape and type."""
    transport = connected(op)
    group = group_of(op, transport, keys.size, None)
    roles = agree(op, transport, group, "Bcast", place, keys, "", 0)
    return transport.broadcast(place, roles.index(SENDS), group)


def gathered_rows(op: Any, values: np.ndarray, keys: GroupKeys) -> tuple[np.ndarray, list[int]]:
    """Returns the rows of all members one after the other, and how many each has."""
    transport = connected(op)
    group = group_of(op, transport, keys.size, None)
    values = np.asarray(values, order="C")
    rows = agree(op, transport, group, "GatherRows", values[:0], keys, "", len(values))
    return transport.gather_rows(values, rows, group), rows


def finished(total: np.ndarray, final: str, size: int) -> np.ndarray:
    """Returns a sum, divided by the number of members if `final` is "Div"."""
    if final != "Div":
        return total
    if np.issubdtype(total.dtype, np.integer):
        return total // size
    return total / total.dtype.type(size)


def connected(op: Any) -> Transport:
    """Returns the transport of this process.

    Raises:
      UnimplementedError: it works alone.
    """
    transport = connect()
    if transport is None:
        raise UnimplementedError(f"{op.op_type}: this process is not in a cluster.")
    return transport


def group_of(op: Any, transport: Transport, size: int, rows: np.ndarray | None) -> Group:
    """The group of this process, of `size` members; `rows` are the ranks of each, if it is not the whole cluster.

    Raises:
      UnimplementedError: it is part of the cluster, and nothing says which.
    """
    if rows is not None:
        for row in rows.tolist():
            if transport.cluster.rank in row:
                return Group(tuple(row))
        raise op.invalid(
            f"rank {transport.cluster.rank} is not found in group assignments {rows.tolist()}"
        )
    if size != transport.cluster.size:
        raise UnimplementedError(
            f"{op.op_type}: a group of {size} of the {transport.cluster.size} processes of the cluster. "
            "Only CollectiveReduceV3 and CollectiveAllToAllV3 say which these are."
        )
    return transport.everyone


def agree(
    op: Any,
    transport: Transport,
    group: Group,
    kind: str,
    values: np.ndarray,
    keys: GroupKeys,
    merge: str,
    role: int,
) -> list[int]:
    """Returns the roles of all members, once they have said that they are in one exchange of tensors of one shape.

    Raises:
      InvalidArgumentError: the tensors differ in shape or type.
      InternalError: the members are in other exchanges, or none or several of them send a broadcast.
    """
    words = tensor_words(op, kind, values.dtype.name, values.shape, keys, merge)
    words[-1] = role
    rows = transport.exchange_words(words, group, op.attrs.get("timeout_seconds", 0))
    if not (rows[:, :-1] == rows[0, :-1]).all():
        raise disagreement(op, transport, "", rows, group)
    if kind == "Bcast" and (rows[:, -1] == SENDS).sum() != 1:
        raise InternalError(
            f"{op.op_type}: Instance {keys.instance} needs one source for broadcast. Received "
            f"{int((rows[:, -1] == SENDS).sum())}."
        )
    return rows[:, -1].tolist()  # type: ignore[no-any-return]


def tensor_words(
    op: Any, kind: str, dtype: str, shape: Sequence[int], keys: GroupKeys, merge: str
) -> np.ndarray:
    """Return a member's description of an exchange of one tensor, as words."""
    if dtype not in DTYPES or len(shape) > MOST_AXES:
        raise op.invalid(f"tensors of {dtype} with {len(shape)} axes cannot be exchanged")
    own = [KINDS.index(kind), MERGES.index(merge), keys.size, keys.group, keys.instance]
    tensor = [DTYPES.index(dtype), len(shape), *map(int, shape)]
    words = np.zeros(WORDS, np.int64)
    words[: OWN + len(tensor)] = [*own, *tensor]
    return words


def told_words(told: str) -> np.ndarray:
    """Return a member's description of an exchange, given as text, as words."""
    words = np.zeros(WORDS, np.int64)
    text = told.encode()
    words[0], words[OWN], words[OWN + 1] = KINDS.index("ReduceAll"), zlib.crc32(text), len(text)
    return words


def disagreement(
    op: Any, transport: Transport, told: str, rows: np.ndarray, group: Group | None = None
) -> OpError:
    """Returns the error of members that are in different exchanges, or in one of different tensors.

    Args:
      op: for the error.
      transport: connects them.
      told: this member's text, if a text describes its exchange.
      rows: the words of all members.
      group: they; by default all processes.
    """
    group = group or transport.everyone
    if (rows[:, :OWN] != rows[0, :OWN]).any():
        return in_different_exchanges(op.op_type, rows, group.ranks)
    if KINDS[rows[0, 0]] != "ReduceAll":
        by_rank = dict(zip(group.ranks, map(_said, rows.tolist())))
        return InvalidArgumentError(
            f"{op.op_type}: Shape mismatch in the collective instance {rows[0, OWN - 1]}: by rank: {by_rank}."
        )
    text = np.frombuffer(told.encode(), np.uint8)
    lengths = rows[:, OWN + 1].tolist()
    joined = transport.gather_rows(text, lengths, group).tobytes()
    ends = np.cumsum([0, *lengths])
    texts = [joined[a:b].decode()[:400] for a, b in zip(ends, ends[1:])]
    shown = "; ".join(f"rank {i}: {text}" for i, text in zip(group.ranks, texts))
    return InvalidArgumentError(
        f"{op.op_type}: the processes of the cluster give different tensors. {shown}"
    )


def in_different_exchanges(name: str, rows: np.ndarray, ranks: Sequence[int]) -> InternalError:
    """Returns the error of members that are about to do different things.

    Args:
      name: of the op or strategy that the error names.
      rows: the words of the members.
      ranks: of them.
    """
    by_rank = dict(zip(ranks, map(_said, rows.tolist())))
    return InternalError(
        f"{name}: the processes of the cluster are in different exchanges, one at each rank: {by_rank}."
    )


def _said(words: list[int]) -> str:
    """Return a readable form of a member's description of an exchange."""
    kind, merge, size, group, instance, dtype, rank, *rest = words
    how = " by NCCL" if size >= BY_GPUS else ""
    if KINDS[kind] == "ReduceAll":
        return f"the sums of a strategy{how}"
    if KINDS[kind] == "Communication":
        return "the beginning of a strategy"
    if KINDS[kind] == "Pipeline":
        return f"step {instance} of a pipeline (phase {group})"
    what = f"{KINDS[kind]}{MERGES[merge] and ' ' + MERGES[merge]} of {DTYPES[dtype]}{rest[:rank]}"
    return f"{what}{how} (group {group}, instance {instance})"
