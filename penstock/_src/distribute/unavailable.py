"""Strategies over missing devices: they reject every use."""

from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.resolvers.tpu import TPUClusterResolver
from penstock._src.distribute.strategy import Strategy
from penstock._src.util.export import export


class _LogicalDevices(Strategy):
    """Methods of TPU strategies for the cores of one replica."""

    def experimental_assign_to_logical_device(self, tensor: Any, logical_device_id: int) -> Any:
        """Places a tensor on a core of its replica.

        Args:
          tensor: in a replica.
          logical_device_id: the number of the core.

        Raises:
          UnimplementedError: always.
        """
        raise _no_tpus(type(self).__name__)

    def experimental_split_to_logical_devices(self, tensor: Any, partition_dimensions: Any) -> Any:
        """Shards a tensor over the cores of its replica.

        Args:
          tensor: in a replica.
          partition_dimensions: into how many parts each axis is divided.

        Raises:
          UnimplementedError: always.
        """
        raise _no_tpus(type(self).__name__)

    def experimental_replicate_to_logical_devices(self, tensor: Any) -> Any:
        """Copies a tensor to all cores of its replica.

        Args:
          tensor: in a replica.

        Raises:
          UnimplementedError: always.
        """
        raise _no_tpus(type(self).__name__)


def _no_tpus(name: str) -> UnimplementedError:
    return UnimplementedError(f"{name}: TPUs are not implemented.")


@export("distribute.TPUStrategy", v1=[])
class TPUStrategy(_LogicalDevices):
    """Training on TPUs, which are not implemented.

    Args:
      tpu_cluster_resolver: a `tf.distribute.cluster_resolver.TPUClusterResolver`.
      experimental_device_assignment: which cores replicas use.
      experimental_spmd_xla_partitioning: whether a replica may spread over several cores.

    Raises:
      ValueError: no TPU is named.
      UnimplementedError: otherwise.

    >>> try:
    ...     tf.distribute.TPUStrategy(tf.distribute.cluster_resolver.TPUClusterResolver("local"))
    ... except tf.errors.UnimplementedError as error:
    ...     print(error)
    TPUStrategy: TPUs are not implemented.
    """

    def __init__(
        self,
        tpu_cluster_resolver: Any = None,
        experimental_device_assignment: Any = None,
        experimental_spmd_xla_partitioning: bool = False,
    ) -> None:
        if tpu_cluster_resolver is None:
            TPUClusterResolver("")
        raise _no_tpus("TPUStrategy")


class _ExperimentalTPUStrategy(Strategy):
    """A strategy for TPUs, which Penstock does not have; an older form of `tf.distribute.TPUStrategy`.

    Args:
      tpu_cluster_resolver: a `tf.distribute.cluster_resolver.TPUClusterResolver`.
      device_assignment: which cores replicas use.

    Raises:
      UnavailableError: there is no TPU.

    >>> issubclass(tf.distribute.experimental.TPUStrategy, tf.distribute.Strategy)
    True
    """

    def __init__(self, tpu_cluster_resolver: Any = None, device_assignment: Any = None) -> None:
        TPUStrategy(tpu_cluster_resolver, device_assignment)


export("distribute.experimental.TPUStrategy", v1=[])(_ExperimentalTPUStrategy)
