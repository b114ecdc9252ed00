"""Strategies of one machine with one device."""

from penstock._src.distribute.cluster.placement import full_names
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.strategy import Strategy
from penstock._src.util.export import export


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
        super().__init__(StrategyExtended(self))
