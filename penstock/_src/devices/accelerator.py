"""The accelerator that programs run on, if PENSTOCK_DEVICE names one; and the reason if there is none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.util.flags import flags
from penstock._src.util.lazy import ByName

if TYPE_CHECKING:
    from penstock._src.devices.gpu.cuda.driver.feeding import Feeder
    from penstock._src.devices.gpu.cuda.driver.gpu import Gpu

# Imported by name: the compiler behind it is for processes that compute on GPUs, or compile.
find_device = ByName("penstock._src.devices.table", "find_device")


def accelerator(number: int = 0) -> "Gpu | None":
    """The physical GPU of a logical GPU; None if PENSTOCK_DEVICE names no GPUs.

    Raises:
      FailedPreconditionError: PENSTOCK_DEVICE names a device that cannot be used.
    """
    return find_device(flags.device).numbered(number).gpu if has_gpus() else None  # type: ignore[attr-defined]


def moved(value: Any, number: int) -> Any:
    """Returns a host value for readers on a logical GPU: an array of another device is copied there."""
    if type(value) is not DeviceArray or value.device == number:
        return value
    gpu = accelerator(number)
    assert gpu is not None
    with resources.UPDATING, gpu.lock:
        gpu.activate()
        memory = gpu.memory_of(value)
    return DeviceArray(value.shape, value.dtype, number, memory, value.host)


def physical_count() -> int:
    """The number of physical GPUs; 0 if PENSTOCK_DEVICE names no GPUs."""
    return find_device(flags.device).gpus.physical if has_gpus() else 0  # type: ignore[attr-defined]


def logical_number(physical: int) -> int | None:
    """The first logical device on a physical GPU; None if there is none."""
    division = find_device(flags.device).gpus.division if has_gpus() else ()  # type: ignore[attr-defined]
    return next((i for i, (gpu, _) in enumerate(division) if gpu == physical), None)


def physical_gpu(number: int) -> "Gpu":
    """A physical GPU by the driver's number, for queries."""
    gpus = find_device(flags.device).gpus  # type: ignore[attr-defined]
    return gpus.physical_gpu(number)  # type: ignore[no-any-return]


def divide(division: Sequence[tuple[int, int | None]]) -> None:
    """Creates the logical devices.

    Args:
      division: for each logical device the number of its physical GPU, and its memory limit in bytes.
    """
    find_device(flags.device).gpus.divide(division)  # type: ignore[attr-defined]


def feeder(number: int) -> "Feeder":
    """The object that copies arrays to a logical GPU ahead of their use."""
    gpu = accelerator(number)
    assert gpu is not None
    return gpu.feeder


def why_none() -> str:
    """Why nothing runs on a GPU."""
    from penstock._src.devices.gpu.cuda.diagnosis import diagnose  # only for a sentence

    diagnosis = diagnose()
    if diagnosis.hindrance:
        return str(diagnosis)
    return f"a GPU can be used ({diagnosis}), but functions run there only with PENSTOCK_DEVICE=GPU"
