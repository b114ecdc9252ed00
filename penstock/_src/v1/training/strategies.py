"""The strategies of TensorFlow 1: those of `tf.distribute`, but values are reduced along no axis by default."""

from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute import local, strategy, unavailable
from penstock._src.distribute.mirrored import central_storage
from penstock._src.distribute.mirrored import strategy as mirrored
from penstock._src.distribute.resolvers.tf_config import TFConfigClusterResolver
from penstock._src.distribute.workers import strategy as workers
from penstock._src.util.export import export


@export(v1=["distribute.Strategy"])
class Strategy(strategy.Strategy):
    """A way to distribute training; see `tf.distribute.Strategy`."""

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """Reduces the values of all replicas to one.

        Args:
          reduce_op: a ReduceOp, or its name.
          value: a value of each replica.
          axis: also reduced along, if it is given.
        """
        return super().reduce(reduce_op, value, axis)


@export(v1=["distribute.OneDeviceStrategy"])
class OneDeviceStrategy(Strategy, local.OneDeviceStrategy):
    """Training on one device; see `tf.distribute.OneDeviceStrategy`."""


@export(v1=["distribute.MirroredStrategy"])
class MirroredStrategy(Strategy, mirrored.MirroredStrategy):
    """A replica for each device of this process; see `tf.distribute.MirroredStrategy`."""


@export(v1=["distribute.experimental.CentralStorageStrategy"])
class CentralStorageStrategy(Strategy, central_storage.CentralStorageStrategy):
    """Variables on one device; see `tf.distribute.experimental.CentralStorageStrategy`."""


@export(v1=["distribute.experimental.MultiWorkerMirroredStrategy"])
class MultiWorkerMirroredStrategy(Strategy, workers.ExperimentalMultiWorkerMirroredStrategy):
    """Training on several workers; see `tf.distribute.MultiWorkerMirroredStrategy`."""


@export(v1=["distribute.experimental.ParameterServerStrategy"])
class ParameterServerStrategy(Strategy):
    """Training with variables on parameter servers in graphs of TensorFlow 1, which sessions of one process only can run.

    Args:
      cluster_resolver: describes workers and servers; by default the variable TF_CONFIG does.

    Raises:
      UnimplementedError: always, after the cluster has been resolved.
    """

    def __init__(self, cluster_resolver: Any = None) -> None:
        cluster = (cluster_resolver or TFConfigClusterResolver()).cluster_spec()
        raise UnimplementedError(
            "tf.compat.v1.distribute.experimental.ParameterServerStrategy: graphs of TensorFlow 1 are not divided among processes; "
            f"tf.distribute.ParameterServerStrategy trains on parameter servers. Received the cluster {cluster.as_dict()}."
        )


@export(v1=["distribute.experimental.TPUStrategy"])
class TPUStrategy(Strategy, unavailable.TPUStrategy):
    """Training on TPUs, which are not implemented.

    Attributes:
      steps_per_run: how many steps a TPU takes before the host hears of them.

    Raises:
      ValueError: no TPU is named.
      UnimplementedError: otherwise.
    """

    steps_per_run: Any = None

    def __init__(
        self,
        tpu_cluster_resolver: Any = None,
        steps_per_run: Any = None,
        device_assignment: Any = None,
    ) -> None:
        super().__init__(tpu_cluster_resolver, device_assignment)
        self.steps_per_run = steps_per_run
