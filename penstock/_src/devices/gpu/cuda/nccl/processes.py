"""Groups of GPUs of several processes, one GPU each: a communicator, created at the first common computation and kept.

Calls never block: while one waits for another process, it checks that process's heartbeats. Once one is lost the communicator is
aborted, and with it the work waiting in the GPU's streams.
"""

import threading
import time
from collections.abc import Sequence

import numpy as np

from penstock._src.cluster.transport import Group, Transport
from penstock._src.core.errors import OpError
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu
from penstock._src.devices.gpu.cuda.nccl.calls import UNIQUE_ID_BYTES, Nccl
from penstock._src.util.flags import flags
from penstock._src.util.process import forks

PAUSE = 2e-4  # seconds between looks at a communicator that is busy
NAMING = 2.0  # seconds after which the heartbeats have named a process, once it counts as lost


class ProcessGroup:
    """GPUs that compute together; this process has one of them. All processes make their communicators at the same time.

    Attributes:
      stream: the GPU's stream for exchanges.
      comm: the communicator.
    """

    def __init__(self, nccl: Nccl, gpu: Gpu, transport: Transport, stream: int, comm: int) -> None:
        self.nccl, self.gpu, self.transport = nccl, gpu, transport
        self.stream, self.comm = stream, comm
        self.failed: OpError | None = None

    @classmethod
    def join(
        cls, nccl: Nccl, gpu: Gpu, transport: Transport, ranks: Sequence[int]
    ) -> "ProcessGroup":
        """The group of the processes with a GPU each.

        Args:
          nccl: libnccl.
          gpu: of this process.
          transport: connects the processes.
          ranks: theirs, in the order of the group.

        Raises:
          UnavailableError: one of them is lost.
        """
        stream = gpu.driver.stream()
        place = list(ranks).index(transport.cluster.rank)
        group_id = nccl.unique_id() if place == 0 else bytes(UNIQUE_ID_BYTES)
        identifier = np.frombuffer(group_id, np.uint8)
        unique_id = transport.broadcast(identifier, 0, Group(tuple(ranks))).tobytes()
        comm = nccl.begin_join(len(ranks), unique_id, place)
        group = cls(nccl, gpu, transport, stream, comm)
        group.settle()
        gpu.watched.append(group.check)
        return group

    def settle(self) -> None:
        """Waits until all calls have been put into the streams; not for the GPU.

        Raises:
          OpError: it has failed, or another process is lost.
        """
        while True:
            self.check()
            try:
                if self.nccl.is_settled(self.comm):
                    return
            except OpError as error:
                raise self._ended(error) from None
            time.sleep(PAUSE)

    def check(self) -> None:
        """Raises the first error since the group was created, if there was one: then it has been aborted."""
        if self.failed is not None:
            raise self.failed
        if self.transport.loss:
            try:
                self.transport.check()
            except OpError as error:
                raise self._ended(error) from None
        failure = self.nccl.failure(self.comm)
        if failure is not None:
            raise self._ended(failure)

    def _ended(self, error: OpError) -> OpError:
        """The error with which everything ends here: the heartbeats' if they name a process."""
        self.nccl.abort(self.comm)  # no stream waits in it any more
        end = time.monotonic() + (flags.heartbeat + NAMING if flags.heartbeat > 0 else 0)
        while not self.transport.loss and time.monotonic() < end:
            time.sleep(PAUSE)
        try:
            self.transport.check()
        except OpError as loss:
            error = loss
        self.failed = error
        self.transport.abandon(error.message)
        return error


_LOCK = forks.freed_in_child(threading.Lock())
_GROUPS: dict[tuple[int, int, tuple[int, ...]], ProcessGroup] = {}


def process_group(gpu: Gpu, transport: Transport, ranks: Sequence[int]) -> ProcessGroup:
    """The group of some processes. All of them call it at the same time, having agreed on their next steps; the caller holds the GPU's lock."""
    key = id(gpu), id(transport), tuple(ranks)
    with _LOCK:
        if key not in _GROUPS:
            _GROUPS[key] = ProcessGroup.join(gpu.nccl, gpu, transport, ranks)
        return _GROUPS[key]
