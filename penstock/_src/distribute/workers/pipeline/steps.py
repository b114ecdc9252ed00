"""A step of one process: it takes its part of the batch, works through its schedule, and ends when all others have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.cluster.messages import Messages
from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import Transport
from penstock._src.core.errors import OutOfRangeError
from penstock._src.core.registry import raw
from penstock._src.distribute.workers.pipeline import wire
from penstock._src.distribute.workers.pipeline.agreement import as_bits, from_bits, told
from penstock._src.distribute.workers.pipeline.grid import Grid
from penstock._src.distribute.workers.pipeline.schedules import Task, order, parts
from penstock._src.distribute.workers.pipeline.stage import Stage
from penstock._src.distribute.workers.pipeline.wire import Kind, Link, StageFailed
from penstock._src.eager.tensor import EagerTensor

BEGIN, END = 0, 1  # phases of a step
NO_MORE, FAILED = -1, -2  # replace a batch's number of rows
OWN_FAILURE = 1  # sent by a process at a step's end
Batch = tuple[Any, Any]  # inputs and targets: nests of tensors with the same first size


@dataclass(frozen=True)
class Finished:
    """Result of a step.

    loss     the sum of all stages' parts, over all rows
    rows     of the batch
    outputs  of the last stage, if they were asked for, for all rows
    """

    loss: float
    rows: int
    outputs: list[Any]


class Steps:
    """Runs steps.

    Args:
      grid: the processes.
      transport, messages: connect them; None if there is one.
      schedule: one of SCHEDULES.
      micro_batches: into how many parts each replica's rows are cut.
    """

    def __init__(
        self,
        grid: Grid,
        transport: Transport | None,
        messages: Messages | None,
        schedule: str,
        micro_batches: int,
    ) -> None:
        self._grid, self._transport, self._messages = grid, transport, messages
        self._schedule, self._micro_batches = schedule, micro_batches
        self._count = 0

    def train(self, stage: Stage, next_batch: Callable[[], Batch]) -> Finished:
        """Computes the loss of a batch, and its gradients, which `stage` then has.

        Args:
          stage: of this process.
          next_batch: gives the batch; called by rank 0.

        Raises:
          OutOfRangeError: there is no batch any more.
          AbortedError: another process has failed.
        """
        return self._run(stage, next_batch, is_training=True, gives_outputs=False)

    def infer(self, stage: Stage, next_batch: Callable[[], Batch], gives_outputs: bool) -> Finished:
        """Computes the loss of a batch, or the last stage's output for it.

        Args:
          stage: of this process.
          next_batch: gives the batch; called by rank 0.
          gives_outputs: whether all processes get the outputs.

        Raises:
          OutOfRangeError: there is no batch any more.
          AbortedError: another process has failed.
        """
        return self._run(stage, next_batch, is_training=False, gives_outputs=gives_outputs)

    def _run(
        self, stage: Stage, next_batch: Callable[[], Batch], is_training: bool, gives_outputs: bool
    ) -> Finished:
        self._count += 1
        PROGRESS.begin_step()
        batch, rows = self._begin(next_batch)
        step = _Step(self._grid, self._messages, self._count, stage, rows, self._micro_batches)
        schedule = self._schedule if is_training else None
        failure: Exception | None = None
        try:
            if self._messages is None:
                step.run(schedule, batch, gives_outputs)
            else:
                with self._messages.travelling():
                    step.run(schedule, batch, gives_outputs)
        except Exception as error:
            failure = error
        loss = self._end(failure, stage.loss)
        return Finished(loss, rows, step.outputs)

    def _begin(self, next_batch: Callable[[], Batch]) -> tuple[Batch | None, int]:
        """This process's batch, if it is rank 0, and its number of rows."""
        batch, rows, failure = None, 0, None
        if self._grid.rank == 0:
            try:
                batch = next_batch()
                rows = _row_count(batch)
            except (StopIteration, OutOfRangeError):
                rows = NO_MORE
            except Exception as error:
                failure, rows = error, FAILED
        if self._transport is not None:
            rows = int(told(self._transport, BEGIN, self._count, [rows])[0, 0])
        if rows == NO_MORE:
            raise OutOfRangeError(None, None, "End of sequence")
        if failure is not None:
            raise failure
        if rows == FAILED:
            raise StageFailed(None, None, f"Rank 0 has failed at the batch of step {self._count}.")
        return batch, rows

    def _end(self, failure: Exception | None, loss: float) -> float:
        """The sum of all processes' losses, once all have come to the end of the step.

        Raises:
          AbortedError: another process has failed.
        """
        if self._transport is None:
            if failure is not None:
                raise failure
            return loss
        is_own = failure is not None and not isinstance(failure, StageFailed)
        status = OWN_FAILURE if is_own else 0
        states = told(self._transport, END, self._count, [status, as_bits(loss)])
        if failure is not None:
            raise failure
        for rank in np.flatnonzero(states[:, 0] == OWN_FAILURE).tolist():
            raise StageFailed(
                None,
                None,
                f"Rank {rank} of {self._grid.size} has failed in step {self._count} of a pipeline.",
            )
        return float(from_bits(states[:, 1]).sum())


