"""Exchanges with other processes of a cluster as parts of a program, which go on while the program computes.

Native code makes the exchanges that `members.py` and `cluster.py` make on the host, in the same order and of the same arrays. So a
process in which an operation is part of a program meets those in which the host runs it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.transports.table import connect
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.typesets import NARROW
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.function import EXCHANGES, GPU_EXCHANGES, ExchangeUnit
from penstock._src.util.flags import flags

WIDER = dict.fromkeys(NARROW, dtypes.float32)
MOST_ELEMENTS = (1 << 31) - 1  # of a pack: MPI counts them by 32 bits
MOST_OF_GPUS = (1 << 63) - 1  # NCCL by 64


def exchanging_transport(p: Any) -> Any:
    """Return the transport of a program's exchanges with other processes: by MPI's calls, or between GPUs.

    Args:
      p: the LoweringContext.

    Raises:
      NotLowerable: there is no transport, or programs of this device or under these flags cannot call it.
    """
    transport = connect()
    if transport is None:
        raise NotLowerable("this process is not in a cluster")
    if flags.check or flags.checked or flags.guard:
        raise NotLowerable("programs that are repeated or checked do not exchange values")
    if not p.is_for_cpu:
        if transport.gpus is None:
            raise NotLowerable("the processes of the cluster exchange values through the host")
    elif transport.native is None:
        raise NotLowerable("no transport that native code can call")
    elif flags.device != "CPU":
        raise NotLowerable("programs that run elsewhere do not exchange values")
    return transport


def reduced(
    p: Any,
    packs: Sequence[Sequence[Any]],
    unit: ExchangeUnit,
    final: str,
    wire: DType | None = None,
) -> list[Any]:
    """Returns the tensors of packs combined over all processes, as nodes of their types and shapes, in the packs' order.

    Args:
      p: the LoweringContext.
      packs: tensors that travel together, which have one type.
      unit: what the processes agree on.
      final: "Div" for means.
      wire: the type in which values travel and are added up; by default their own, and float32 for narrower floats.

    Raises:
      NotLowerable: a pack cannot be exchanged by a program.
    """
    transport = exchanging_transport(p)
    joined = [_joined(p, pack, transport, wire) for pack in packs]
    totals = p.exchange(joined, unit, transport.cluster.size)
    results = []
    for pack, total in zip(packs, totals, strict=True):
        for x, part in zip(pack, _parts(p, pack, total), strict=True):
            results.append(_finished(p, p.cast(part, x.dtype), final, transport.cluster.size))
    return results


def exchanged(p: Any, x: Any, unit: ExchangeUnit) -> Any:
    """Returns the result of an exchange of a tensor among the unit's processes, as a node of its type.

    Args:
      p: the LoweringContext.
      x: the tensor; but for an all-reduce it has rows (`Transport.exchange_packs`).
      unit: what the processes agree on.

    Raises:
      NotLowerable: it cannot be exchanged by a program.
    """
    transport = exchanging_transport(p)
    members = len(unit.ranks or transport.everyone)
    if unit.merge:
        (result,) = p.exchange([_joined(p, [x], transport, None)], unit, members)
        return p.cast(result, x.dtype)
    require_exchangeable(p, transport, x, is_moved=True)
    if unit.kind not in kinds_of(p, transport):
        raise NotLowerable(f"an exchange of the kind {unit.kind} runs on the host")
    return p.exchange([x], unit, members)[0]


def kinds_of(p: Any, transport: Any) -> tuple[str, ...]:
    """The kinds of exchanges that a program can make, of those of ExchangeUnit."""
    return GPU_EXCHANGES if not p.is_for_cpu else EXCHANGES


def require_exchangeable(p: Any, transport: Any, x: Any, is_moved: bool = False) -> None:
    """Raises NotLowerable if programs cannot exchange an array: add it up, or move it as it is."""
    is_of_gpu = not p.is_for_cpu
    most = MOST_OF_GPUS if is_of_gpu else MOST_ELEMENTS
    if is_moved:
        require_countable(int(x.size) * x.dtype.size, "bytes", most)
        return
    require_countable(int(x.size), f"elements of {x.dtype.name}", most)
    calls = transport.gpus if is_of_gpu else transport.native
    if x.dtype.name not in calls.types:
        raise NotLowerable(f"values of {x.dtype.name} are not exchanged by programs")


def require_countable(count: int, what: str, most: int) -> None:
    """Raises NotLowerable if there is nothing to exchange, or more than is counted."""
    if not 0 < count <= most:
        raise NotLowerable(f"{count} {what} are not exchanged by programs")


def _joined(p: Any, pack: Sequence[Any], transport: Any, wire: DType | None) -> Any:
    """A pack as one array of a type that is reduced."""
    dtype: DType = wire or WIDER.get(pack[0].dtype, pack[0].dtype)
    wide = [p.cast(x, dtype) for x in pack]
    whole = wide[0] if len(wide) == 1 else p.concat([p.reshape(x, (x.size,)) for x in wide], 0)
    require_exchangeable(p, transport, whole)
    return whole


def _parts(p: Any, pack: Sequence[Any], total: Any) -> list[Any]:
    """The results of a pack's tensors."""
    if len(pack) == 1:
        return [total]
    parts, at = [], 0
    for x in pack:
        end = at + dims.product(x.shape)
        parts.append(p.reshape(p.slice(total, [at], [end]), x.shape))
        at = end
    return parts


def _finished(p: Any, total: Any, final: str, count: int) -> Any:
    """A sum, or the mean."""
    if final != "Div":
        return total
    size = p.constant(np.array(count, total.dtype.np), total.dtype)
    return p.floordiv(total, size) if total.dtype.is_integer else p.div(total, size)
