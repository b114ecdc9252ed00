"""Strategies of one machine with one device."""

from typing import Any

from penstock._src.distribute.cluster.placement import full_names
from penstock._src.distribute.context import Defaults
from penstock._src.distribute.strategy import Strategy, StrategyExtended
from penstock._src.util.export import export


class DefaultStrategy(Strategy):
    """The strategy of code that does not choose one."""

    def __init__(self) -> None:
        super().__init__(StrategyExtended(self))

    def scope(self) -> Any:
        """Returns a context manager that makes this strategy current.

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


@export("distribute.OneDeviceStrategy", v1=[])
class OneDeviceStrategy(Strategy):
    """Places variables and computation on one device.

    Args:
      device: its name, such as "/CPU:0".
    """

    def __init__(self, device: str) -> None:
        self.devices = full_names("OneDeviceStrategy", [device])
        super().__init__(StrategyExtended(self))


Defaults.strategy = DefaultStrategy()
