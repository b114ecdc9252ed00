"""Strategies of one machine with one device."""

import logging
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.context import Defaults
from penstock._src.distribute.strategy import CPU, Strategy, StrategyExtended
from penstock._src.util.export import export


class DefaultStrategy(Strategy):
    """The strategy of code that asks for none."""

    def __init__(self) -> None:
        super().__init__(StrategyExtended(self))

    def scope(self) -> Any:
        """Returns a `with` block in which this strategy is in force.

        Raises:
          RuntimeError (on entering): another strategy's scope is open.
        """
        return _DefaultScope(self)


class _DefaultScope:
    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    def __enter__(self) -> Strategy:
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        return None


@export("distribute.OneDeviceStrategy")
class OneDeviceStrategy(Strategy):
    """All on one device."""

    def __init__(self, device: str) -> None:
        _require_cpu(device)
        super().__init__(StrategyExtended(self))


@export("distribute.MirroredStrategy")
class MirroredStrategy(Strategy):
    """A replica per device of this machine, each with a copy of the variables.

    This process has one device, its CPU, so there is one replica.
    """

    def __init__(self, devices: Any = None, cross_device_ops: Any = None) -> None:
        devices = [CPU] if not devices else list(devices)
        for device in devices:
            _require_cpu(device)
        if len(devices) > 1:
            raise UnimplementedError(
                "MirroredStrategy: several devices in one process are not implemented. Received "
                f"{devices}."
            )
        logging.getLogger("tensorflow").info("Using MirroredStrategy with devices %s", (CPU,))
        super().__init__(StrategyExtended(self))


def _require_cpu(device: str) -> None:
    if not isinstance(device, str) or "CPU" not in device.upper():
        raise UnimplementedError(
            f"Strategy: only the CPU of this process can be used. Received device '{device}'."
        )


Defaults.strategy = DefaultStrategy()
