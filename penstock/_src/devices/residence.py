"""Variables in a device's memory: kept there from one run to the next, and copied to the host when they are read there.

A device that has computed a variable's new value calls `hold`: the handle becomes a `HeldVariable` without a host array. The first read of
its `value` copies it, and the handle is a plain one again, with an equal copy on the device. All of this is done with
`resources.UPDATING`, which is taken before any lock of a device.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.core.values.resources import VariableHandle
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Resident:
    """Memory of a device that has a variable's value.

    memory   the device's memory object
    source   the array with the same value; None: only the device has it
    version  of the variable when the array had the value
    """

    memory: Any
    source: "weakref.ref[np.ndarray] | None"
    version: int


@dataclass(frozen=True)
class Holder:
    """The device that has the only copy of a variable's value.

    device  the key of its memory
    shape   of the value
    fetch   returns a new array with the value
    """

    device: Any
    shape: tuple[int, ...]
    fetch: Callable[[], np.ndarray]


_HOLDER = "holder"  # the key of the device's memory among the data derived from a handle's value


def resident(handle: VariableHandle, device: Hashable) -> Any:
    """The memory of a device that has a variable's present value; None if there is none."""
    resident_: Resident | None = handle.derived.get(device)
    if resident_ is None:
        return None
    if resident_.source is None or isinstance(handle, HeldVariable):
        is_holder = isinstance(handle, HeldVariable) and handle.holder.device is device
        return resident_.memory if is_holder else None
    # The version counts assignments; the array itself may also have been written in place.
    is_current = resident_.version == handle.version and resident_.source() is handle.value
    return resident_.memory if is_current else None


def outdated(handle: VariableHandle, device: Hashable) -> Any:
    """The memory that a device had for an earlier value of a variable; None if it had none."""
    resident_: Resident | None = handle.derived.get(device)
    return None if resident_ is None else resident_.memory


def note(handle: VariableHandle, device: Hashable, array: np.ndarray, memory: Any) -> None:
    """Remembers that memory of a device has the value of the variable's array."""
    handle.derived[device] = Resident(memory, weakref.ref(array), handle.version)


def hold(
    handle: VariableHandle,
    device: Hashable,
    memory: Any,
    shape: tuple[int, ...],
    read: Callable[[], np.ndarray],
) -> None:
    """Makes a device the only holder of a variable's value.

    Args:
      handle: the variable.
      device: the key of the memory.
      memory: which has the value.
      shape: of the value.
      read: gives a new array with the value.
    """
    handle.derived[device] = Resident(memory, None, -1)
    # Readers of variables look at this list before they look for held values at all.
    if not resources.LENT:
        resources.LENT.append(True)
    handle.derived[_HOLDER] = Holder(device, shape, read)
    if not isinstance(handle, HeldVariable):
        handle.value = None
        handle.__class__ = HeldVariable


def read_there(handle: VariableHandle, number: int) -> DeviceArray:
    """A variable's value for readers on a GPU: in the GPU's own memory if it has the value.

    Args:
      handle: the variable.
      number: of the device to which the result counts if no device has the value.

    Raises:
      FailedPreconditionError: the variable has no value.
    """
    with resources.UPDATING:
        if isinstance(handle, HeldVariable):
            gpu, shape = handle.holder.device, handle.holder.shape
            memory = handle.derived[gpu].memory.lent()
            return DeviceArray(shape, handle.dtype.np, gpu.number, memory)
        array = handle.read()
        for gpu, copy in list(handle.derived.items()):
            if isinstance(copy, Resident) and gpu.number == number:
                memory = resident(handle, gpu)
                lent = None if memory is None else memory.lent()
                return DeviceArray(array.shape, array.dtype, number, lent, array)
        return DeviceArray(array.shape, array.dtype, number, host=array)


def forget(handle: VariableHandle, device: Hashable) -> None:
    """Marks the device's memory as outdated."""
    if not isinstance(handle, HeldVariable):
        handle.derived.pop(device, None)


class HeldVariable(VariableHandle):
    """A variable whose value is only in a device's memory."""

    @property
    def holder(self) -> Holder:
        """Who has the value."""
        holder_: Holder = self.derived[_HOLDER]
        return holder_

    @property
    def lent_shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.holder.shape

    @property
    def value(self) -> Any:
        """The array: copied from the device, which makes the handle a plain one."""
        with resources.UPDATING:
            if not isinstance(self, HeldVariable):  # another thread was faster
                return self.value
            holder = self.holder
            array, memory = holder.fetch(), self.derived[holder.device].memory
            self.value = array
            note(self, holder.device, array, memory)
            return array

    @value.setter
    def value(self, array: Any) -> None:
        with resources.UPDATING:
            self.derived.pop(_HOLDER, None)
            plain: VariableHandle = self
            # Before the array is set, as the setter of this class would be called again.
            plain.__class__ = VariableHandle
            plain.value = array
