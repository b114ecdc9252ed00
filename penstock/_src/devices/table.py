"""The table of devices. A row is a name and the folder whose device.py has the `DEVICE`."""

import functools
from importlib import import_module

from penstock._src.compiler.device import Device
from penstock._src.core.errors import InvalidArgumentError

FOLDERS = {
    "CPU": "cpu",
    "GPU": "gpu",
    "GPU_emulated": "gpu.emulator",
    "PJRT": "pjrt",
    "reference": "reference",
    "null": "null",
}


@functools.cache
def find_device(name: str) -> Device:
    if name not in FOLDERS:
        raise InvalidArgumentError(
            f"PENSTOCK_DEVICE: expected one of {', '.join(FOLDERS)}. Received '{name}'."
        )
    return import_module(f"penstock._src.devices.{FOLDERS[name]}.device").DEVICE