class _Step:
    """The work of one process in one step."""

    def __init__(
        self,
        grid: Grid,
        messages: Messages | None,
        number: int,
        stage: Stage,
        rows: int,
        micro_batches: int,
    ) -> None:
        self._grid, self._stage, self._rows, self._number = grid, stage, rows, number
        self._link = None if messages is None else Link(messages, number)
        bounds = parts(rows, grid.replicas)
        self._of_replicas = [*bounds, *[(rows, rows)] * (grid.replicas - len(bounds))]
        first, last = self._of_replicas[grid.replica]
        self._parts = parts(last - first, micro_batches)
        self._inputs: list[Any] = []
        self._targets: Any = None
        self.outputs: list[Any] = []

    def run(self, schedule: str | None, batch: Batch | None, gives_outputs: bool) -> None:
        """Works through a schedule; None: only forward passes."""
        try:
            self._take(batch)
            outputs = self._work(schedule)
            if gives_outputs:
                self.outputs = self._share(outputs)
        except Exception as error:
            if self._link is not None:
                self._link.fail(self._waiting(gives_outputs), self._told(error))
            raise

    def _told(self, error: Exception) -> str:
        if isinstance(error, StageFailed):
            return error.message
        text = str(error).partition("\n")[0][:500]
        return f"Rank {self._grid.rank} of {self._grid.size} has failed in step {self._number} of a pipeline: {type(error).__name__}: {text}"

    def _waiting(self, gives_outputs: bool) -> list[int]:
        """The ranks that may wait for this one."""
        grid = self._grid
        ranks = set(grid.neighbors())
        if grid.rank == 0:
            for replica in range(grid.replicas):
                ranks |= {grid.first_of(replica), grid.last_of(replica)}
        if gives_outputs and grid.is_last:
            ranks |= set(range(grid.size))
        return sorted(ranks - {grid.rank})

    # -- the batch
    def _take(self, batch: Batch | None) -> None:
        """Takes this process's rows of inputs and targets, and sends other processes theirs."""
        grid = self._grid
        if batch is not None:
            inputs, targets = batch
            for replica, (first, last) in enumerate(self._of_replicas):
                self._give(grid.first_of(replica), _cut(wire.leaves(inputs), first, last), "")
                if targets is not None:
                    text = wire.structure_to_text(targets)
                    self._give(grid.last_of(replica), _cut(wire.leaves(targets), first, last), text)
                else:
                    self._give(grid.last_of(replica), [], "null")
            return
        if grid.is_first:
            self._inputs, _ = self._taken()
        if grid.is_last:
            tensors, text = self._taken()
            self._targets = text, tensors

    def _give(self, rank: int, tensors: list[Any], text: str) -> None:
        if rank != self._grid.rank:
            assert self._link is not None
            words = np.frombuffer(text.encode(), np.uint8)
            self._link.send(rank, Kind.DATA, 0, [words, *tensors])
        elif text:
            self._targets = text, tensors
        else:
            self._inputs = tensors

    def _taken(self) -> tuple[list[Any], str]:
        assert self._link is not None
        words, *tensors = self._link.receive(0, Kind.DATA, 0)
        return tensors, bytes(words.numpy()).decode()

    # -- the passes
    def _work(self, schedule: str | None) -> list[list[Any]]:
        """Outputs of the last stage, if only forward passes are made."""
        grid, count = self._grid, len(self._parts)
        if schedule is None:
            return [self._pass_on(index, None) for index in range(count)]
        for task in order(schedule, grid.stage, grid.stages, count):
            if task.is_forward:
                self._pass_on(task.index, task)
            else:
                self._pass_back(task.index)
        return []

    def _pass_on(self, index: int, task: Task | None) -> list[Any]:
        grid = self._grid
        first, last = self._parts[index]
        inputs = (
            _cut(self._inputs, first, last)
            if grid.is_first
            else self._receive(grid.rank - 1, Kind.FORWARD, index)
        )
        targets = None
        if grid.is_last:
            text, tensors = self._targets
            targets = wire.structure_from_text(text, _cut(tensors, first, last))
        share = (last - first) / self._rows
        outputs = (
            self._stage.infer(inputs, targets, share)
            if task is None
            else self._stage.forward(index, inputs, targets, share)
        )
        if not grid.is_last:
            self._send(grid.rank + 1, Kind.FORWARD, index, outputs)
        return outputs

    def _pass_back(self, index: int) -> None:
        grid = self._grid
        received = [] if grid.is_last else self._receive(grid.rank + 1, Kind.BACKWARD, index)
        gradients = self._stage.backward(index, received)
        if not grid.is_first:
            self._send(grid.rank - 1, Kind.BACKWARD, index, gradients)

    def _send(self, rank: int, kind: Kind, index: int, tensors: Sequence[Any]) -> None:
        assert self._link is not None
        self._link.send(rank, kind, index, tensors)

    def _receive(self, rank: int, kind: Kind, index: int) -> list[Any]:
        assert self._link is not None
        return self._link.receive(rank, kind, index)

    # -- the outputs
    def _share(self, outputs: list[list[Any]]) -> list[Any]:
        """The last stage's outputs for all rows, in all processes."""
        grid = self._grid
        own = [_joined(list(tensors)) for tensors in zip(*outputs)] if grid.is_last else []
        if self._link is None:
            return own
        if grid.is_last:
            for rank in range(grid.size):
                if rank != grid.rank:
                    self._link.send(rank, Kind.RESULT, 0, own)
        shared = [
            own if rank == grid.rank else self._link.receive(rank, Kind.RESULT, 0)
            for rank in map(grid.last_of, range(grid.replicas))
        ]
        return [_joined(list(tensors)) for tensors in zip(*filter(None, shared))]


def _joined(tensors: list[Any]) -> Any:
    if tensors[0] is None:
        return None
    return tensors[0] if len(tensors) == 1 else raw.ConcatV2(values=tensors, axis=0)


def _cut(tensors: Sequence[Any], first: int, last: int) -> list[Any]:
    """Rows of tensors."""
    return [
        tensor
        if first == 0 and last == tensor.shape[0]
        else EagerTensor(tensor._value[first:last], tensor.dtype)
        for tensor in tensors
    ]


def _row_count(batch: Batch) -> int:
    """The first size of all tensors of a batch.

    Raises:
      ValueError: they differ, or there are none.
    """
    tensors = [*wire.leaves(batch[0]), *wire.leaves(batch[1])]
    sizes = {tensor.shape[0] if tensor.shape.rank else None for tensor in tensors}
    if len(sizes) != 1 or None in sizes or 0 in sizes:
        shapes = [tensor.shape.as_list() for tensor in tensors]
        raise ValueError(
            f"PipelineStrategy: all tensors of a batch must have the same number of rows, at least one. Received shapes {shapes}."
        )
    return int(next(iter(sizes)))  # type: ignore[arg-type]
