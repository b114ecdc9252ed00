"""Errors of kernels that use an instruction wrongly, and the service's view of shared memory."""

import numpy as np

from penstock._src.devices.gpu.emulator import state
from penstock._src.util.dataclass import dataclass

LINE = 128  # bytes of a swizzled line
CHUNK = 16  # bytes that swizzling moves


class Misuse(Exception):
    """A wrong use of an instruction by a thread, as a sentence without its subject."""


@dataclass
class SharedMemory:
    """A block's shared memory, and the shadow of its bytes."""

    bytes: np.ndarray
    shadow: np.ndarray

    def check(self, places: np.ndarray, what: str) -> None:
        """Rejects offsets out of range."""
        if places.min() < 0 or places.max() >= len(self.bytes):
            raise Misuse(
                f"{what} bytes {places.min()} to {places.max()} of shared memory ({len(self.bytes)} bytes)"
            )

    def mark(self, places: np.ndarray, when: int) -> None:
        """Sets when bytes were written, for the loads and stores of threads."""
        self.shadow.reshape(-1, state.SHADOW_WORDS)[places.reshape(-1), 0] = when


def swizzled(places: np.ndarray) -> np.ndarray:
    """The offsets, after swizzling lines of 128 bytes, of the bytes at `places`."""
    return places ^ ((places // LINE % 8) * CHUNK)
