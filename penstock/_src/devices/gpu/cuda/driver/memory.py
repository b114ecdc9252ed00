"""Memory of a GPU: in use by programs, cached for reuse, and the limits of both."""

import weakref
from collections import defaultdict
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.util.dataclass import dataclass

LEAST = 256  # bytes that memory is rounded up to
SPARE_SHARE = 4  # a GPU's memory divided by this is the limit of cached bytes


@dataclass
class MemoryUse:
    """Bytes of a GPU in use by programs.

    limit   the maximum; None: all memory
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


class SpareMemory:
    """Unreferenced memory, by its size. All of a GPU's work is done in order, so it may be reused at once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._addresses: defaultdict[int, set[int]] = defaultdict(set)

    def put(self, address: int, size: int) -> None:
        """Keeps memory."""
        self._addresses[size].add(address)
        self.bytes += size

    def take(self, size: int, wanted: int | None = None) -> int | None:
        """Memory of exactly this size, if there is some: at the wanted address, else at the lowest one."""
        free = self._addresses.get(size)
        if not free:
            return None
        # The same addresses in each run: recorded graphs contain them and stay valid.
        address = wanted if wanted in free else min(free)
        free.remove(address)
        self.bytes -= size
        return address

    def take_all(self) -> list[int]:
        """All of it."""
        addresses = [address for each in self._addresses.values() for address in each]
        self._addresses.clear()
        self.bytes = 0
        return addresses


@dataclass(eq=False)
class DeviceMemory:
    """Memory of a `Gpu`; with an `owner`, a part of the owner's memory."""

    gpu: Any
    address: int
    size: int
    owner: Any = field(default=None, repr=False)
    _lent: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.owner is None:
            # Not at once: the collector may come while a graph is recorded.
            end = weakref.finalize(self, self.gpu.dropped.append, (self.address, self.size))
            end.atexit = False

    def lent(self) -> "DeviceMemory":
        """The same memory for readers: it does not change while they reference the result."""
        shared: DeviceMemory | None = None if self._lent is None else self._lent()
        if shared is None:
            shared = DeviceMemory(self.gpu, self.address, self.size, self)
            self._lent = weakref.ref(shared)
        return shared

    @property
    def is_lent(self) -> bool:
        """True while readers reference it, so that it must not change."""
        return self._lent is not None and self._lent() is not None

    def write(self, array: np.ndarray) -> None:
        """Copies an array of the host here; the array may be changed when the call is back."""
        if array.nbytes:
            gpu = self.gpu
            gpu.driver.to_device(self.address, array.ctypes.data, array.nbytes, gpu.stream)

    def read(self, array: np.ndarray) -> None:
        """Copies to a host array, which is complete after the GPU's `wait`."""
        if array.nbytes:
            self.gpu.read(array, self.address)

    def fetch(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Returns a new array of the first bytes, once the GPU has written them."""
        array = empty_aligned(shape, dtype)
        with self.gpu.lock:
            self.gpu.activate()
            self.read(array)
            self.gpu.wait()
        return array

    def copied(self, size: int) -> "DeviceMemory":
        """New memory of the same GPU with the first bytes of this."""
        gpu = self.gpu
        copy = gpu.allocate(size)
        gpu.driver.copy(copy.address, self.address, size, gpu.stream)
        return copy
