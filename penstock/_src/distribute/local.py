"""Strategies of one machine with one device."""

from collections.abc import Callable
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.distribute.cluster.placement import full_names
from penstock._src.distribute.context import Defaults, require_strategy
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.strategy import Strategy
from penstock._src.util.export import export


class DefaultExtended(StrategyExtended):
    """The hooks of the strategy of code that does not choose one."""

    def _scope(self, strategy: Any) -> Any:
        return _DefaultScope(strategy)

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        return next_creator(**kwargs)


class DefaultStrategy(Strategy):
    """The strategy of code that does not choose one."""

    def __init__(self) -> None:
        super().__init__(DefaultExtended(self))


class _DefaultScope:
    """A context that is left out where no strategy is chosen; variables of others are refused within."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy, self._around = strategy, list[Any]()

    def __enter__(self) -> Strategy:
        creators = STATE.variable_creators
        self._around.append(creators)
        if _refuse_others not in creators:
            STATE.variable_creators = [_refuse_others, *creators]
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        STATE.variable_creators = self._around.pop()


def _refuse_others(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
    require_strategy(Defaults.strategy)
    return next_creator(**kwargs)


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
