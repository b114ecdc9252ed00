"""The products of warpgroups (wgmma): they read tiles in shared memory when they are waited for, and no earlier.

Until then a sum is a token, no number, that names its product: who reads it early computes with that.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.asynchronous.boxes import Barriers, Copy
from penstock._src.devices.gpu.emulator.asynchronous.faults import (
    LINE,
    Misuse,
    SharedMemory,
    swizzled,
)
from penstock._src.devices.gpu.target import WARP
from penstock._src.util.dataclass import dataclass

ROWS = 64  # rows of an instruction
TOKEN = 0x7FC00000  # NaN with the number of the product in its lower bits: it replaces sums that are not ready
SWIZZLED_BY_128 = 1
SIZES = {"bf16": 2, "f16": 2, "s8": 1}
DEPTH = 32  # bytes of an instruction


@dataclass(eq=False)
class Sums:
    """A warpgroup's sums: of each thread a row of `values`; `left` products have still to be added."""

    values: np.ndarray
    left: int = 0


@dataclass(eq=False)
class Reading:
    """The memory that a group of products reads, with an event for each warp that has finished."""

    first: int  # thread
    ranges: list[np.ndarray] = field(default_factory=list)
    additions: list[Callable[[], None]] = field(default_factory=list)

    def events(self) -> list[tuple["Reading", int]]:
        first = self.first // WARP
        return [(self, w) for w in range(first, first + state.WARPGROUP // WARP)]


@dataclass
class Warpgroup:
    """The state of a warpgroup: groups of products that are open, and those that are closed but not waited for."""

    open: Reading
    closed: list[Reading] = field(default_factory=list)
    is_fenced: bool = False


class Products:
    """Those of a block."""

    def __init__(self, barriers: Barriers, shared: SharedMemory, known: list[set[Any]]):
        self.barriers, self.shared, self.known = barriers, shared, known
        self._groups: dict[int, Warpgroup] = {}
        self._sums: list[Sums] = []
        self._readings: list[Reading] = []  # readings of tiles that have not been overwritten

    def _group(self, threads: Sequence[int]) -> Warpgroup:
        first = threads[0]
        if len(threads) != state.WARPGROUP:
            raise Misuse(f"multiplies with {len(threads)} threads")
        if first not in self._groups:
            self._groups[first] = Warpgroup(Reading(first))
        return self._groups[first]

    def fence(self, threads: Sequence[int]) -> None:
        self._group(threads).is_fenced = True

    def begin(
        self, threads: Sequence[int], tiles: tuple[int, ...], shape: tuple[int, int], element: str, across: list[bool],
        sums: list[np.ndarray],
    ) -> None:  # fmt: skip
        group = self._group(threads)
        if not group.is_fenced:
            raise Misuse("multiplies without a fence for its sums")
        columns, depth = shape
        if depth * SIZES[element] != DEPTH:
            raise Misuse(f"multiplies {depth} numbers of {element} at once")
        number = self._number_of(sums)
        if number is None:
            self._sums.append(Sums(np.array(sums)))
            number = len(self._sums) - 1
        total = self._sums[number]
        places = []
        for descriptor, lines, turned in zip(tiles, (ROWS, columns), across, strict=True):
            places.append(_places(descriptor, lines, depth, SIZES[element], turned))
            self.shared.check(places[-1], "multiplies")
            self.barriers.look(threads[0], places[-1])
        group.open.ranges += places
        total.left += 1

        def add() -> None:
            a, b = (_numbers(self.shared.bytes[p], element) for p in places)
            total.values += _of_threads(a @ b.T)
            total.left -= 1

        group.open.additions.append(add)
        for mine in sums:
            # Registers have no addresses: by the number the next product finds its sums.
            mine.view(np.int32)[:] = TOKEN + number

    def _number_of(self, sums: list[np.ndarray]) -> int | None:
        """The number of the product whose sums these are; None if they are ready."""
        bits = np.array(sums).view(np.int32)
        number = int(bits[0, 0]) - TOKEN
        if 0 <= number < len(self._sums) and self._sums[number].left and (bits == bits[0, 0]).all():
            return number
        return None

    def close(self, threads: Sequence[int]) -> None:
        group = self._group(threads)
        group.closed.append(group.open)
        self._readings.append(group.open)
        group.open = Reading(threads[0])

    def wait(
        self, threads: Sequence[int], left: int, sums: Callable[[int, str], list[np.ndarray]]
    ) -> None:
        group = self._group(threads)
        while len(group.closed) > left:
            reading = group.closed.pop(0)
            for add in reading.additions:
                add()
            for event in reading.events():
                self.known[event[1]].add(event)
        # The threads now use the sums' registers, which the next products must not meet.
        group.is_fenced = False
        number = int(sums(1, "s32")[0][0]) - TOKEN
        if 0 <= number < len(self._sums) and not self._sums[number].left:
            values = self._sums[number].values
            kind = "f32" if values.dtype == np.float32 else "s32"
            for mine, value in zip(sums(values.shape[1], kind), values, strict=True):
                mine[:] = value

    def overwritten(self, thread: int, copy: Copy) -> None:
        """Rejects a copy over data that may still be read."""
        kept = []
        unclosed = [group.open for group in self._groups.values()]
        for reading in [*self._readings, *unclosed]:
            met = [np.isin(r, copy.places) for r in reading.ranges]
            # All four warps must have waited: each reads tiles by itself.
            if any(m.any() for m in met) and not self.known[thread // WARP].issuperset(
                reading.events()
            ):
                raise Misuse("copies to shared memory that may still be multiplied")
            # The rest stays: another thread may not know that it has been read.
            left = [r[~m] for r, m in zip(reading.ranges, met, strict=True) if not m.all()]
            if left:
                kept.append(reading)
                reading.ranges = left
        self._readings = [r for r in kept if r not in unclosed]

    def end(self) -> None:
        """Rejects unfinished work when all threads have ended."""
        if any(group.closed or group.open.additions for group in self._groups.values()):
            raise Misuse("ends without waiting for its products")


def _places(descriptor: int, lines: int, depth: int, size: int, across: bool) -> np.ndarray:
    """The offsets of the bytes of a tile of (lines, depth) numbers."""
    address, leading, stride = ((descriptor >> at & 0x3FFF) << 4 for at in (0, 16, 32))
    if descriptor >> 62 & 3 != SWIZZLED_BY_128 or descriptor >> 49 & 7:
        raise Misuse(
            f"multiplies a tile of descriptor {descriptor & (1 << 64) - 1:#x}, not swizzled by 128"
        )
    line, k = np.arange(lines)[:, None], np.arange(depth)[None, :]
    if across:
        of_chunk = LINE // size  # lines side by side
        at = line % of_chunk * size + line // of_chunk * leading + k % 8 * LINE + k // 8 * stride
    else:
        at = line % 8 * LINE + line // 8 * stride + k * size
    return swizzled((address + at)[:, :, None] + np.arange(size))


def _numbers(raw_bytes: np.ndarray, element: str) -> np.ndarray:
    """Bytes as numbers in which products are summed."""
    raw_bytes = np.ascontiguousarray(raw_bytes)
    if element == "bf16":
        # A bfloat16 is the upper half of a float32.
        whole = raw_bytes.view(np.uint16)[..., 0].astype(np.uint32) << 16
        return whole.view(np.float32)
    if element == "f16":
        return raw_bytes.view(np.float16)[..., 0].astype(np.float32)
    return raw_bytes.view(np.int8)[..., 0].astype(np.int32)


def _of_threads(sums: np.ndarray) -> np.ndarray:
    """Sums of (64, columns) as a row for each thread: of its two rows pairs of neighboring columns, eight columns apart."""
    columns = sums.shape[1]
    #        warp, half, lane group, eight columns, lane in group, neighbor
    parts = sums.reshape(4, 2, 8, columns // 8, 4, 2)
    return np.ascontiguousarray(parts.transpose(0, 2, 4, 3, 1, 5)).reshape(state.WARPGROUP, -1)
