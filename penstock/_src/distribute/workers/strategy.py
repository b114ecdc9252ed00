"""MultiWorkerMirroredStrategy: synchronous training in the processes of a cluster."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from penstock._src.cluster.elastic.member import member
from penstock._src.core.calls.placement import gpu_count, name_of
from penstock._src.distribute.mirrored.strategy import MirroredStrategy
from penstock._src.distribute.strategy import Strategy
from penstock._src.distribute.workers.arguments import instance_or
from penstock._src.distribute.workers.communication import (
    CommunicationImplementation,
    CommunicationOptions,
)
from penstock._src.distribute.workers.extended import (
    CollectiveAllReduceExtended,
    WorkerReplicaContext,
)
from penstock._src.distribute.workers.parts.options import ShardingOptions
from penstock._src.distribute.workers.resolving import default_resolver, transport_of
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("distribute.MultiWorkerMirroredStrategy", v1=[])
class MultiWorkerMirroredStrategy(Strategy):
    """Synchronous training in several processes, each with a replica: start them with `penstock launch`, mpiexec or srun.

    Args:
      cluster_resolver: describes the workers; by default the environment does (TF_CONFIG, MPI, Slurm).
      communication_options: CommunicationOptions.
      sharding_options: `tf.distribute.experimental.ShardingOptions`: what of the state of training is divided among the workers, which have it
        whole by default. TensorFlow has no such argument.

    Raises:
      UnavailableError: the cluster has several workers, and this process was not started together with the others.

    >>> strategy = tf.distribute.MultiWorkerMirroredStrategy()
    >>> strategy.num_replicas_in_sync
    1
    """

    # TensorFlow's first number of collective operations; nothing is numbered here.
    _collective_key_base = 0

    def __init__(
        self,
        cluster_resolver: Any = None,
        communication_options: Any = None,
        sharding_options: ShardingOptions | None = None,
    ) -> None:
        name = type(self).__name__
        options = instance_or(
            name,
            "communication_options",
            communication_options,
            CommunicationOptions,
            CommunicationOptions(),
        )
        sharding = instance_or(
            name, "sharding_options", sharding_options, ShardingOptions, ShardingOptions(stage=0)
        )
        self._resolver = cluster_resolver or default_resolver()
        if gpu_count():
            self.devices = (name_of(0),)
        super().__init__(self._extended_of(options, sharding))
        cluster = self.extended._cluster
        self.default_replica = WorkerReplicaContext(self, cluster.rank)
        logging.getLogger("tensorflow").info(
            "MultiWorkerMirroredStrategy: worker %s of %s", cluster.rank, cluster.size
        )

    def _extended_of(
        self, options: CommunicationOptions, sharding: ShardingOptions
    ) -> CollectiveAllReduceExtended:
        """The hooks for the workers of the resolver, or of an elastic job."""
        elastic = member()
        if elastic is None:
            transport = transport_of(self._resolver)
            return CollectiveAllReduceExtended(self, transport, options, sharding)
        where = "penstock._src.distribute.workers.elastic.extended"
        return importlib.import_module(where).ElasticExtended(self, elastic, options, sharding)  # type: ignore[no-any-return]

    @classmethod
    def _from_local_devices(cls, devices: Any, communication_options: Any = None) -> Strategy:
        """Returns the strategy of one worker with these devices."""
        del communication_options
        return MirroredStrategy(list(devices))

    cluster_resolver = read_only("_resolver", "Resolver of the cluster's workers.")

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Returns the sum or mean over the replicas, and along an axis of their values if one is given.

        Scalars have no axis: where Keras asks for their mean along axis 0, as it does for each metric of a step, it gets the replicas' mean.

        Args:
          reduce_op: a `tf.distribute.ReduceOp` or its name, "SUM" or "MEAN".
          value: a distributed value, or a structure of them.
          axis: an axis that is reduced as well, such as 0 for a batch; or None.

        Returns:
          A tensor, or a structure of tensors.
        """
        if axis == 0 and getattr(value, "shape", None) == ():
            axis = None
        return super().reduce(reduce_op, value, axis)


class ExperimentalMultiWorkerMirroredStrategy(MultiWorkerMirroredStrategy):
    """The same under its older name, with its older parameters.

    Args:
      communication: a CommunicationImplementation.
      cluster_resolver: describes the workers.

    >>> strategy = tf.distribute.experimental.MultiWorkerMirroredStrategy()
    >>> strategy.num_replicas_in_sync
    1
    """

    def __init__(
        self,
        communication: Any = CommunicationImplementation.AUTO,
        cluster_resolver: Any = None,
    ) -> None:
        super().__init__(cluster_resolver, CommunicationOptions(implementation=communication))


export("distribute.experimental.MultiWorkerMirroredStrategy", v1=[])(
    ExperimentalMultiWorkerMirroredStrategy
)
