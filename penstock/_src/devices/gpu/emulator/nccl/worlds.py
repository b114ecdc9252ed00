"""A group of ranks of one process: their contributions, and the results that all get after the last one."""

import functools
import threading
from collections.abc import Callable
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.devices.gpu.cuda.nccl.calls import MEAN, TYPES
from penstock._src.devices.gpu.emulator.emulator import KernelFault
from penstock._src.util.dataclass import dataclass

PATIENCE = 30.0  # seconds that a rank waits for others
ELEMENTS = {number: dtypes.as_dtype(name).np for name, number in TYPES.items()}
MERGED: dict[int, Callable[..., Any]] = {
    0: np.add,
    1: np.multiply,
    2: np.maximum,
    3: np.minimum,
    MEAN: np.add,
}


@dataclass(frozen=True)
class Asked:
    """A call of a rank: equal in all ranks, except for memory.

    op    of a broadcast the rank that sends
    """

    kind: str
    count: int
    dtype: int
    op: int


@dataclass
class Meeting:
    """One collective: the ranks' inputs so far, and then the result of each."""

    asked: Asked
    given: dict[int, np.ndarray] = field(default_factory=dict)
    results: list[np.ndarray] | None = None

    def result(self, rank: int) -> np.ndarray | None:
        """The result for a rank; None until all ranks have contributed."""
        return None if self.results is None else self.results[rank]


class World:
    """A group of ranks that share memory."""

    def __init__(self, size: int) -> None:
        self.size, self.failure, self.has_joined = size, 0, True
        self.changed = threading.Condition()
        self._meetings: dict[int, Meeting] = {}

    def give(self, number: int, rank: int, asked: Asked, array: np.ndarray) -> Meeting:
        """A rank comes to its collective of a number."""
        with self.changed:
            meeting = self._meetings.setdefault(number, Meeting(asked))
            if meeting.asked != asked:
                raise KernelFault(
                    None, None, f"rank {rank} asks for {asked}, another for {meeting.asked}."
                )
            meeting.given[rank] = array
            if len(meeting.given) == self.size:
                parts = [meeting.given[rank] for rank in range(self.size)]
                meeting.results = results_of(asked, parts)
                del self._meetings[number]
                self.changed.notify_all()
            return meeting

    def look(self) -> None:
        """Reads the messages of the others."""

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Waits for other ranks, unless the group has failed."""
        with self.changed:
            if not self.changed.wait_for(lambda: is_over() or bool(self.failure), PATIENCE):
                raise KernelFault(None, None, "a rank waits for others that never come.")

    def fail(self, code: int) -> None:
        """Marks the group as failed."""
        with self.changed:
            self.failure = self.failure or code
            self.changed.notify_all()

    def leave(self, code: int) -> None:
        """A rank ends its part, and with it the group's."""
        self.fail(code)


def results_of(asked: Asked, parts: list[np.ndarray]) -> list[np.ndarray]:
    """The results of all ranks from their contributions."""
    if asked.kind == "broadcast":
        return [parts[asked.op]] * len(parts)
    if asked.kind == "gather":
        return [np.concatenate(parts)] * len(parts)
    total = functools.reduce(MERGED[asked.op], parts)
    if asked.op == MEAN:
        total = (total / len(parts)).astype(total.dtype)
    return np.split(total, len(parts)) if asked.kind == "scatter" else [total] * len(parts)
