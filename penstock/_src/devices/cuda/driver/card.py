"""A card that is in use: its context, its stream, its memory and the kernels that it has."""

import hashlib
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.devices.cuda.driver.calls import (
    MAJOR,
    MINOR,
    MULTIPROCESSORS,
    Driver,
)
from penstock._src.devices.cuda.kernels.language import CudaCode
from penstock._src.devices.cuda.target import Architecture, architecture_of
from penstock._src.native.cache import ObjectCache
from penstock._src.util.process import forks

LEAST = 256  # bytes that memory is rounded up to
Imager = Callable[[CudaCode], bytes]  # the text of a code that a driver links


@dataclass
class MemoryUse:
    """Bytes of a card that programs hold.

    limit   that they may hold at most; None: what there is
    """

    current: int = 0
    peak: int = 0
    limit: int | None = None

    def take(self, size: int) -> None:
        """Counts memory that is about to be allocated.

        Raises:
          ResourceExhaustedError: it would be more than the limit.
        """
        if self.limit is not None and self.current + size > self.limit:
            raise ResourceExhaustedError(
                None,
                None,
                f"GPU: {size} bytes are needed, {self.current} of the limit of {self.limit} are in use.",
            )
        self.current += size
        self.peak = max(self.peak, self.current)


class Card:
    """One device of a driver. Calls of one card are put into one stream, so that they are done in order."""

    def __init__(self, driver: Driver, number: int, image: Imager):
        self.driver, self.image = driver, image
        self.device = driver.device(number)
        self.name = driver.name(self.device)
        self.capability = (
            driver.attribute(self.device, MAJOR),
            driver.attribute(self.device, MINOR),
        )
        self.multiprocessors = driver.attribute(self.device, MULTIPROCESSORS)
        self.total_memory = driver.total_memory(self.device)
        self.use = MemoryUse()
        self._context = driver.context(self.device)
        self.lock = forks.freed_in_child(threading.RLock())
        self.dropped: list[tuple[int, int]] = []  # memory to give back: address, bytes
        self._functions: dict[tuple[str, str], int] = {}
        with self.lock:
            self.activate()
            self.stream = driver.stream()

    @property
    def architecture(self) -> Architecture:
        """The one that kernels are written for."""
        return architecture_of(*self.capability)

    def activate(self) -> None:
        """Makes the card that of the calling thread, and gives back memory that nobody holds any more."""
        self.driver.use(self._context)
        while self.dropped:
            address, size = self.dropped.pop()
            self.driver.free(address, self.stream)
            self.use.current -= size

    def allocate(self, size: int) -> "DeviceMemory":
        """Memory of the card, given back when nobody holds it."""
        size = max(-(-size // LEAST) * LEAST, LEAST)
        self.use.take(size)
        try:
            address = self.driver.allocate(size, self.stream)
        except BaseException:
            self.use.current -= size
            raise
        return DeviceMemory(self, address, size)

    def function(self, code: CudaCode, name: str) -> int:
        """A kernel, loaded when it is first asked for."""
        key = (code.key, name)
        if key not in self._functions:
            module = self.driver.load(self._cubin(code))
            for exported in code.exports:
                self._functions[code.key, exported] = self.driver.function(module, exported)
        return self._functions[key]

    def _cubin(self, code: CudaCode) -> bytes:
        """What the driver makes of a code for this kind of card, kept on disk for later processes."""
        made_for = (self.name, self.capability, self.driver.version())
        key = hashlib.sha256(f"{code.key} {made_for}".encode()).hexdigest()
        cache = ObjectCache.from_flags()
        found = cache.read(key)
        if found is None:
            found = self.driver.link(self.image(code))
            cache.write(key, found)
        return found

    def begin_capture(self) -> None:
        """What is asked of the card from here on is recorded."""
        self.driver.begin_capture(self.stream)

    def end_capture(self) -> "Graph":
        """What was recorded since."""
        return Graph(self, self.driver.end_capture(self.stream))

    def wait(self) -> None:
        """Waits for all that was asked of the card."""
        self.driver.wait(self.stream)


class Graph:
    """Recorded work of a card, which one call launches."""

    def __init__(self, card: Card, handle: int):
        self.card, self.handle = card, handle
        weakref.finalize(self, card.driver.free_graph, handle).atexit = False

    def launch(self) -> None:
        """Puts all of it into the card's stream."""
        self.card.driver.launch_graph(self.handle, self.card.stream)


@dataclass(eq=False)
class DeviceMemory:
    """Memory of a card."""

    card: Card
    address: int
    size: int
    _end: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Not at once: the collector may come while a graph is recorded.
        self._end = weakref.finalize(self, self.card.dropped.append, (self.address, self.size))
        self._end.atexit = False

    def write(self, array: np.ndarray) -> None:
        """Copies an array of the host here; the array may be changed when the call is back."""
        if array.nbytes:
            card = self.card
            card.driver.to_device(self.address, array.ctypes.data, array.nbytes, card.stream)

    def read(self, array: np.ndarray) -> None:
        """Copies to an array of the host, which holds it after the card's `wait`."""
        if array.nbytes:
            card = self.card
            card.driver.to_host(array.ctypes.data, self.address, array.nbytes, card.stream)
