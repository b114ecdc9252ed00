"""The devices of this machine, which of them are used, and how ops name them."""

import logging
import os
from collections import namedtuple

from penstock._src.core.calls.placement import POLICY, has_gpus, number_named
from penstock._src.core.dispatch import STATE
from penstock._src.core.dispatch import device as device_scope
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.devices.accelerator import (
    accelerator,
    divide,
    physical_count,
    physical_gpu,
    why_none,
)
from penstock._src.eager.placed import logical
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export

from .start import SETTINGS

PhysicalDevice = namedtuple("PhysicalDevice", ["name", "device_type"])
PhysicalDevice.__doc__ = """A device of this machine.

Args:
  name: such as "/physical_device:CPU:0".
  device_type: such as "CPU".
"""
LogicalDevice = namedtuple("LogicalDevice", ["name", "device_type"])
LogicalDevice.__doc__ = """A device that ops can name.

Args:
  name: such as "/device:CPU:0".
  device_type: such as "CPU".
"""

export("config.PhysicalDevice")(PhysicalDevice)
export("config.LogicalDevice")(LogicalDevice)


@export(
    "config.LogicalDeviceConfiguration",
    "config.experimental.VirtualDeviceConfiguration",
)
class LogicalDeviceConfiguration(
    namedtuple(
        "LogicalDeviceConfiguration",
        ["memory_limit", "experimental_priority", "experimental_device_ordinal"],
    )
):
    """The configuration of a logical device; see `tf.config.set_logical_device_configuration`.

    Args:
      memory_limit: megabytes that programs may hold, for GPUs only.
      experimental_priority: for GPUs only.
      experimental_device_ordinal: for GPUs only.

    >>> tf.config.LogicalDeviceConfiguration()
    LogicalDeviceConfiguration(memory_limit=None, experimental_priority=None, experimental_device_ordinal=None)
    """

    def __new__(
        cls, memory_limit=None, experimental_priority=None, experimental_device_ordinal=None
    ):
        return super().__new__(
            cls, memory_limit, experimental_priority, experimental_device_ordinal
        )


def reset():
    """Resets the program's device settings."""
    SETTINGS.clear()
    _divide_gpus()


_CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")


def _gpus():
    """Return the GPUs, if PENSTOCK_DEVICE names them."""
    return [PhysicalDevice(f"/physical_device:GPU:{i}", "GPU") for i in range(physical_count())]


@export("config.list_physical_devices", "config.experimental.list_physical_devices")
def list_physical_devices(device_type=None):
    """Returns the devices of this machine.

    Args:
      device_type: "CPU", "GPU" or "TPU", for those of one type.

    Returns:
      A list of `tf.config.PhysicalDevice`: always one CPU, and the GPUs that PENSTOCK_DEVICE=GPU lets programs run on.

    >>> tf.config.list_physical_devices("CPU")
    [PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')]
    >>> tf.config.list_physical_devices("GPU")
    []
    """
    devices = [_CPU, *_gpus()]
    if device_type is None:
        return devices
    if device_type.upper() == "GPU" and len(devices) == 1:
        _explain_missing_gpu()
    return [d for d in devices if d.device_type == device_type.upper()]


_EXPLAINED: list[bool | str] = []


def _explain_missing_gpu():
    """Logs once why there is no GPU."""
    if _EXPLAINED or os.environ.get("CUDA_VISIBLE_DEVICES", None) in ("", "-1"):
        return
    _EXPLAINED.append(True)
    logging.getLogger("tensorflow").warning(
        "No GPU is listed: %s. Everything runs on the CPU.", missing_gpu()
    )


def missing_gpu():
    """The reason why there is no GPU, and what to do."""
    return why_none()


def _why_not(device):
    """The explanation appended to an error about a missing device."""
    is_gpu = getattr(device, "device_type", "") == "GPU"
    return f" is not there: {missing_gpu()}." if is_gpu else ""


@export("config.list_logical_devices", "config.experimental.list_logical_devices")
def list_logical_devices(device_type=None):
    """Returns the devices that operations can name.

    The first call fixes the configuration of the devices.

    Args:
      device_type: "CPU", "GPU" or "TPU", for those of one type.

    Returns:
      A list of `tf.config.LogicalDevice`.

    >>> tf.config.list_logical_devices("GPU")
    []
    """
    of_tasks = [LogicalDevice(name, "CPU") for name in OF_TASKS if device_type in (None, "CPU")]
    return own_devices(device_type) + of_tasks


