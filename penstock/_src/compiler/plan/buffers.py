"""Where every value is: one arena for temporaries, in which buffers that are never alive together share memory.

Buffers are placed greedily, the largest first, at the lowest offset that no buffer alive at the same time occupies. In guard mode
nothing is shared and every buffer has a sentinel on both sides.

Where sizes are unknown, places are found for the sizes of the call at hand. Of them only is kept which buffer lies below which, among
those that are alive at one time: for any other sizes, a buffer begins where the highest of those below it ends.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from penstock._src.ir.extents import dims
from penstock._src.util.dataclass import dataclass

LINE = 64
GUARD = 256  # bytes of sentinel on either side in guard mode
NEVER = 1 << 60


@dataclass(eq=False)
class Buffer:
    """Memory of one value.

    place    "arena"; "input", "output", "variable", "prepacked" (with `number`); "constant" (with `array`); "inside"
             (part of another)
    first, last    times of the launches between which it is alive
    lane           (section, lane) if it is alive in one lane only, beside which others run
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
    lane: tuple[int, int] = (0, 0)

    def touch(self, time: int) -> None:
        """Is written or read at a time."""
        self.first, self.last = min(self.first, time), max(self.last, time)
        if self.inside is not None:
            self.inside.touch(time)


def memory_of(argument: Any) -> tuple[Any, int]:
    """What an argument of a launch stands for: (a buffer with memory of its own, or a number; bytes from its start)."""
    start = 0
    if isinstance(argument, tuple):
        argument, start = argument
    while isinstance(argument, Buffer) and argument.inside is not None:
        start += argument.offset
        argument = argument.inside
    return argument, start


@dataclass(frozen=True)
class LaneTimes:
    """When lanes run: the first and last time of each. Other times do not tell what runs before what there."""

    lanes: tuple[tuple[int, int], ...]

    def look_at(self, buffer: Buffer, section: int) -> None:
        """Lets a buffer be alive in one lane only, or through all of them."""
        start, end = self.lanes[0][0], self.lanes[-1][1]
        for number, (first, last) in enumerate(self.lanes, 1):
            if first <= buffer.first and buffer.last <= last:
                buffer.lane = section, number
                return
        if start <= buffer.first <= end:
            buffer.first = start
        if start <= buffer.last <= end:
            buffer.last = end


def settle_lanes(buffers: Iterable[Buffer], sections: Sequence[LaneTimes]) -> None:
    """Lets buffers be alive as long as something may use them, where lanes run side by side."""
    for buffer in buffers:
        for number, section in enumerate(sections, 1):
            section.look_at(buffer, number)


def arrange(buffers: Iterable[Buffer], guard: bool = False) -> int:
    """Gives arena buffers their offsets; returns the arena's bytes."""
    todo = [b for b in buffers if b.place == "arena" and b.last >= 0]
    if guard:
        return _apart(todo)
    todo.sort(key=lambda b: (-dims.number(b.size), b.first))
    firsts, lasts, offsets, ends = (np.zeros(len(todo), np.int64) for _ in range(4))
    lanes = np.array([b.lane for b in todo], np.int64).reshape(-1, 2)
    for count, buffer in enumerate(todo):
        size = dims.number(room(buffer))
        meets = _meet(buffer, firsts[:count], lasts[:count], lanes[:count])
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
    """The bytes that a buffer takes in the arena: whole cache lines."""
    return dims.maximum(dims.ceil_divide(buffer.size, LINE) * LINE, LINE)


def _meet(buffer: Buffer, firsts: np.ndarray, lasts: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """Which of other buffers may be alive at the same time as one."""
    meets = (firsts <= buffer.last) & (lasts >= buffer.first)
    section, lane = buffer.lane
    if section:
        meets |= (lanes[:, 0] == section) & (lanes[:, 1] != lane)
    return meets


@dataclass(frozen=True, eq=False)
class Place:
    """Where a buffer lies in the arena for any sizes: above those of these numbers, which come before it."""

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
    lanes = np.array([b.lane for b in todo], np.int64).reshape(-1, 2)
    below = np.zeros((len(todo), len(todo)), np.float32)
    for i, buffer in enumerate(todo):
        below[i] = _meet(buffer, firsts, lasts, lanes) & (offsets < buffer.offset)
    direct = (below > 0) & (below @ below == 0)  # others are below those, too
    return tuple([Place(b, tuple(np.flatnonzero(direct[i]).tolist())) for i, b in enumerate(todo)])


def _lowest_gap(offsets: np.ndarray, ends: np.ndarray, size: int) -> int:
    """The lowest place where `size` bytes fit between stretches of memory."""
    if not len(offsets):
        return 0
    order = np.argsort(offsets, kind="stable")
    high = np.maximum.accumulate(ends[order])  # nothing lies beyond, up to each stretch
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
    """In guard mode: (start, end, name of the buffer before) of every stretch that nobody may write."""
    found, at, name = [], 0, "the arena's start"
    for buffer in sorted(
        (b for b in buffers if b.place == "arena" and b.last >= 0), key=lambda b: b.offset
    ):
        found.append((at, buffer.offset, name))
        at, name = buffer.offset + buffer.size, buffer.name
    found.append((at, total, name))
    return found
