"""Values of variables in a device's memory, kept with the variables' handles from one run to the next."""

import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core.values.resources import VariableHandle


@dataclass(frozen=True)
class Resident:
    """Memory of a device that held a variable's value.

    source   the array whose value it was
    version  of the variable then
    memory   whatever the device calls memory
    """

    source: weakref.ref[np.ndarray]
    version: int
    memory: Any

    def is_current(self, handle: VariableHandle, array: np.ndarray) -> bool:
        """Whether the memory has the value that the variable has now."""
        return self.version == handle.version and self.source() is array


def resident(handle: VariableHandle, device: Hashable) -> Resident | None:
    """What a device has of a variable; None if nothing."""
    return handle.derived.get(device)


def note(
    handle: VariableHandle, device: Hashable, array: np.ndarray, version: int, memory: Any
) -> None:
    """Remembers that memory of a device has the value of `array`, the variable's in that version."""
    handle.derived[device] = Resident(weakref.ref(array), version, memory)


def forget(handle: VariableHandle, device: Hashable) -> None:
    """The device's memory may have any value from now on."""
    handle.derived.pop(device, None)
