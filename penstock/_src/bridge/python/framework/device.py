"""`tensorflow.python.framework.device`: names of devices, and functions that merge them."""

from typing import Any

from penstock._src.util.device_spec import DeviceSpec, DeviceSpecV1


def check_valid(spec: str) -> None:
    """Raises ValueError unless `spec` names a device."""
    DeviceSpec.from_string(spec)


def is_device_spec(obj: Any) -> bool:
    """True if an object is a DeviceSpec of either version."""
    return isinstance(obj, DeviceSpec)


def canonical_name(device: Any) -> str:
    """Returns the full form of a device's name; "" for None."""
    if device is None:
        return ""
    spec = device if is_device_spec(device) else DeviceSpecV1.from_string(device)
    return spec.to_string()


class MergeDevice:
    """A device function that gives operations the parts of a device that they have not set."""

    def __init__(self, spec: Any) -> None:
        name = spec.to_string() if is_device_spec(spec) else spec
        self._spec = DeviceSpecV1.from_string(name)

    def __call__(self, node_def: Any) -> DeviceSpec:
        return self._spec.make_merged_spec(DeviceSpecV1.from_string(node_def.device or ""))

    def shortcut_string_merge(self, node_def: Any) -> str:
        """Returns the device of an operation as text."""
        return self(node_def).to_string()

    @property
    def is_null_merge(self) -> bool:
        """True if it changes nothing."""
        return not self._spec.to_string()


def merge_device(spec: Any) -> MergeDevice:
    """Returns a device function that merges a device, given as text or DeviceSpec, into those of operations."""
    return spec if isinstance(spec, MergeDevice) else MergeDevice(spec)
