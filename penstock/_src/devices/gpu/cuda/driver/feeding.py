"""Copies from the host to a GPU ahead of their use: through pinned memory, in a stream parallel to the computing one."""

import ctypes
import itertools
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.devices.gpu.cuda.driver.memory import LEAST, DeviceMemory
from penstock._src.util.dataclass import dataclass

# From this size in bytes, the driver waits for the GPU before it copies memory that is not pinned.
STAGED = 64 << 10
MOST_STAGED = 256 << 20  # bytes of an array up to which it has pinned memory, twice
PINNED = 2  # blocks of pinned memory that are filled in turn
SPARE_ROOMS = 2  # that lie ready before one is used again, so that its last reader has mostly ended


@dataclass
class Block:
    """Memory, and an event that has come when it may be used again."""

    address: int
    size: int
    event: int


@dataclass(eq=False)
class Room:
    """A GPU's memory for one batch of arrays, released when no array is in use any more."""

    feeder: "Feeder"
    block: Block

    def __post_init__(self) -> None:
        weakref.finalize(self, self.feeder.given_up.append, self.block).atexit = False


@dataclass(frozen=True)
class Sent:
    """Arrays on their way: their memory, and the event that has come when they are there."""

    memory: Sequence[DeviceMemory]
    event: int


class Feeder:
    """Sends arrays to a GPU, as long as the process runs. The host waits only for the copy before the last one, whose pinned memory it reuses."""

    def __init__(self, gpu: Any) -> None:
        self.gpu = gpu
        self.given_up: list[Block] = []
        self._ready: deque[Block] = deque()
        self._pinned: list[Block] = []
        self._turn = itertools.cycle(range(PINNED))
        with gpu.lock:
            gpu.activate()
            self.stream = gpu.driver.stream()

    def send(self, arrays: Sequence[np.ndarray]) -> Sent:
        """Begins to copy arrays; they may be changed when the call is back."""
        begins, size = [], 0
        for array in arrays:
            begins.append(size)
            size += -(-max(array.nbytes, 1) // LEAST) * LEAST
        driver = self.gpu.driver
        with self.gpu.lock:
            self.gpu.activate()
            pinned, room = self._pinned_block(size), self._room(size)
            for array, begin in zip(arrays, begins, strict=True):
                # Copied by the host first: the caller may change the array when the call is back.
                whole = np.ascontiguousarray(array)
                ctypes.memmove(pinned.address + begin, whole.ctypes.data, whole.nbytes)
            driver.to_device(room.block.address, pinned.address, size, self.stream)
            driver.record(pinned.event, self.stream)
            # A separate event: the pinned block's one is recorded again by a later batch.
            arrived = driver.event()
            driver.record(arrived, self.stream)
        memory = [
            DeviceMemory(self.gpu, room.block.address + begin, array.nbytes, room)
            for array, begin in zip(arrays, begins, strict=True)
        ]
        return Sent(memory, arrived)

    def receive(self, sent: Sent) -> Sequence[DeviceMemory]:
        """The memory of arrays; later work of the GPU comes after their copies."""
        driver = self.gpu.driver
        with self.gpu.lock:
            self.gpu.activate()
            driver.wait_in_stream(self.gpu.stream, sent.event)
            driver.free_event(sent.event)  # once it has come
        return sent.memory

    def upload(self, targets: Sequence[tuple[DeviceMemory, np.ndarray]]) -> None:
        """Copies host arrays to memory of the GPU's programs; they may be changed after the call returns.

        Large ones are sent while the GPU computes, and moved into place afterwards, so the host does not wait.
        """
        staged = [(m, a) for m, a in targets if STAGED <= a.nbytes <= MOST_STAGED]
        sent = self.send([array for _, array in staged]) if staged else None
        for memory, array in targets:
            if not STAGED <= array.nbytes <= MOST_STAGED:
                memory.write(array)
        if sent is not None:
            gpu = self.gpu
            for (memory, array), there in zip(staged, self.receive(sent), strict=True):
                gpu.driver.copy(memory.address, there.address, array.nbytes, gpu.stream)

    def _pinned_block(self, size: int) -> Block:
        """The next pinned memory in turn, once the copy from it has ended."""
        driver, turn = self.gpu.driver, next(self._turn)
        if turn < len(self._pinned):
            block = self._pinned[turn]
            driver.wait_for_event(block.event)
            if block.size >= size:
                return block
            if block.size:
                driver.free_host(block.address)
            block.size = 0  # should there be no memory now, a later call must not find the old one
            block.address, block.size = driver.allocate_host(size), size
            return block
        pinned = Block(driver.allocate_host(size), size, driver.event())
        self._pinned.append(pinned)
        return pinned

    def _room(self, size: int) -> Room:
        """Memory of the GPU that is not read: the copy into it waits for earlier readers."""
        gpu, driver = self.gpu, self.gpu.driver
        self._take_back()
        if len(self._ready) > SPARE_ROOMS and self._ready[0].size >= size:
            block = self._ready.popleft()
            driver.wait_in_stream(self.stream, block.event)
            return Room(self, block)
        while len(self._ready) > SPARE_ROOMS:  # too small
            self._free(self._ready.popleft())
        # Gives up cached memory and tries again if the GPU has none left.
        address = gpu.with_room(lambda: self._allocated(size))
        return Room(self, Block(address, size, driver.event()))

    def _allocated(self, size: int) -> int:
        use = self.gpu.use
        use.take(size)
        try:
            return self.gpu.driver.allocate(size, self.stream)
        except BaseException:
            use.current -= size
            raise

    def give_back(self) -> int:
        """Frees the cached rooms of a GPU that is out of memory; returns their number."""
        with self.gpu.lock:
            self.gpu.activate()
            self._take_back()
            count = len(self._ready)
            while self._ready:
                self._free(self._ready.popleft())
        return count

    def _take_back(self) -> None:
        """Caches rooms that were released."""
        while self.given_up:
            block = self.given_up.pop(0)
            self.gpu.driver.record(block.event, self.gpu.stream)  # after all work that may read it
            self._ready.append(block)

    def _free(self, block: Block) -> None:
        driver = self.gpu.driver
        driver.wait_in_stream(self.stream, block.event)
        driver.free(block.address, self.stream)
        driver.free_event(block.event)
        self.gpu.use.current -= block.size
