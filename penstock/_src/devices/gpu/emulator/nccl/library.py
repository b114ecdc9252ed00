"""The emulated libnccl. Ranks may be devices of one thread, of several, or of several processes of one machine.

A collective reads its ranks' inputs when their streams reach it, and writes results when all have; the stream waits for that, and the host
only if it waits for the stream. Mismatching calls of ranks are reported. A call on a nonblocking communicator starts when its state is
queried.
"""

import ctypes
import functools
import itertools
import threading
from collections import Counter
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.devices.gpu.cuda.nccl.calls import CONFIG_MAGIC, IN_PROGRESS, RESULTS
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.emulator.nccl.processes import Hub, RemoteWorld
from penstock._src.devices.gpu.emulator.nccl.worlds import ELEMENTS, MERGED, Asked, World
from penstock._src.devices.gpu.emulator.streams import Mark, Pending, number_of
from penstock._src.util.dataclass import dataclass

INVALID_ARGUMENT, INVALID_USAGE = 4, 5
VERSION = 23203


@dataclass(eq=False)
class Communicator:
    """A rank's part in a group."""

    world: World | RemoteWorld
    rank: int
    blocks: bool = True
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    later: "list[Any]" = field(default_factory=list)  # calls of the group that have not begun


class EmulatedNccl:
    """libnccl's functions. `calls` counts them."""

    def __init__(self, library: EmulatedLibrary) -> None:
        self.library = library
        self.calls: Counter[str] = Counter()
        self.communicators: dict[int, Communicator] = {}
        self._hubs: list[Hub] = []
        self._handles = itertools.count(1)
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
        self._hubs.append(Hub())
        unique_id._obj.internal = self._hubs[-1].unique_id
        return 0

    def _new(self, world: World | RemoteWorld, rank: int, blocks: bool = True) -> int:
        handle = next(self._handles)
        self.communicators[handle] = Communicator(world, rank, blocks)
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
        world = RemoteWorld(unique_id.internal, size.value, rank.value)
        world.wait(lambda: world.has_joined)
        comm._obj.value = self._new(world, rank.value)
        return world.failure

    def ncclCommInitRankConfig(
        self, comm: Any, size: Any, unique_id: Any, rank: Any, config: Any
    ) -> int:
        options = config._obj
        if options.magic != CONFIG_MAGIC or options.size != ctypes.sizeof(options):
            return INVALID_ARGUMENT
        if options.blocking:
            return self.ncclCommInitRank(comm, size, unique_id, rank)
        if not 0 <= rank.value < size.value:
            return INVALID_ARGUMENT
        world = RemoteWorld(unique_id.internal, size.value, rank.value)
        comm._obj.value = self._new(world, rank.value, False)
        return IN_PROGRESS

    def ncclCommGetAsyncError(self, comm: Any, code: Any) -> int:
        communicator = self.communicators[number_of(comm)]
        communicator.world.look()
        calls, communicator.later = communicator.later, []
        is_busy = bool(calls) or not communicator.world.has_joined
        if calls:
            self._begin(calls)
        code._obj.value = communicator.world.failure or (IN_PROGRESS if is_busy else 0)
        return 0

    def ncclCommAbort(self, comm: Any) -> int:
        self.communicators.pop(number_of(comm)).world.leave(INVALID_USAGE)
        return 0

    # -- collectives
    def ncclGroupStart(self) -> int:
        self._asked.calls = []
        return 0

    def ncclGroupEnd(self) -> int:
        calls, self._asked.calls = self._asked.calls, None
        now, later = list[Any](), list[Any]()
        for call in calls:
            comm = self.communicators[call[4]]
            (now if comm.blocks else later).append(call)
            if not comm.blocks:
                comm.later.append(call)
        self._begin(now)
        return IN_PROGRESS if later else 0

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

    def ncclBroadcast(
        self, source: Any, target: Any, count: Any, dtype: Any, root: Any, comm: Any, stream: Any
    ) -> int:
        if not 0 <= root.value < self.communicators[number_of(comm)].world.size:
            return INVALID_ARGUMENT
        asked = Asked("broadcast", count.value, dtype.value, root.value)
        return self._ask(asked, count.value, source, target, comm, stream)

    def _ask(
        self, asked: Asked, count: int, source: Any, target: Any, comm: Any, stream: Any
    ) -> int:
        """Begins a rank's part, or keeps it until the end of its group."""
        is_sum = asked.kind in ("reduce", "scatter")
        if asked.dtype not in ELEMENTS or asked.count < 1 or (is_sum and asked.op not in MERGED):
            return INVALID_ARGUMENT
        comm_of = self.communicators[number_of(comm)]
        if not comm_of.world.has_joined or comm_of.later:
            return INVALID_USAGE  # it was used before it was ready
        size = count * ELEMENTS[asked.dtype].itemsize
        if not self.library._is_inside(number_of(source), size):
            return INVALID_ARGUMENT
        call = asked, count, number_of(source), number_of(target), number_of(comm), stream
        if getattr(self._asked, "calls", None) is None:
            self.ncclGroupStart()
            self._asked.calls.append(call)
            return self.ncclGroupEnd()
        self._asked.calls.append(call)
        return 0

    def _begin(self, calls: list[Any]) -> None:
        """Puts the parts of this process's ranks into their streams: first the contributions, then the wait for the others'."""
        library, marks = self.library, list[Mark]()
        parts = [_Part(self.communicators[call[4]], call) for call in calls]
        for part in parts:
            library._do(part.stream, part.give)
            if not library.is_recorded(part.stream):
                marks.append(Mark(number_of(part.stream)))
                library._enqueue(part.stream, marks[-1])

        def is_ready(part: _Part) -> bool:
            came = [library._has_come(mark) for mark in marks]
            return all(came) and part.is_over()

        def wait(part: _Part) -> None:
            for mark in marks:
                library._come_to(mark)
            part.comm.world.wait(part.is_over)

        for part in parts:
            ready, awaits = functools.partial(is_ready, part), functools.partial(wait, part)
            library._do(part.stream, Pending(ready, awaits, part.take))


class _Part:
    """The part of a rank in a collective, which runs each time its stream reaches it."""

    def __init__(self, comm: Communicator, call: Any) -> None:
        self.comm = comm
        self._asked, self._count, self._source, self._target, _, self.stream = call
        self._meeting: Any = None

    def give(self) -> None:
        """Reads the current source."""
        dtype = ELEMENTS[self._asked.dtype]
        taken = ctypes.string_at(self._source, self._count * dtype.itemsize)
        number = next(self.comm.numbers)
        values = np.frombuffer(taken, dtype)
        self._meeting = self.comm.world.give(number, self.comm.rank, self._asked, values)

    def is_over(self) -> bool:
        """True if the result is there, or never will be."""
        world = self.comm.world
        if self._meeting.result(self.comm.rank) is None and not world.failure:
            world.look()
        return self._meeting.result(self.comm.rank) is not None or bool(world.failure)

    def take(self) -> None:
        """Writes the result to the rank's destination; a failed group has no result."""
        result = self._meeting.result(self.comm.rank)
        if result is not None:
            result = np.ascontiguousarray(result)
            ctypes.memmove(self._target, result.ctypes.data, result.nbytes)
