"""The cluster of a strategy: its resolver's description, checked against the existing processes."""

from __future__ import annotations

import os
from typing import Any

from penstock._src.cluster.environments.table import described
from penstock._src.cluster.transport import Transport
from penstock._src.cluster.transports.table import connect
from penstock._src.core.errors import UnavailableError
from penstock._src.distribute.resolvers.base import SimpleClusterResolver
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.distribute.resolvers.tf_config import VARIABLE, TFConfigClusterResolver

# Jobs whose tasks run training steps.
WORKERS = ("chief", "worker")


def default_resolver() -> Any:
    """Return the resolver of the environment: TF_CONFIG's, or one from the variables of mpiexec or srun."""
    cluster = described()
    if VARIABLE in os.environ or cluster.size == 1:
        return TFConfigClusterResolver()
    hosts = list(cluster.hosts) or [f"rank-{rank}:0" for rank in range(cluster.size)]
    spec = ClusterSpec({"worker": hosts})
    return SimpleClusterResolver(spec, task_type="worker", task_id=cluster.rank, rpc_layer="grpc")


def worker_count(cluster: ClusterSpec) -> int:
    """Returns the number of tasks of a cluster that run training steps."""
    return sum(cluster.num_tasks(job) for job in cluster.jobs if job in WORKERS)


def transport_of(resolver: Any) -> Transport | None:
    """Returns the transport that connects the workers of a cluster; None for a single worker.

    Raises:
      UnavailableError: this process was not started together with the others.
    """
    spec = resolver.cluster_spec()
    workers = worker_count(spec)
    if workers <= 1 or resolver.task_type not in (None, *WORKERS):
        return None
    transport = connect()
    if transport is None or transport.cluster.size != workers:
        size = 1 if transport is None else transport.cluster.size
        raise UnavailableError(
            f"MultiWorkerMirroredStrategy: a cluster of {workers} workers; this process was started as one of {size}. "
            f"Start them together: `penstock launch -n {workers} SCRIPT`, mpiexec or srun."
        )
    return transport
