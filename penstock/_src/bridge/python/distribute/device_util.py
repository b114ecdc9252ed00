"""Names of devices: `tensorflow.python.distribute.device_util`."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.creation import constant
from penstock._src.core.dispatch import STATE, executing_eagerly
from penstock._src.util.device_spec import DeviceSpec

_LOCALHOST = {"job": "localhost"}


def _parts(name: str) -> dict[str, Any]:
    spec = DeviceSpec.from_string(name)
    keys = ("job", "replica", "task", "device_type", "device_index")
    return {key: getattr(spec, key) for key in keys if getattr(spec, key) is not None}


def canonicalize(d: str, default: str | None = None) -> str:
    """Returns the full name of a device: parts that it lacks are those of `default`, or else the first of each kind.

    Args:
      d: a name such as "/cpu:0".
      default: the name of another device.
    """
    parts = {"replica": 0, "task": 0, "device_type": "CPU", "device_index": 0}
    if executing_eagerly():
        parts |= _LOCALHOST
    if default:
        parts |= _parts(default)
    return DeviceSpec(**{**parts, **_parts(d)}).to_string()


def canonicalize_without_job_and_task(d: str) -> str:
    """Returns the full name of a device, without its job and task."""
    parts = _parts(canonicalize(d))
    kept = {key: value for key, value in parts.items() if key not in ("job", "task")}
    return DeviceSpec(**kept).to_string()


def current() -> str:
    """Returns the device that operations are created on: the requested one, even if this process does not have it."""
    if executing_eagerly():
        return canonicalize(STATE.device or "")
    return constant(1.0).device


def resolve(d: str) -> str:
    """Returns the full name of a device, with the current device as default."""
    return canonicalize(d, default=current())


def get_host_for_device(device: str, device_index: int = 0) -> str:
    """Returns the CPU of the task that a device belongs to."""
    parts = {k: v for k, v in _parts(device).items() if not k.startswith("device")}
    return DeviceSpec(**parts, device_type="CPU", device_index=device_index).to_string()


def local_devices_from_num_gpus(num_gpus: int) -> tuple[str, ...]:
    """Returns the names of this machine's first GPUs, or its CPU if there are none."""
    return tuple(f"/device:GPU:{i}" for i in range(num_gpus)) or ("/device:CPU:0",)
