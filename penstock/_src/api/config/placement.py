"""Resolves the devices given to a strategy to full names, and logs a warning for devices that do not exist."""

import logging
from collections.abc import Sequence

from penstock._src.api.config import devices as config
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.util.device_spec import DeviceSpec

# Defaults for the missing parts of a name.
LOCAL = DeviceSpec(job="localhost", replica=0, task=0, device_index=0)


def full_names(strategy: str, devices: Sequence[str]) -> tuple[str, ...]:
    """Returns the full names of the devices of a strategy.

    With soft placement (the default) the CPU replaces a device that does not exist, with a message in the log.

    Raises:
      ValueError: one is not a device name.
      InvalidArgumentError: a device does not exist, and soft placement is off.
    """
    names = tuple(LOCAL.make_merged_spec(DeviceSpec.from_string(d)).to_string() for d in devices)
    here = [device.name.removeprefix("/") for device in config.own_devices()]
    absent = [name for name in names if not name.endswith(tuple(here))]
    if absent and config.SETTINGS.soft_placement is False:
        raise InvalidArgumentError(
            f"{strategy}: expected devices among {here}. Received {list(devices)}."
        )
    if absent:
        logging.getLogger("tensorflow").warning(
            "%s: no device %s here. Values placed on it are on the CPU.",
            strategy,
            ", ".join(absent),
        )
    return names
