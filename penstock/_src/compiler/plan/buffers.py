"""Buffers: the memory of every value, with one arena for temporaries, in which buffers of disjoint live ranges share memory.

Buffers are placed greedily, the largest first, at the lowest offset that is free throughout their live range. In guard mode
no memory is shared and every buffer has a sentinel on both sides.

If sizes are unknown, buffers are placed for the sizes of the current call, and only their order is kept: which buffers with overlapping live
ranges are below a buffer. For any other sizes, it starts at the highest end of those.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from penstock._src.ir.extents import dims
from penstock._src.util.dataclass import dataclass

LINE = 64
GUARD = 256  # bytes of sentinel on either side in guard mode
NEVER = 1 << 60  # the first time of a buffer that is not used


@dataclass(eq=False)
class Buffer:
    """Memory of one value.

    place    "arena"; "input", "output", "variable", "prepacked" (with `number`); "constant" (with `array`); "inside"
             (part of the buffer `inside`, at `offset`)
    first, last    live range: the times of the first and the last launch that use it
    stream         (section, stream) if it is alive in one stream only, while others run
    """

    name: str
    size: Any  # an extent
    place: str = "arena"
    number: int = 0
    array: Any = None
    inside: "Buffer | None" = None
    offset: int = 0
    first: int = NEVER
    last: int = -1
    stream: tuple[int, int] = (0, 0)

    def touch(self, time: int) -> None:
        """Extends the live range to a time at which it is written or read."""
        self.first, self.last = min(self.first, time), max(self.last, time)
        if self.inside is not None:
            self.inside.touch(time)


def memory_of(argument: Any) -> tuple[Any, int]:
    """Resolves an argument of a launch: (a buffer with memory of its own, or a number; offset in bytes)."""
    start = 0
    if isinstance(argument, tuple):
        argument, start = argument
    while isinstance(argument, Buffer) and argument.inside is not None:
        start += argument.offset
        argument = argument.inside
    return argument, start


@dataclass(frozen=True)
class StreamTimes:
    """The first and last time of each stream of a section. Within a section times do not order launches of different streams."""

    streams: tuple[tuple[int, int], ...]

    def look_at(self, buffer: Buffer, section: int) -> None:
        """Marks a buffer as alive in one stream only, or extends its live range over all streams that run at the same time."""
        start, end = self.streams[0][0], self.streams[-1][1]
        for number, (first, last) in enumerate(self.streams, 1):
            if first <= buffer.first and buffer.last <= last:
                buffer.stream = section, number
                return
        if start <= buffer.first <= end:
            buffer.first = start
        if start <= buffer.last <= end:
            buffer.last = end


def settle_streams(buffers: Iterable[Buffer], sections: Sequence[StreamTimes]) -> None:
    """Corrects live ranges for streams, which run side by side although their launches have different times."""
    for buffer in buffers:
        for number, section in enumerate(sections, 1):
            section.look_at(buffer, number)


def arrange(buffers: Iterable[Buffer], guard: bool = False) -> int:
    """Assigns offsets to arena buffers; returns the arena's bytes."""
    todo = [b for b in buffers if b.place == "arena" and b.last >= 0]
    if guard:
        return _apart(todo)
    # Greedy by size: placing large buffers first leaves gaps that small ones fill.
    todo.sort(key=lambda b: (-dims.number(b.size), b.first))
    firsts, lasts, offsets, ends = (np.zeros(len(todo), np.int64) for _ in range(4))
    streams = np.array([b.stream for b in todo], np.int64).reshape(-1, 2)
    for count, buffer in enumerate(todo):
        size = dims.number(room(buffer))
        meets = _meet(buffer, firsts[:count], lasts[:count], streams[:count])
        at = _lowest_gap(offsets[:count][meets], ends[:count][meets], size)
        buffer.offset = at
        firsts[count], lasts[count], offsets[count], ends[count] = (
            buffer.first,
            buffer.last,
            at,
            at + size,
        )
    return int(ends.max(initial=0))


def room(buffer: Buffer) -> Any:
    """The bytes that a buffer occupies in the arena: at least one, and whole, cache lines."""
    # Whole lines: tasks on different cores never write to one line for different buffers.
    return dims.maximum(dims.ceil_divide(buffer.size, LINE) * LINE, LINE)


def _meet(buffer: Buffer, firsts: np.ndarray, lasts: np.ndarray, streams: np.ndarray) -> np.ndarray:
    """A mask of the buffers that may be alive at the same time as `buffer`."""
    meets = (firsts <= buffer.last) & (lasts >= buffer.first)
    section, stream = buffer.stream
    if section:  # streams of a section run side by side, whatever their times
        meets |= (streams[:, 0] == section) & (streams[:, 1] != stream)
    return meets


@dataclass(frozen=True, eq=False)
class Place:
    """The position of a buffer in the arena for any sizes: directly above the places with these indices, which precede it."""

    buffer: Buffer
    above: tuple[int, ...]


def places(buffers: Iterable[Buffer]) -> tuple[Place, ...]:
    """The places of arranged buffers, the lowest first."""
    todo = sorted(
        [b for b in buffers if b.place == "arena" and b.last >= 0], key=lambda b: b.offset
    )
    firsts, lasts, offsets = (
        np.array([getattr(b, name) for b in todo], np.int64) for name in ("first", "last", "offset")
    )
    streams = np.array([b.stream for b in todo], np.int64).reshape(-1, 2)
    below = np.zeros((len(todo), len(todo)), np.float32)  # float: matrix products are fast
    for i, buffer in enumerate(todo):
        below[i] = _meet(buffer, firsts, lasts, streams) & (offsets < buffer.offset)
    # Transitive reduction: if k is below i and j is below k, then i starts above the end of j anyway. (below @ below)[i, j] counts such k.
    direct = (below > 0) & (below @ below == 0)
    return tuple([Place(b, tuple(np.flatnonzero(direct[i]).tolist())) for i, b in enumerate(todo)])


def _lowest_gap(offsets: np.ndarray, ends: np.ndarray, size: int) -> int:
    """The lowest offset at which `size` bytes fit between memory ranges, which may overlap each other."""
    if not len(offsets):
        return 0
    order = np.argsort(offsets, kind="stable")
    high = np.maximum.accumulate(ends[order])  # the highest end of each range and those before it
    # The bytes of the gap before each range.
    free = offsets[order] - np.concatenate([[0], high[:-1]])
    fits = np.flatnonzero(free >= size)
    return int(high[fits[0] - 1] if len(fits) and fits[0] else high[-1] if not len(fits) else 0)


def _apart(buffers: list[Buffer]) -> int:
    at = GUARD
    for buffer in buffers:
        buffer.offset = at
        at += -(-buffer.size // LINE) * LINE + GUARD
    return at


def gaps(buffers: Iterable[Buffer], total: int) -> list[tuple[int, int, str]]:
    """In guard mode: (start, end, name of the buffer before) of every range that no kernel may write."""
    ranges, at, name = [], 0, "the arena's start"
    for buffer in sorted(
        (b for b in buffers if b.place == "arena" and b.last >= 0), key=lambda b: b.offset
    ):
        ranges.append((at, buffer.offset, name))
        at, name = buffer.offset + buffer.size, buffer.name
    ranges.append((at, total, name))
    return ranges