def own_devices(device_type=None):
    """The devices of this process that operations can name; see `list_logical_devices`."""
    SETTINGS.initialized = True
    return logical_devices(device_type)


# Names of devices of other tasks, once a cluster is connected.
OF_TASKS: list[str] = []


def logical_devices(device_type=None):
    """The devices that ops can name, without starting the program."""
    kinds = [device.device_type for device, _ in _parts()]
    numbers = [kinds[:at].count(kind) for at, kind in enumerate(kinds)]
    devices = [LogicalDevice(f"/device:{k}:{i}", k) for k, i in zip(kinds, numbers)]
    return [d for d in devices if device_type is None or d.device_type == device_type]


def _parts():
    """The parts of the visible devices: (the physical device, the configuration of the part or None)."""
    return [
        (device, part)
        for device in get_visible_devices()
        for part in SETTINGS.logical.get(device) or [None]
    ]


def _divide_gpus():
    """Make logical devices of the GPUs according to the settings."""
    division = []
    for device, part in _parts():
        if device.device_type == "GPU":
            megabytes = getattr(part, "memory_limit", None)
            limit = None if megabytes is None else int(megabytes) << 20
            division.append((int(device.name.rpartition(":")[2]), limit))
    if has_gpus():
        divide(division)


@export("config.get_visible_devices", "config.experimental.get_visible_devices")
def get_visible_devices(device_type=None):
    """The physical devices that the program uses.

    Args:
      device_type: "CPU" or another type; None for all.

    Returns:
      A list of PhysicalDevice.
    """
    devices = list_physical_devices() if SETTINGS.visible is None else SETTINGS.visible
    return [d for d in devices if device_type is None or d.device_type == device_type]


@export("config.set_visible_devices", "config.experimental.set_visible_devices")
def set_visible_devices(devices, device_type=None):
    """Sets which physical devices the program uses, before the first operation runs.

    Args:
      devices: a `tf.config.PhysicalDevice` or a list of them.
      device_type: "CPU" or "GPU": the type that this is said of; by default all.

    Raises:
      ValueError: a device does not exist, or is of another type.
      RuntimeError: an operation has run already and the devices differ.

    >>> tf.config.set_visible_devices([], "GPU")
    """
    if isinstance(devices, PhysicalDevice) or not isinstance(devices, (list, tuple)):
        devices = [devices]
    for device in devices:
        if device not in list_physical_devices():
            raise ValueError(f"Unrecognized device: {device!r}{_why_not(device)}")
        if device_type is not None and device.device_type != device_type:
            raise ValueError(f"Unrecognized device: {device!r}")
    others = [d for d in get_visible_devices() if device_type and d.device_type != device_type]
    wanted = others + list(devices)
    if wanted == get_visible_devices():
        return
    SETTINGS.refuse_if_started("Visible devices cannot be modified after being initialized")
    SETTINGS.visible = wanted
    _divide_gpus()


@export(
    "config.get_logical_device_configuration",
    "config.experimental.get_virtual_device_configuration",
)
def get_logical_device_configuration(device):
    """The logical device configurations of `device`, or None.

    Args:
      device: a PhysicalDevice.

    Returns:
      The list of LogicalDeviceConfiguration that was set, or None.
    """
    _check_physical(device)
    return SETTINGS.logical.get(device)


@export(
    "config.set_logical_device_configuration",
    "config.experimental.set_virtual_device_configuration",
)
def set_logical_device_configuration(device, logical_devices):
    """Splits a physical device into logical ones, before the first operation runs.

    Strategies and DTensor spread their work over the logical devices.

    Args:
      device: a `tf.config.PhysicalDevice`.
      logical_devices: a list of `tf.config.LogicalDeviceConfiguration`, one for each.

    Raises:
      ValueError: the device does not exist, or a limit is set for a CPU.
      RuntimeError: an operation has run already.

    >>> cpu = tf.config.list_physical_devices("CPU")[0]
    >>> two = [tf.config.LogicalDeviceConfiguration()] * 2
    >>> try:
    ...     tf.config.set_logical_device_configuration(cpu, two)
    ... except RuntimeError:
    ...     print("an operation has run already")
    an operation has run already
    """
    _check_physical(device)
    if device.device_type == "CPU":
        for one in logical_devices:
            if one.memory_limit is not None:
                raise ValueError(
                    "Setting memory limit on CPU virtual devices is currently not supported"
                )
            for field in ("experimental_priority", "experimental_device_ordinal"):
                if getattr(one, field) is not None:
                    raise ValueError(
                        f"Setting {field} on CPU virtual  devices is currently not supported"
                    )
    if SETTINGS.logical.get(device) == logical_devices:
        return
    SETTINGS.refuse_if_started("Virtual devices cannot be modified after being initialized")
    SETTINGS.logical[device] = list(logical_devices)
    if device.device_type == "GPU":
        _divide_gpus()
    else:
        name_logical_cpus()


