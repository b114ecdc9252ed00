"""Connections to the tasks of a cluster, so that `tf.device` can place operations and variables there."""

from collections.abc import Iterable
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.cluster.connected import Connection, use
from penstock._src.distribute.cluster.steps.placement import passes_filters
from penstock._src.distribute.cluster.tasks.task import addresses_of, task_name
from penstock._src.distribute.resolvers.base import ClusterResolver
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.proto.config import ClusterDeviceFilters as ClusterDeviceFiltersProto
from penstock._src.util.export import export

# Master addresses that mean this process.
LOCAL_MASTERS = ("", "local")


@export("config.experimental.ClusterDeviceFilters", v1=[])
class ClusterDeviceFilters:
    """Devices of a cluster that each task can see."""

    def __init__(self) -> None:
        self._filters: dict[str, dict[int, list[str]]] = {}

    def set_device_filters(
        self, job_name: str, task_index: int, device_filters: Iterable[str]
    ) -> None:
        """Makes only devices with names that start with one of the filters visible to a task.

        Args:
          job_name, task_index: the task.
          device_filters: how the names begin, such as "/job:ps".
        """
        self._filters.setdefault(job_name, {})[task_index] = list(device_filters)

    def _as_cluster_device_filters(self) -> Any:
        message = ClusterDeviceFiltersProto()
        for job_name, tasks in self._filters.items():
            job = message.jobs.add(name=job_name)
            for index, filters in tasks.items():
                job.tasks[index].device_filters.extend(filters)
        return message


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

    Variables made under `tf.device("/job:worker/task:0")` are in that task, and ops on them run there; so do functions called under it, parts of functions that are placed
    there, and eager ops that keep nothing. Results come back to this process. A later call replaces the connection.

    Raises:
      ValueError: the first argument is not a cluster.
      UnimplementedError: the protocol is not gRPC.
      ImportError: grpcio is not installed.
      DeadlineExceededError: a task does not answer within ten minutes.

    >>> server = tf.distribute.Server.create_local_server()
    >>> cluster = tf.train.ClusterSpec({"worker": [server.target.removeprefix("grpc://")]})
    >>> tf.config.experimental_connect_to_cluster(cluster)
    >>> with tf.device("/job:worker/task:0"):
    ...     total = tf.Variable(1.0) + 2.0
    >>> total.device
    '/job:worker/replica:0/task:0/device:CPU:0'
    """
    cluster, master = cluster_spec_or_resolver, ""
    if isinstance(cluster, ClusterResolver):
        master = cluster.master()
        if master in LOCAL_MASTERS:
            return
        cluster = cluster.cluster_spec()
    elif not isinstance(cluster, ClusterSpec):
        raise ValueError(
            "`cluster_spec_or_resolver` must be a `ClusterSpec` or a `ClusterResolver`."
        )
    if protocol not in (None, "grpc"):
        raise UnimplementedError(
            "tf.config.experimental_connect_to_cluster: expected the protocol 'grpc'. Received "
            f"{protocol!r}."
        )
    addresses = addresses_of(cluster)
    own = task_name(job_name, task_index)
    if cluster_device_filters is not None:
        wanted = cluster_device_filters._filters.get(job_name, {}).get(task_index)
        addresses = {
            name: a for name, a in addresses.items() if name == own or passes_filters(name, wanted)
        }
    connection = Connection(addresses, own)
    connection.connect()
    use(connection)
    named = [name for name in connection.names if addresses[name] == master.rpartition("://")[2]]
    if make_master_device_default and named:
        STATE.device = named[0]


@export("config.experimental_connect_to_host")
def experimental_connect_to_host(remote_host: Any = None, job_name: str = "worker") -> None:
    """Makes the devices of another process available to this one.

    Args:
      remote_host: an address, or a list of them.
      job_name: of the other processes.

    Raises:
      ValueError: no host is given.
      ImportError: grpcio is not installed.
      DeadlineExceededError: a task does not answer within ten minutes.
    """
    if not remote_host:
        raise ValueError("Must provide at least one remote_host")
    hosts = [remote_host] if isinstance(remote_host, str) else list(remote_host)
    experimental_connect_to_cluster(ClusterSpec({job_name: [h.split("://")[-1] for h in hosts]}))
