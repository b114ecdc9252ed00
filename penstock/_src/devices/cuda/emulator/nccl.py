"""What stands for libnccl: the same functions, over streams of what stands for libcuda. Ranks may be devices of one thread, or of several.

A collective takes what its ranks give when their streams come to it, and gives results when all have. That ranks ask for different things is told.
"""

import ctypes
import functools
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.devices.cuda.emulator.emulator import KernelFault
from penstock._src.devices.cuda.emulator.library import EmulatedLibrary
from penstock._src.devices.cuda.emulator.streams import Mark, number_of
from penstock._src.devices.cuda.nccl.calls import MEAN, RESULTS, TYPES

INVALID_ARGUMENT, INVALID_USAGE = 4, 5
VERSION = 23203
PATIENCE = 30.0  # seconds that a rank waits for others
_ELEMENTS = {number: dtypes.as_dtype(name).np for name, number in TYPES.items()}
_MERGED: dict[int, Callable[..., Any]] = {
    0: np.add,
    1: np.multiply,
    2: np.maximum,
    3: np.minimum,
    MEAN: np.add,
}


@dataclass(frozen=True)
class Asked:
    """What a rank asks for: the same of all ranks but for its memory."""

    kind: str
    count: int
    dtype: int
    op: int


@dataclass
class Meeting:
    """One collective: what ranks have given so far, by rank, and where they want the result."""

    asked: Asked
    given: dict[int, np.ndarray] = field(default_factory=dict)
    targets: dict[int, int] = field(default_factory=dict)
    is_over: bool = False


class World:
    """A group of ranks."""

    def __init__(self, size: int) -> None:
        self.size, self.joined, self.failure = size, 0, 0
        self.changed = threading.Condition()
        self._meetings: dict[int, Meeting] = {}

    def meet(self, number: int, rank: int, asked: Asked, given: np.ndarray, target: int) -> Meeting:
        """A rank comes to its collective of a number."""
        with self.changed:
            meeting = self._meetings.setdefault(number, Meeting(asked))
            if meeting.asked != asked:
                raise KernelFault(
                    None, None, f"rank {rank} asks for {asked}, another for {meeting.asked}."
                )
            meeting.given[rank], meeting.targets[rank] = given, target
            if len(meeting.given) == self.size:
                _finish(meeting)
                del self._meetings[number]
                self.changed.notify_all()
            return meeting

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Waits for other ranks, unless the group has failed."""
        with self.changed:
            if not self.changed.wait_for(lambda: is_over() or bool(self.failure), PATIENCE):
                raise KernelFault(None, None, "a rank waits for others that never come.")

    def fail(self, code: int) -> None:
        """Lets the group fail."""
        with self.changed:
            self.failure = self.failure or code
            self.changed.notify_all()


def _finish(meeting: Meeting) -> None:
    """Computes what all ranks get, and puts it where they want it."""
    parts = [meeting.given[rank] for rank in sorted(meeting.given)]
    if meeting.asked.kind == "gather":
        results = [np.concatenate(parts)] * len(parts)
    else:
        total = functools.reduce(_MERGED[meeting.asked.op], parts)
        if meeting.asked.op == MEAN:
            total = (total / len(parts)).astype(total.dtype)
        scatters = meeting.asked.kind == "scatter"
        results = np.split(total, len(parts)) if scatters else [total] * len(parts)
    for rank, result in enumerate(results):
        ctypes.memmove(meeting.targets[rank], result.ctypes.data, result.nbytes)
    meeting.is_over = True


@dataclass(eq=False)
class Communicator:
    """A rank's part in a group."""

    world: World
    rank: int
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)


