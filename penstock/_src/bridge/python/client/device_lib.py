"""`tensorflow.python.client.device_lib`: the devices of this process."""

from __future__ import annotations

from typing import Any

from penstock._src.proto.config import DeviceAttributes
from penstock._src.v1.graphs.run_metadata import devices_of


def list_local_devices(session_config: Any = None) -> list[Any]:
    """Returns the devices of this process as messages with `name`, such as "/device:CPU:0", and `device_type`.

    Args:
      session_config: a ConfigProto, which says how many CPUs there are.
    """
    return [
        DeviceAttributes(
            name=device.name[device.name.index("/device:") :],
            device_type=device.device_type,
            memory_limit=device.memory_limit_bytes,
            incarnation=device.incarnation,
        )
        for device in devices_of(session_config)
    ]