def name_logical_cpus():
    """Let tensors and variables report their logical CPU, if there are several."""
    POLICY.cpus = len(SETTINGS.logical.get(_CPU) or [None])
    if POLICY.cpus > 1:
        logical.install()


def _check_physical(device):
    if device not in list_physical_devices():
        raise ValueError(f"Unrecognized device: {device!r}{_why_not(device)}")


@export("config.experimental.get_memory_growth")
def get_memory_growth(device):
    """True if memory of `device` is allocated on demand.

    Args:
      device: a PhysicalDevice.

    Returns:
      What was set with `set_memory_growth`, or None.

    Raises:
      KeyError: the device is a CPU, whose memory has no such setting.
    """
    _check_physical(device)
    if device.device_type == "CPU":
        raise KeyError(device)
    return SETTINGS.memory_growth.get(device)


@export("config.experimental.set_memory_growth")
def set_memory_growth(device, enable):
    """Sets whether the memory of a GPU is taken as it is needed, which Penstock does either way.

    Args:
      device: a `tf.config.PhysicalDevice`.
      enable: a bool.

    Raises:
      ValueError: the device is not a GPU.

    >>> for gpu in tf.config.list_physical_devices("GPU"):
    ...     tf.config.experimental.set_memory_growth(gpu, True)
    """
    _check_physical(device)
    if device.device_type == "CPU":
        raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")
    SETTINGS.memory_growth[device] = enable


@export("config.experimental.get_device_details")
def get_device_details(device):
    """Returns the details of a physical device.

    Args:
      device: a PhysicalDevice of `tf.config.list_physical_devices`.

    Returns:
      A dict; of a GPU its "device_name" and "compute_capability", of a CPU nothing.

    Raises:
      ValueError: it is not such a device.
    """
    if not isinstance(device, PhysicalDevice):
        raise ValueError(f"device must be a tf.config.PhysicalDevice, but got: {device}")
    if device not in list_physical_devices():
        raise ValueError(
            "The PhysicalDevice must be one obtained from calling `tf.config.list_physical_devices`, "
            f"but got: {device}"
        )
    if device.device_type != "GPU":
        return {}
    gpu = physical_gpu(int(device.name.rpartition(":")[2]))
    return {"device_name": gpu.name, "compute_capability": gpu.capability}


@export("config.experimental.get_memory_info")
def get_memory_info(device):
    """Current and peak memory of a device in bytes; 0 for a CPU, whose memory is not counted.

    Args:
      device: a name such as "GPU:0".

    Returns:
      A dict with "current" and "peak".

    Raises:
      ValueError: there is no such device.
    """
    gpu = _gpu_of(device)
    if gpu is None:  # as in TensorFlow, which does not count the memory of CPUs either
        return {"current": 0, "peak": 0}
    return {"current": gpu.use.current, "peak": gpu.use.peak}


@export("config.experimental.get_memory_usage")
def get_memory_usage(device):
    """Current memory of a device, in bytes.

    Args:
      device: a name such as "GPU:0".

    Returns:
      What `get_memory_info` calls "current".

    Raises:
      ValueError: as `get_memory_info`.
    """
    return get_memory_info(device)["current"]


@export("config.experimental.reset_memory_stats")
def reset_memory_stats(device):
    """Resets the peak of `get_memory_info` to the memory in use now.

    Args:
      device: a name such as "GPU:0".

    Raises:
      ValueError: there is no such device.
    """
    gpu = _gpu_of(device)
    if gpu is not None:
        gpu.use.peak = gpu.use.current


def _gpu_of(device):
    """The GPU that a name means; None for a CPU."""
    _check_placed(device)
    number = number_named(device if device.startswith("/") else f"/device:{device}")
    return accelerator(number) if number is not None and number >= 0 else None


def _check_placed(device):
    """Raises ValueError unless `device` names a device by type and number."""
    if not device:
        return
    text = device if device.startswith("/") else f"/device:{device}"
    try:
        wanted = DeviceSpec.from_string(text)
    except ValueError:
        wanted = DeviceSpec()
    if wanted.device_type is None or wanted.device_index is None:
        raise ValueError(
            f"Failed parsing device name: '{device}'. Note a valid device string should at least contain a "
            'device type and a device index, like "GPU:0".'
        )
    name = f"/device:{wanted.device_type}:{wanted.device_index}"
    if all(d.name != name for d in list_logical_devices()):
        raise ValueError(f"No matching devices found for '{device}'")