class EmulatedNccl:
    """libnccl's functions. `calls` counts them."""

    def __init__(self, library: EmulatedLibrary) -> None:
        self.library = library
        self.calls: Counter[str] = Counter()
        self.communicators: dict[int, Communicator] = {}
        self._worlds: dict[bytes, World] = {}
        self._handles = itertools.count(1)
        self._lock = threading.Lock()
        self._asked = threading.local()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nccl"):
            self.calls[name] += 1
        return object.__getattribute__(self, name)

    def ncclGetVersion(self, version: Any) -> int:
        version._obj.value = VERSION
        return 0

    def ncclGetErrorString(self, code: Any) -> bytes:
        return RESULTS[code.value].encode()

    def ncclGetLastError(self, _comm: Any) -> bytes:
        return b""

    def ncclGetUniqueId(self, unique_id: Any) -> int:
        unique_id._obj.internal = os.urandom(64).hex()[:127].encode()
        return 0

    def _new(self, world: World, rank: int) -> int:
        handle = next(self._handles)
        self.communicators[handle] = Communicator(world, rank)
        return handle

    def ncclCommInitAll(self, comms: Any, size: Any, devices: Any) -> int:
        chosen = [devices[i] for i in range(size.value)]
        if len(set(chosen)) < len(chosen) or not all(0 <= d < self.library.devices for d in chosen):
            return INVALID_USAGE
        world = World(len(chosen))
        for rank in range(len(chosen)):
            comms[rank] = self._new(world, rank)
        return 0

    def ncclCommInitRank(self, comm: Any, size: Any, unique_id: Any, rank: Any) -> int:
        if not 0 <= rank.value < size.value:
            return INVALID_ARGUMENT
        with self._lock:
            world = self._worlds.setdefault(bytes(unique_id), World(size.value))
            world.joined += 1
        with world.changed:
            world.changed.notify_all()
        world.wait(lambda: world.joined == world.size)
        comm._obj.value = self._new(world, rank.value)
        return 0

    def ncclCommGetAsyncError(self, comm: Any, code: Any) -> int:
        code._obj.value = self.communicators[number_of(comm)].world.failure
        return 0

    def ncclCommAbort(self, comm: Any) -> int:
        self.communicators.pop(number_of(comm)).world.fail(INVALID_USAGE)
        return 0

    # -- collectives
    def ncclGroupStart(self) -> int:
        self._asked.calls = []
        return 0

    def ncclGroupEnd(self) -> int:
        calls, self._asked.calls = self._asked.calls, None
        self._begin(calls)
        return 0

    def ncclAllReduce(
        self, source: Any, target: Any, count: Any, dtype: Any, op: Any, comm: Any, stream: Any
    ) -> int:
        asked = Asked("reduce", count.value, dtype.value, op.value)
        return self._ask(asked, count.value, source, target, comm, stream)

    def ncclReduceScatter(
        self, source: Any, target: Any, count: Any, dtype: Any, op: Any, comm: Any, stream: Any
    ) -> int:
        asked = Asked("scatter", count.value, dtype.value, op.value)
        size = self.communicators[number_of(comm)].world.size
        return self._ask(asked, count.value * size, source, target, comm, stream)

    def ncclAllGather(
        self, source: Any, target: Any, count: Any, dtype: Any, comm: Any, stream: Any
    ) -> int:
        asked = Asked("gather", count.value, dtype.value, 0)
        return self._ask(asked, count.value, source, target, comm, stream)

    def _ask(
        self, asked: Asked, given: int, source: Any, target: Any, comm: Any, stream: Any
    ) -> int:
        """Begins a rank's part, or keeps it until the end of its group."""
        if asked.dtype not in _ELEMENTS or asked.op not in _MERGED or asked.count < 1:
            return INVALID_ARGUMENT
        size = given * _ELEMENTS[asked.dtype].itemsize
        if not self.library._is_inside(number_of(source), size):
            return INVALID_ARGUMENT
        call = asked, given, number_of(source), number_of(target), number_of(comm), stream
        if getattr(self._asked, "calls", None) is None:
            self._begin([call])
        else:
            self._asked.calls.append(call)
        return 0

    def _begin(self, calls: list[Any]) -> None:
        """Puts the parts of this thread's ranks into their streams: first what they give, then the wait for the others'."""
        library, meetings, marks = self.library, list[Meeting](), list[Mark]()

        def give(call: Any) -> None:
            asked, count, source, target, handle, _ = call
            comm, dtype = self.communicators[handle], _ELEMENTS[asked.dtype]
            taken = ctypes.string_at(source, count * dtype.itemsize)
            given = np.frombuffer(taken, dtype)
            number = next(comm.numbers)
            meetings.append(comm.world.meet(number, comm.rank, asked, given, target))

        def wait(call: Any) -> None:
            for mark in marks:
                library._come_to(mark)
            world = self.communicators[call[4]].world
            world.wait(lambda: all(meeting.is_over for meeting in meetings))

        for call in calls:
            library._do(call[5], functools.partial(give, call))
            if not library.is_recorded(call[5]):
                marks.append(Mark(number_of(call[5])))
                library._enqueue(call[5], marks[-1])
        for call in calls:
            library._do(call[5], functools.partial(wait, call))
