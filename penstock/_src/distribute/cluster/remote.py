"""Connections to other processes, which are not implemented."""

from collections.abc import Iterable
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.cluster.spec import ClusterSpec
from penstock._src.distribute.resolvers.base import ClusterResolver
from penstock._src.proto.config import ClusterDeviceFilters as ClusterDeviceFiltersProto
from penstock._src.util.export import export

# Master addresses that mean this process.
LOCAL_MASTERS = ("", "local")


@export("config.experimental.ClusterDeviceFilters", v1=[])
class ClusterDeviceFilters:
    """Which devices of a cluster are visible to each task."""

    def __init__(self) -> None:
        self._filters: dict[str, dict[int, list[str]]] = {}

    def set_device_filters(
        self, job_name: str, task_index: int, device_filters: Iterable[str]
    ) -> None:
        """Makes only devices whose names start with one of the filters visible to a task.

        Args:
          job_name, task_index: the task.
          device_filters: how the names begin, such as "/job:ps".
        """
        self._filters.setdefault(job_name, {})[task_index] = list(device_filters)

    def _as_cluster_device_filters(self) -> Any:
        made = ClusterDeviceFiltersProto()
        for job_name, tasks in self._filters.items():
            job = made.jobs.add(name=job_name)
            for index, filters in tasks.items():
                job.tasks[index].device_filters.extend(filters)
        return made


@export("config.experimental_connect_to_cluster")
def experimental_connect_to_cluster(
    cluster_spec_or_resolver: Any,
    job_name: str = "localhost",
    task_index: int = 0,
    protocol: str | None = None,
    make_master_device_default: bool = True,
    cluster_device_filters: Any = None,
) -> None:
    """Makes the devices of a cluster available to this process.

    Args:
      cluster_spec_or_resolver: a ClusterSpec or ClusterResolver; one whose master is this process
        needs no connection.
      job_name, task_index: of this process.
      protocol: "grpc" by default.
      make_master_device_default: whether ops run on the master by default.
      cluster_device_filters: ClusterDeviceFilters.

    Raises:
      ValueError: the first argument is not a cluster.
      UnimplementedError: the cluster has other processes.

    >>> resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(tf.train.ClusterSpec({}))
    >>> tf.config.experimental_connect_to_cluster(resolver)  # this process is the master: no connection
    """
    cluster = cluster_spec_or_resolver
    if isinstance(cluster, ClusterResolver):
        if cluster.master() in LOCAL_MASTERS:
            return
        cluster = cluster.cluster_spec()
    elif not isinstance(cluster, ClusterSpec):
        raise ValueError(
            "`cluster_spec_or_resolver` must be a `ClusterSpec` or a `ClusterResolver`."
        )
    raise UnimplementedError(
        "tf.config.experimental_connect_to_cluster: other processes cannot be used. Received the "
        f"cluster {cluster.as_dict()}."
    )


@export("config.experimental_connect_to_host")
def experimental_connect_to_host(remote_host: Any = None, job_name: str = "worker") -> None:
    """Makes the devices of another process available to this one.

    Args:
      remote_host: an address, or a list of them.
      job_name: of the other processes.

    Raises:
      ValueError: no host is given.
      UnimplementedError: otherwise.
    """
    if not remote_host:
        raise ValueError("Must provide at least one remote_host")
    hosts = [remote_host] if isinstance(remote_host, str) else list(remote_host)
    experimental_connect_to_cluster(ClusterSpec({job_name: [h.split("://")[-1] for h in hosts]}))
