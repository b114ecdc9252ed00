"""A launch table's exchanges with GPUs of other processes.

An exchange runs in a separate stream, between two events: it begins when its input is ready, and later work of the table comes after the
wait. So the GPU computes meanwhile, and a graph recorded of the table contains the exchange, too.
"""

from collections.abc import Sequence

import numpy as np

from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import Group
from penstock._src.cluster.transports.table import connect
from penstock._src.core.errors import UnavailableError
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu
from penstock._src.devices.gpu.cuda.nccl.calls import OPERATIONS, TYPES
from penstock._src.devices.gpu.cuda.nccl.processes import ProcessGroup, process_group
from penstock._src.devices.gpu.kernels.specials.exchanges import (
    ExchangeCode,
    failure_given,
    failure_taken,
)
from penstock._src.devices.gpu.target import target_of
from penstock._src.ir.function import ExchangeUnit
from penstock._src.ir.node import Node
from penstock._src.ops.collective.members import BY_GPUS, SIZE

WORD = 8


class GpuSession:
    """The exchanges of one table.

    Args:
      gpu: of the table.
      waits: the function's exchanges.
      status: the address of the table's status.

    Raises:
      UnavailableError: this process is in no cluster any more.
    """

    def __init__(self, gpu: Gpu, waits: Sequence[Node], status: int) -> None:
        transport = connect()
        if transport is None:
            raise UnavailableError(None, None, "A program that exchanges values needs a cluster.")
        self.gpu, self.transport, self._status = gpu, transport, status
        self._units: list[ExchangeUnit] = list(dict.fromkeys(w.attrs["unit"] for w in waits))
        self._numbers = {unit: number for number, unit in enumerate(self._units)}
        self._groups = [Group(unit.ranks or transport.everyone.ranks) for unit in self._units]
        self._made: list[ProcessGroup] = []
        self._agreed = 0  # number of units of this run that are agreed on
        # For each unit the failure that this process sends, and the maximum of all.
        self._told = gpu.allocate(2 * WORD * len(self._units))
        self._begins, self._ends = gpu.driver.event(), gpu.driver.event()
        target = target_of(gpu.architecture.name)
        self._gives, self._takes = failure_given(target), failure_taken(target)
        for code in (self._gives, self._takes):
            gpu.function(code, "task")  # not while a graph is recorded

    def agree(self) -> bool:
        """Makes the processes agree on their exchanges before a run begins.

        Returns:
          True if they have agreed on all of the run. If others exchange the same in several programs, which wait for their GPUs, only the first unit
          is agreed on: the run must come to the others one by one.

        Raises:
          InvalidArgumentError, InternalError: their next exchanges differ.
          DeadlineExceededError: some have not come in time.
          UnavailableError: some are lost.
        """
        self.transport.usable()
        PROGRESS.begin_exchange(len(self._units))
        self._agreed = 0
        if self._agree_on_next(len(self._units)):
            while self._agreed < len(self._units):
                self._agree_on_next(1)
        return self._agreed == len(self._units)

    def _agree_on_next(self, count: int) -> bool:
        """Agrees on the next unit, one of `count` agreed on in advance; returns True if all processes agree."""
        unit, group = self._units[self._agreed], self._groups[self._agreed]
        words = np.array(unit.words, np.int64)
        # Carried in an upper part of the word, so that agreeing takes a single exchange.
        words[SIZE] += count * BY_GPUS
        rows = self.transport.exchange_words(words, group)
        counts = rows[:, SIZE] // BY_GPUS
        rows[:, SIZE] += (np.minimum(counts, 1) - counts) * BY_GPUS
        if (rows != rows[0]).any():
            raise unit.disagree(rows)
        if len(self._made) == self._agreed:
            self._made.append(process_group(self.gpu, self.transport, group.ranks))
        self._agreed += 1
        return bool((counts == count).all())

    def put(self, code: ExchangeCode, words: Sequence[int], stream: int) -> None:
        """Puts an exchange, or the wait for one, into the GPU's streams.

        Args:
          code: which.
          words: of its context.
          stream: of the table.

        Raises:
          OpError: NCCL fails, a process is lost, or the processes' exchanges differ.
        """
        number, driver = self._numbers[code.unit], self.gpu.driver
        while self._agreed <= number:
            self._agree_on_next(1)
        group = self._made[number]
        sent = self._told.address + 2 * WORD * number
        if not code.begins:
            driver.record(self._ends, group.stream)
            driver.wait_in_stream(stream, self._ends)
            self.gpu.tell(self._takes, [words[0], words[1], sent + WORD], stream)
            return
        if code.is_last:
            rank = self.transport.cluster.rank
            self.gpu.tell(self._gives, [self._status, rank + 1, sent], stream)
        driver.record(self._begins, stream)
        driver.wait_in_stream(group.stream, self._begins)
        group.nccl.begin_group()
        try:
            self._begin(code, group, words)
            if code.is_last:
                group.nccl.all_reduce(
                    sent, sent + WORD, 1, TYPES["int64"], OPERATIONS["Max"], group.comm, group.stream
                )  # fmt: skip
        finally:
            group.nccl.end_group()
        group.settle()

    def _begin(self, code: ExchangeCode, group: ProcessGroup, words: Sequence[int]) -> None:
        nccl, unit = group.nccl, code.unit
        source, target = words
        count, dtype, common = code.elements, TYPES[code.dtype], (group.comm, group.stream)
        if unit.kind == "all_gather":
            nccl.all_gather(source, target, count, dtype, *common)
        elif unit.kind == "broadcast":
            nccl.broadcast(source, target, count, dtype, 0, *common)
        else:
            reduces = nccl.all_reduce if unit.kind == "all_reduce" else nccl.reduce_scatter
            reduces(source, target, count, dtype, OPERATIONS[unit.merge], *common)
