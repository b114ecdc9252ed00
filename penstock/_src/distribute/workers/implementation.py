"""Exchange of values between a strategy's workers: through the host, or by NCCL between their GPUs."""

from __future__ import annotations

import hashlib
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penstock._src.cluster.transport import GpuExchanges, Transport
from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.devices.accelerator import accelerator
from penstock._src.devices.gpu.cuda.nccl.calls import NOT_BLOCKING, TYPES
from penstock._src.distribute.workers.communication import (
    CommunicationImplementation as Implementation,
)
from penstock._src.ops.collective.members import KINDS, OWN, WORDS, in_different_exchanges
from penstock._src.util.process.installing import pip_install

LOG = logging.getLogger("tensorflow")
ABLE, ON_CPU, MISSING, TOO_OLD = range(4)
WHY_NOT = {
    ON_CPU: "runs on the CPU",
    MISSING: "has no NCCL ({install})",
    TOO_OLD: f"has an NCCL older than {NOT_BLOCKING[0]}.{NOT_BLOCKING[1]}",
}
# Words that a process sends: the requested implementation, 1 if it can use NCCL, its host and GPU.
ASKED, CAN, HOST, GPU = range(OWN, OWN + 4)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def choose(strategy: str, transport: Transport, asked: Implementation) -> None:
    """Makes all workers agree on an implementation of exchanges; `transport.gpus` holds the result.

    Args:
      strategy: its name, for errors.
      transport: connects the workers. All of them call this at the same time.
      asked: AUTO takes NCCL where every worker has it and a GPU of its own; RING the host.

    Raises:
      InvalidArgumentError: the workers were asked for different implementations.
      FailedPreconditionError: NCCL was asked for, some of them run on GPUs, and not all can use it.
    """
    rows = transport.exchange_words(_words(asked), transport.everyone)
    if (rows[:, 0] != rows[0, 0]).any():
        raise in_different_exchanges(strategy, rows, range(len(rows)))
    members = list(Implementation)
    if (rows[:, ASKED] != rows[0, ASKED]).any():
        by_rank = {rank: members[row[ASKED]].name for rank, row in enumerate(rows.tolist())}
        raise InvalidArgumentError(
            None, None, f"{strategy}: implementation must be the same in all workers. Received, by rank: {by_rank}."
        )  # fmt: skip
    hindrance = _hindrance(rows.tolist())
    if asked is Implementation.NCCL and hindrance:
        if (rows[:, CAN] != ON_CPU).any():
            raise FailedPreconditionError(
                None, None, f"{strategy}: implementation=NCCL cannot be used: {hindrance}."
            )
        LOG.warning("Enabled NCCL communication but no GPUs detected/specified.")
    by_gpus = asked is not Implementation.RING and not hindrance
    transport.gpus = GpuExchanges(frozenset(TYPES)) if by_gpus else None
    LOG.info("%s: values are exchanged %s", strategy, "by NCCL" if by_gpus else "through the host")


def _words(asked: Implementation) -> np.ndarray:
    words = np.zeros(WORDS, np.int64)
    words[0], words[ASKED] = KINDS.index("Communication"), list(Implementation).index(asked)
    words[CAN] = ON_CPU
    gpu = accelerator() if has_gpus() else None
    if gpu is not None:
        nccl = gpu.nccl
        words[CAN] = ABLE if nccl is not None else MISSING
        if nccl is not None and nccl.version()[:2] < NOT_BLOCKING:
            words[CAN] = TOO_OLD
        boot = BOOT_ID.read_text() if BOOT_ID.exists() else ""
        words[HOST] = _number(f"{socket.gethostname()} {boot}")
        words[GPU] = _number(gpu.driver.bus_id(gpu.device))
    return words


def _number(text: str) -> int:
    """A number that differs for different texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


def _hindrance(rows: Sequence[Sequence[int]]) -> str:
    """Why NCCL cannot be used; "" if it can."""
    for rank, row in enumerate(rows):
        if row[CAN] != ABLE:
            return f"rank {rank} of {len(rows)} {WHY_NOT[row[CAN]].format(install=pip_install('nccl'))}"
    owners: dict[tuple[int, int], int] = {}
    for rank, row in enumerate(rows):
        other = owners.setdefault((row[HOST], row[GPU]), rank)
        if other != rank:
            return (
                f"ranks {other} and {rank} run on the same GPU; CUDA_VISIBLE_DEVICES gives each process one of its own"
            )  # fmt: skip
    return ""
