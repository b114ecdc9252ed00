"""Groups of GPUs: a communicator for each, created at the first common computation and kept."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from penstock._src.core.errors import OpError
from penstock._src.core.values import resources
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu
from penstock._src.devices.gpu.cuda.nccl.calls import Nccl
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks


@dataclass(eq=False)
class Group:
    """GPUs that compute together; ranks are their indices in it.

    comms     a communicator for each
    failed    the first error; the group cannot be used any more
    """

    nccl: Nccl
    gpus: tuple[Gpu, ...]
    comms: tuple[int, ...]
    failed: OpError | None = None

    def run(self, begin: Callable[[int, Gpu, int], object]) -> None:
        """Starts a collective on all streams at once.

        Args:
          begin: starts one rank's part, given the rank, its GPU and its communicator.

        Raises:
          OpError: this or an earlier collective has failed; the group has been aborted.
        """
        self.check()
        try:
            self.nccl.begin_group()
            try:
                for rank, (gpu, comm) in enumerate(zip(self.gpus, self.comms, strict=True)):
                    begin(rank, gpu, comm)
            finally:
                self.nccl.end_group()
        except OpError as error:
            self._abort(error)
            raise

    def check(self) -> None:
        """Raises the first error since the group was created, if there was one."""
        if self.failed is None:
            failures = (self.nccl.failure(comm) for comm in self.comms)
            failure = next((f for f in failures if f is not None), None)
            if failure is not None:
                self._abort(failure)
        if self.failed is not None:
            raise self.failed

    def _abort(self, error: OpError) -> None:
        """Ends the communicators, so that no stream waits in them for ever."""
        self.failed = error
        for comm in self.comms:
            self.nccl.abort(comm)


_LOCK = forks.freed_in_child(threading.Lock())
_GROUPS: dict[tuple[int, ...], Group] = {}


def group_of(nccl: Nccl, gpus: Sequence[Gpu]) -> Group:
    """The group of different GPUs of one driver. The caller holds their locks (`held`)."""
    key = tuple(map(id, gpus))
    with _LOCK:
        if key not in _GROUPS:
            comms = nccl.join_all([gpu.physical for gpu in gpus])
            _GROUPS[key] = group = Group(nccl, tuple(gpus), tuple(comms))
            for gpu in gpus:
                gpu.watched.append(group.check)
        return _GROUPS[key]


def held(gpus: Sequence[Gpu]) -> ExitStack:
    """Takes the locks of several GPUs, always in the same order to avoid deadlocks."""
    locks = ExitStack()
    locks.enter_context(resources.UPDATING)
    for gpu in sorted(gpus, key=lambda gpu: gpu.number):
        locks.enter_context(gpu.lock)
    return locks
