"""The devices that a strategy is given: full names, and a word where one is not there."""

import logging
from collections.abc import Sequence

from penstock._src.api.config import devices as config
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.util.device_spec import DeviceSpec

# What a name leaves open.
LOCAL = DeviceSpec(job="localhost", replica=0, task=0, device_index=0)


def full_names(strategy: str, devices: Sequence[str]) -> tuple[str, ...]:
    """Returns the full names of the devices of a strategy.

    With soft placement (the default) the CPU stands in for a device that is not there, and the log says so.

    Raises:
      ValueError: one is no name of a device.
      InvalidArgumentError: one is not there, and placement is not soft.
    """
    names = tuple(LOCAL.make_merged_spec(DeviceSpec.from_string(d)).to_string() for d in devices)
    here = [device.name.removeprefix("/") for device in config.list_logical_devices()]
    absent = [name for name in names if not name.endswith(tuple(here))]
    if absent and not config.SETTINGS.soft_placement:
        raise InvalidArgumentError(
            f"{strategy}: expected devices among {here}. Received {list(devices)}."
        )
    if absent:
        logging.getLogger("tensorflow").warning(
            "%s: no device %s here. What is placed there runs on the CPU.",
            strategy,
            ", ".join(absent),
        )
    return names
