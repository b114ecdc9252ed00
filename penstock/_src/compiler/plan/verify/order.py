"""The order of reads and writes: when a kernel reads a buffer, the memory contains the buffer's value.

events   the buffers that each kernel reads and writes, in the order of launches; those of a loop twice, so that a second
         round reads the memory as the first has left it
read     every byte was last written as part of the buffer that is read
write    outputs do not overlap each other, nor an input of the kernel except as in_place.py allows; and kernels never
         write to arguments, constants and packed weights, which callers own or calls share
"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.plan.buffers import LINE, Buffer
from penstock._src.compiler.plan.verify.domain import fail
from penstock._src.compiler.plan.verify.overlap import places_of, verify_nest, verify_tiles
from penstock._src.native import Target
from penstock._src.util.dataclass import dataclass

# Bodies of loops are repeated up to this number of events: nested loops double them at each level.
MOST_EVENTS = 1 << 14
SHARED = ("input", "constant", "prepacked")


@dataclass
class MemoryEvent:
    """The buffers that a kernel reads, then writes. `kernel` is a name for other events.

    stream  (number of sections before it, its stream counted from 1, or 0)
    """

    kernel: Any
    reads: list[Buffer]
    writes: list[Buffer]
    stream: tuple[int, int] = (0, 0)

    @property
    def label(self) -> str:
        """A few words for reports."""
        return self.kernel if isinstance(self.kernel, str) else self.kernel.label


class MemoryTrace:
    """The events of a plan, in the order of launches."""

    def __init__(self) -> None:
        self.events: list[MemoryEvent] = []

    def add(
        self,
        kernel: Any,
        reads: Iterable[Buffer],
        writes: Iterable[Buffer],
        stream: tuple[int, int] = (0, 0),
    ) -> None:
        """Adds the event of a kernel."""
        self.events.append(MemoryEvent(kernel, list(reads), list(writes), stream))

    def again(self, start: int) -> None:
        """Adds a loop's second round: the events since `start` again."""
        if len(self.events) < MOST_EVENTS:
            # Two rounds are enough: the second reads what the first left, as would all others.
            self.events += self.events[start:]


def verify_order(trace: MemoryTrace, arena_bytes: int, target: Target) -> None:
    """Raises InternalError if a kernel reads memory that does not contain the value; buffers must have their offsets."""
    _verify_streams(trace.events)
    memory = _LastWritten(arena_bytes)
    done: set[int] = set()
    for event in trace.events:
        for buffer in event.reads:
            stranger = memory.stranger(buffer)
            if stranger is not None:
                fail(event, f"{buffer.name} is read, but its memory {stranger}")
        # Events of a loop are in the list twice, and are verified once.
        if id(event) not in done:
            _verify_overlaps(event, target)
            done.add(id(event))
        for buffer in event.writes:
            if places_of(buffer)[0].place in SHARED:
                fail(event, f"{buffer.name} is written to, though it is not this call's alone")
            memory.write(buffer)


def _verify_streams(events: Iterable[MemoryEvent]) -> None:
    """Verifies that no stream uses a buffer that another stream of its section writes."""
    sections: dict[int, list[MemoryEvent]] = {}
    for event in events:
        if event.stream[1]:
            sections.setdefault(event.stream[0], []).append(event)
    for section in sections.values():
        _verify_section(section)


def _verify_section(section: Sequence[MemoryEvent]) -> None:
    """Verifies that each buffer which is written has users of a single stream: streams have no order among each other."""
    used: dict[int, Buffer] = {}
    streams: dict[int, set[int]] = {}
    for event in section:
        for buffer in (*event.reads, *event.writes):
            used[id(buffer)] = buffer
            streams.setdefault(id(buffer), set()).add(event.stream[1])
    for event in section:
        shared = [used[i] for i, users in streams.items() if users != {event.stream[1]}]
        for out, other in product(event.writes, shared):
            if _overlap(out, other):
                fail(event, f"{out.name} is written beside a stream that uses {other.name}")


def _verify_overlaps(event: MemoryEvent, target: Target) -> None:
    """Verifies that a kernel's outputs overlap neither each other nor its inputs, except in place."""
    for i, out in enumerate(event.writes):
        for other in event.writes[:i]:
            if other is not out and _overlap(out, other):
                fail(event, f"{out.name} and {other.name} are written to common memory")
        for source in dict.fromkeys(event.reads):
            if not _overlap(out, source):
                continue
            if isinstance(event.kernel, NestKernel):
                verify_nest(event.kernel, event.reads, event.writes, out, source, target)
            elif isinstance(event.kernel, ContractKernel):
                verify_tiles(event.kernel, event.reads, out, source)
            else:
                fail(event, f"{out.name} is written over {source.name}, which is read")


def _overlap(a: Buffer, b: Buffer) -> bool:
    (first, i), (second, j) = places_of(a), places_of(b)
    together = (first.place == second.place and first.number == second.number) and (
        first.place in ("arena", "output", "variable")
    )
    # Other places are read only, or belong to one call.
    return together and i < j + b.size and j < i + a.size


class _LastWritten:
    """For each cache line of memory the buffer that was written there last."""

    def __init__(self, arena_bytes: int) -> None:
        self.lines = np.zeros(-(-arena_bytes // LINE) + 1, np.int32)
        self.results: dict[int, Buffer] = {}  # by index of the result
        self.buffers: dict[int, int] = {}
        self.names = ["was never written"]

    def write(self, buffer: Buffer) -> None:
        """Records that a buffer was written."""
        home, start = places_of(buffer)
        if home.place == "arena":
            number = self.buffers.setdefault(id(buffer), len(self.names))
            if number == len(self.names):
                self.names.append(f"holds {buffer.name}")
            self.lines[_lines(start, buffer.size)] = number
        elif home.place == "output":
            self.results[home.number] = buffer

    def stranger(self, buffer: Buffer) -> str | None:
        """A description of the content of a buffer's memory if it is not the buffer's value; else None."""
        home, start = places_of(buffer)
        if not buffer.size or home.place in ("variable", *SHARED):
            return None
        if home.place == "output":
            written = self.results.get(home.number)
            if written is buffer:
                return None
            return self.names[0] if written is None else f"holds {written.name}"
        lines = self.lines[_lines(start, buffer.size)]
        wrong = np.flatnonzero(lines != self.buffers.get(id(buffer), -1))
        return self.names[lines[wrong[0]]] if len(wrong) else None


def _lines(start: int, size: int) -> slice:
    return slice(start // LINE, -(-(start + size) // LINE))


__all__: Sequence[str] = ["MemoryEvent", "MemoryTrace", "verify_order"]