@export("config.get_soft_device_placement")
def get_soft_device_placement():
    """True if an op may run on another device than requested.

    Returns:
      What was set; by default True in eager execution and False in graphs.
    """
    return STATE.graph is None if SETTINGS.soft_placement is None else SETTINGS.soft_placement


@export("config.set_soft_device_placement", "__internal__.eager_context.set_soft_device_placement")
def set_soft_device_placement(enabled):
    """Sets whether an operation may run on another device than the one it names.

    Args:
      enabled: a bool.

    >>> tf.config.set_soft_device_placement(True)
    >>> tf.config.get_soft_device_placement()
    True
    """
    SETTINGS.soft_placement = bool(enabled)


@export("debugging.get_log_device_placement")
def get_log_device_placement():
    """True if the device of every op is logged.

    Returns:
      A bool.
    """
    return SETTINGS.log_placement


@export("debugging.set_log_device_placement")
def set_log_device_placement(enabled):
    """Sets whether the device of each operation is written to the log.

    Args:
      enabled: a bool.

    >>> tf.debugging.set_log_device_placement(False)
    """
    SETTINGS.log_placement = bool(enabled)


@export("config.experimental.get_device_policy")
def get_device_policy():
    """The policy for tensors that are on another device than the op.

    Returns:
      "silent", "silent_for_int32", "warn" or "explicit".
    """
    return SETTINGS.policy


@export("config.experimental.set_device_policy")
def set_device_policy(device_policy):
    """Sets the policy for tensors that are on another device than the op.

    Args:
      device_policy: "silent", "silent_for_int32", "warn", "explicit", or None for "silent".

    Raises:
      ValueError: it is something else.
    """
    known = ("silent", "silent_for_int32", "warn", "explicit", None)
    if device_policy not in known:
        raise ValueError(
            f"Invalid argument `device_policy`: {device_policy!r}. Please refer to "
            "https://www.tensorflow.org/api_docs/python/tf/config/experimental/set_device_policy "
            "for valid `device_policy` arguments."
        )
    SETTINGS.policy = device_policy or "silent"


@export("device", v1=[])
def device(device_name):
    """A context that places its operations on a device.

    With PENSTOCK_DEVICE=GPU operations run there, eagerly and in functions, and their results stay
    there. Otherwise the name is recorded, and checked, but all kernels run on the CPU.

    Args:
      device_name: such as "/CPU:0", "/job:localhost/replica:0/task:0/device:CPU:0", or None.

    Returns:
      A context manager.

    Raises:
      ValueError: the name has another form.
      InvalidArgumentError: an operation is placed on a device that does not exist, and soft
        placement is off.

    >>> with tf.device("/CPU:0"):
    ...     x = tf.constant(1.0)
    >>> x.device
    '/job:localhost/replica:0/task:0/device:CPU:0'
    """
    if isinstance(device_name, LogicalDevice):
        device_name = device_name.name
    if device_name is not None and not isinstance(device_name, str):
        if not callable(getattr(device_name, "to_string", None)):
            if callable(device_name):
                raise RuntimeError("tf.device does not support functions.")
            raise ValueError(
                f"Expecting a string device name. Got {type(device_name)}({device_name})"
            )
        device_name = device_name.to_string()
    if device_name:
        _check_name(device_name)
    graph = STATE.graph
    return graph.device(device_name) if graph is not None else device_scope(device_name)


def _check_name(name):
    spec = DeviceSpec.from_string(name)
    if spec.device_type is None or spec.job not in (None, "localhost"):
        return  # whoever splits a graph over tasks knows their devices
    if spec.device_type == "GPU" and has_gpus():
        return  # each operation says so, with its name
    known = list_logical_devices(spec.device_type)
    if (spec.device_index or 0) < len(known):
        return
    why = missing_gpu() if spec.device_type == "GPU" and not known else ""
    if SETTINGS.soft_placement is False:
        raise InvalidArgumentError(
            f"Could not satisfy device specification '{name}'{': ' + why if why else ''}. enable_soft_placement=0. "
            f"All available devices [{', '.join(device.name for device in list_logical_devices())}]."
        )
    if why and name not in _EXPLAINED:
        _EXPLAINED.append(name)
        logging.getLogger("tensorflow").warning(
            "tf.device(%r): %s. Operations in this scope run on the CPU.", name, why
        )
