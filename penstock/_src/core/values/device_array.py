"""Arrays in a device's memory, as host values. Reading their elements copies them.

A `DeviceArray` replaces a NumPy array between the steps of a compiled function, and in tensors that live on a device. Its
shape and dtype are known at once; `on_host` waits for the device and copies the elements. Like tensors it never changes.
"""

import math
from typing import Any, Protocol

import numpy as np


class Memory(Protocol):
    """Memory of the elements of a `DeviceArray`."""

    def fetch(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Returns a new array of the elements, once the device has them."""


class DeviceArray:
    """An array of a device.

    At least one of two copies of the elements exists: `memory` of the device, which its programs make when they first need it, and `host`,
    an array that is made when it is read. `device` is the number of the device.
    """

    __slots__ = ("shape", "dtype", "device", "memory", "host", "__weakref__")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        device: int,
        memory: Memory | None = None,
        host: np.ndarray | None = None,
    ) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device
        self.memory, self.host = memory, host

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.dtype.itemsize

    def on_host(self) -> np.ndarray:
        """The elements as a read-only host array, copied at the first call."""
        if self.host is None:
            assert self.memory is not None
            self.host = self.memory.fetch(self.shape, self.dtype)
        return self.host

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.on_host(), dtype, copy=True if copy else None)

    def __int__(self) -> int:
        return int(self.on_host())

    def __getitem__(self, rows: slice) -> "DeviceArray":
        """The first rows, which are in the same memory: `array[:count]`."""
        count = range(self.shape[0])[rows].stop if self.shape[0] else 0
        assert rows.start is None and rows.step is None
        host = None if self.host is None else self.host[:count]
        shape = (count, *self.shape[1:])
        return DeviceArray(shape, self.dtype, self.device, self.memory, host)

    def tobytes(self) -> bytes:
        """The elements' bytes in order."""
        return self.on_host().tobytes()

    def reshaped(self, shape: tuple[int, ...]) -> "DeviceArray":
        """The same elements in another shape."""
        host = None if self.host is None else self.host.reshape(shape)
        return DeviceArray(shape, self.dtype, self.device, self.memory, host)


def on_host(value: Any) -> Any:
    """A value as kernels of the host take it: an array if it is a device's."""
    return value.on_host() if type(value) is DeviceArray else value
