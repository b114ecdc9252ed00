"""Devices by number: maps device names to numbers, and handles names of missing devices.

If PENSTOCK_DEVICE names GPUs, each has a number starting at 0, and CPU is the constant for the processor. Otherwise there are no numbers: everything
runs on the device of PENSTOCK_DEVICE, whichever device operations name.
"""

import functools

from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.flags import flags
from penstock._src.util.slots import above

CPU = -1
PLATFORMS = frozenset({"GPU", "GPU_emulated"})  # values of PENSTOCK_DEVICE that mean GPUs


class Policy:
    """Placement settings of the program.

    soft  whether an operation may run on another device than it names; None: as TensorFlow has it, which is yes
    logs  whether the device of each operation is logged
    cpus  the number of logical CPUs
    traced  whether a function has been traced
    """

    soft: bool | None = None
    logs = False
    cpus = 1
    traced = False


POLICY = Policy()


def has_gpus() -> bool:
    """True if PENSTOCK_DEVICE names GPUs."""
    return flags.device in PLATFORMS


@functools.lru_cache(1024)
def number_named(name: str | None) -> int | None:
    """The number of the device in a name; None if the name has no device, or one that is neither a CPU nor a GPU."""
    spec = DeviceSpec.from_string(name or "")
    if spec.device_type == "CPU":
        return CPU
    return spec.device_index or 0 if spec.device_type == "GPU" else None


def name_of(number: int) -> str:
    """The full name of a device of this process."""
    kind = "CPU:0" if number == CPU else f"GPU:{number}"
    return f"/job:localhost/replica:0/task:0/device:{kind}"


def gpu_count() -> int:
    """Return the number of GPUs that operations can name."""
    return above("find_device")(flags.device).count if has_gpus() else 0


def number_for(name: str | None, otherwise: int, what: str) -> int:
    """The device for something that asks for one by name.

    Args:
      name: asked for; None or "" if none is.
      otherwise: the device if none is asked for, or it is missing.
      what: asks, for the error: the name of an op, or nothing.

    Raises:
      InvalidArgumentError: the device is missing, and soft placement is off.
    """
    number = number_named(name)
    if number is None:
        return otherwise
    if number < gpu_count():
        return number
    if POLICY.soft is False:
        raise unsatisfied(number, what, "GPU, CPU")
    return otherwise


def unsatisfied(number: int, what: str, types: str = "CPU") -> OpError:
    """The error of an operation that cannot run on the device that it names, but on those of some types."""
    known = ", ".join(name_of(i) for i in range(CPU, gpu_count()))
    where = f" [Op:{what}]" if what else ""
    return InvalidArgumentError(
        None,
        None,
        f"Could not satisfy device specification '{name_of(number)}'. enable_soft_placement=0. Supported device types [{types}]. "
        f"All available devices [{known}].{where}",
    )
