"""Barriers in shared memory (mbarrier), and bulk copies of boxes (cp.async.bulk.tensor) that they count."""

import ctypes
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.devices.gpu.cuda.driver.calls import MAP_BYTES
from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.asynchronous.faults import (
    LINE,
    Misuse,
    SharedMemory,
    swizzled,
)
from penstock._src.devices.gpu.emulator.asynchronous.maps import BoxMap
from penstock._src.devices.gpu.target import WARP
from penstock._src.util.dataclass import dataclass

MOST_BYTES = (1 << 20) - 1  # that a phase may expect
POISON = 0xFF  # bytes to which a copy is on its way: not a number


@dataclass(eq=False)
class Barrier:
    """A barrier: what its current phase still waits for, and the events that it carries."""

    arrivals: int
    phase: int = 0
    pending: int = field(init=False)
    expected: int = 0  # bytes
    is_fenced: bool = False
    gathered: set[Any] = field(default_factory=set)
    published: set[Any] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pending = self.arrivals


@dataclass(eq=False)
class Copy:
    """A bulk copy: an event once it has landed."""

    places: np.ndarray  # in shared memory
    barrier: int
    has_landed: bool = False


class Barriers:
    """The barriers of a block, and the copies in flight.

    `known` are the events that each warp knows to have happened.
    """

    def __init__(
        self, words: np.ndarray, shared: SharedMemory, memory: Sequence[Any], known: list[set[Any]]
    ) -> None:
        self.words, self.shared, self.memory, self.known = words, shared, memory, known
        self._at: dict[int, Barrier] = {}
        self._made_by: dict[int, list[Barrier]] = {}
        self._waiting: dict[int, tuple[int, int]] = {}
        self._flying: deque[tuple[Copy, BoxMap, list[int], int]] = deque()
        self.copies: list[Copy] = []
        # The number of the copy, counted from 1.
        self.writer = np.zeros(len(shared.bytes), np.int32)

    # -- barriers
    def begin(self, thread: int, place: int, arrivals: int) -> None:
        if place % 8 or not 0 <= place <= len(self.shared.bytes) - 8:
            raise Misuse(f"makes a barrier at byte {place} of shared memory")
        if not 1 <= arrivals < 1 << 20:
            raise Misuse(f"makes a barrier for {arrivals} arrivals")
        barrier = self._at[place] = Barrier(arrivals)
        self._made_by.setdefault(thread, []).append(barrier)
        self.known[thread // WARP].add(barrier)

    def fence(self, thread: int) -> None:
        for barrier in self._made_by.pop(thread, []):
            barrier.is_fenced = True

    def _find(self, thread: int, place: int) -> Barrier:
        barrier = self._at.get(place)
        if barrier is None:
            raise Misuse(
                f"uses byte {place} of shared memory as a barrier that no thread has initialized"
            )
        if barrier not in self.known[thread // WARP]:
            raise Misuse(
                f"uses the barrier at byte {place} before it has observed its initialization"
            )
        return barrier

    def arrive(self, thread: int, place: int, expected: int = 0) -> list[int]:
        """Gives the threads that go on."""
        barrier = self._find(thread, place)
        barrier.expected += expected
        if barrier.expected > MOST_BYTES:
            raise Misuse(f"expects {barrier.expected} bytes at the barrier at byte {place}")
        barrier.pending -= 1
        # Who waits for the phase learns what those knew that arrived: it orders memory for both.
        barrier.gathered |= self.known[thread // WARP]
        return self._passed(place)

    def _passed(self, place: int) -> list[int]:
        """The threads that go on if the phase of a barrier has ended."""
        barrier = self._at[place]
        if barrier.pending or barrier.expected:
            return []
        barrier.phase += 1
        barrier.pending = barrier.arrivals
        # Only now: who waits for an earlier phase learns nothing of this one's arrivals.
        barrier.published |= barrier.gathered
        barrier.gathered = set()
        waiting = [t for t, (where, _) in self._waiting.items() if where == place]
        return [t for t in waiting if self.wait(t, *self._waiting.pop(t))]

    def wait(self, thread: int, place: int, parity: int) -> bool:
        """True if the phase of a parity has ended; else the thread waits for it."""
        barrier = self._find(thread, place)
        if barrier.phase & 1 == parity:
            self._waiting[thread] = place, parity
            return False
        self.known[thread // WARP] |= barrier.published
        return True

    # -- copies
    def copy(self, thread: int, to: int, map_at: int, first: list[int], place: int) -> Copy:
        barrier = self._find(thread, place)
        # Copies go through another proxy than stores, which sees a barrier only after a fence.
        if not barrier.is_fenced:
            raise Misuse(
                f"copies to the barrier at byte {place} without a fence after its initialization"
            )
        words = (ctypes.c_int64 * (MAP_BYTES // 8)).from_address(map_at)
        box = BoxMap.read(words)
        if len(first) != len(box.extents):
            raise Misuse(f"copies a box of {len(first)} dimensions of {len(box.extents)}")
        if to % LINE:
            raise Misuse(f"copies to byte {to} of shared memory, no multiple of {LINE}")
        line = box.box[0] * box.size
        if line != LINE:
            raise Misuse(f"copies lines of {line} bytes, not {LINE}")
        places = swizzled(to + np.arange(box.lines * LINE))
        self.shared.check(places, "copies to")
        copy_ = Copy(places, place)
        for old in np.unique(self.writer[places]):
            self._check_before(thread, int(old))
        self.copies.append(copy_)
        self.writer[places] = len(self.copies)
        # Who reads them before the copy is awaited computes with NaN, even if no check notices.
        self.shared.bytes[places] = POISON
        self.shared.mark(places, state.IN_FLIGHT)
        # Coordinates are signed: boxes may begin before an array.
        starts = [int(np.int32(x & 0xFFFFFFFF if x >= 0 else x)) for x in first]
        self._flying.append((copy_, box, starts, thread))
        return copy_

    def _check_before(self, thread: int, number: int) -> None:
        if number and self.copies[number - 1] not in self.known[thread // WARP]:
            raise Misuse("copies to shared memory to which another copy may be on its way")

    def look(self, thread: int, places: np.ndarray) -> None:
        """Rejects bytes for which the warpgroup's threads have not awaited a copy."""
        for number in np.unique(self.writer[places]):
            if not number:
                raise Misuse("multiplies shared memory to which nothing was copied")
            copy = self.copies[number - 1]
            warps = range(thread // WARP, (thread + state.WARPGROUP) // WARP)
            if not copy.has_landed or any(copy not in self.known[w] for w in warps):
                raise Misuse("multiplies shared memory to which a copy is on its way")

    def land_next(self) -> list[int]:
        """Completes the oldest copy; returns the threads that continue, those of further copies if none does."""
        while self._flying:
            copy, box, first, thread = self._flying.popleft()
            self.shared.bytes[copy.places] = self._read(box, first, thread)
            self.shared.mark(copy.places, int(self.words[state.BLOCK_EPOCH]))
            copy.has_landed = True
            barrier = self._at[copy.barrier]
            barrier.expected -= len(copy.places)
            barrier.gathered.add(copy)
            # Hardware allows it within a phase; here it means that bytes were not announced.
            if barrier.expected < 0:
                raise Misuse(
                    f"lets more bytes come than the barrier at byte {copy.barrier} expects"
                )
            # One phase at a time: the others land as late as possible.
            if released := self._passed(copy.barrier):
                return released
        return []

    def _read(self, box: BoxMap, first: list[int], thread: int) -> np.ndarray:
        """The bytes of a box: zeros outside of the array."""
        offsets, inside = [], []
        for at in itertools.product(*[range(n) for n in reversed(box.box[1:])]):
            where = [a + b for a, b in zip(first[1:], reversed(at), strict=True)]
            inside.append(all(0 <= x < n for x, n in zip(where, box.extents[1:], strict=True)))
            offsets.append(sum(x * s for x, s in zip(where, box.strides, strict=True)))
        inner = first[0] + np.arange(box.box[0])
        there = np.array(inside)[:, None] & (inner >= 0) & (inner < box.extents[0])
        start = box.address + np.array(offsets)[:, None] + inner * box.size
        bytes_there = np.repeat(there, box.size, 1)
        places = (start[:, :, None] + np.arange(box.size)).reshape(len(offsets), -1)
        content = np.zeros(places.shape, np.uint8)
        if there.any():
            content[bytes_there] = self._global(places[bytes_there], thread)
        return content.reshape(-1)

    def _global(self, places: np.ndarray, thread: int) -> np.ndarray:
        """Bytes of global memory, looked at as loads of threads are."""
        low, high = int(places.min()), int(places.max())
        for memory in self.memory:
            if memory.address <= low and high < memory.address + memory.bytes.nbytes:
                break
        else:
            raise Misuse(f"copies bytes {low:#x} to {high:#x}, outside of what it has")
        at = places - memory.address
        shadow = memory.shadow.reshape(-1, state.SHADOW_WORDS)
        if (shadow[at, 0] >= self.words[state.LAUNCH_EPOCH]).any():
            raise Misuse(f"copies from {memory.name} what a thread of this launch has written")
        shadow[at, 2] = int(self.words[state.EPOCH])
        shadow[at, 3] = thread
        return np.asarray(memory.bytes[at])

    def end(self) -> None:
        """Rejects unfinished work when all threads have ended."""
        if self._flying:
            raise Misuse("ends while a copy is on its way")
