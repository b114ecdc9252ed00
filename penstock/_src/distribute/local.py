"""Strategies of one machine with one device."""

import contextlib
from collections.abc import Callable
from typing import Any

from penstock._src.api.config.placement import full_names
from penstock._src.core.calls.placement import POLICY
from penstock._src.core.dispatch import STATE
from penstock._src.core.dispatch import device as device_scope
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.strategy import Strategy
from penstock._src.util.export import export


class OneDeviceExtended(StrategyExtended):
    """The hooks of a OneDeviceStrategy: its device holds the variables, and runs eager calls."""

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        with self._placed():
            return super()._create_variable(next_creator, **kwargs)

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with self._placed():
            return super()._call_for_each_replica(fn, args, kwargs)

    def _placed(self) -> contextlib.AbstractContextManager[Any]:
        """A scope on the strategy's device, if there are several logical CPUs."""
        if POLICY.cpus == 1 or STATE.graph is not None:
            return contextlib.nullcontext()
        return device_scope(self._strategy.devices[0])


@export("distribute.OneDeviceStrategy", v1=[])
class OneDeviceStrategy(Strategy):
    """Places variables and computation on one device.

    Args:
      device: its name, such as "/CPU:0".

    >>> strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    >>> strategy.run(lambda x: x * 2, args=(tf.constant(3),)).numpy()
    np.int32(6)
    """

    def __init__(self, device: str) -> None:
        self.devices = full_names("OneDeviceStrategy", [device])
        super().__init__(OneDeviceExtended(self))
