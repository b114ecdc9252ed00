"""tf.distribute.Server: a task of a cluster whose sessions share their variables."""

import itertools
import threading
from typing import Any

from penstock._src.core.values.resources import SERVERS, ResourceManager
from penstock._src.distribute.cluster.spec import ClusterSpec
from penstock._src.distribute.cluster.tasks.service import TaskService
from penstock._src.distribute.cluster.tasks.task import addresses_of, task_name
from penstock._src.proto.config import ServerDef
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

# Ports of tasks that accept any port; they only distinguish the servers of this process.
_PORTS = itertools.count(40000)


@export("distribute.Server", v1=["distribute.Server", "train.Server"])
class Server:
    """A task of a cluster, which holds variables and runs functions for other processes.

    Of several tasks, each is a process with a server, for a `tf.distribute.ParameterServerStrategy`. A task that is alone in its cluster lets sessions of
    its own process share variables and queues.

    Graphs that others send compute, and nothing else: what reads files on a worker (a dataset of files) needs `PENSTOCK_ALLOW=read_files` or the
    like in its environment. `PENSTOCK_CLUSTER_KEY`, where set, is a secret that every call has to bring.

    Args:
      server_or_cluster_def: a ServerDef, ClusterDef, ClusterSpec, or an argument of ClusterSpec.
      job_name, task_index: the task that this server is; optional if the cluster has only one.
      protocol: "grpc" by default.
      config: a ConfigProto for sessions.
      start: whether to start it at once.

    Raises:
      TypeError: the first argument does not describe a cluster.
      ValueError: the task is ambiguous.
      ImportError: the cluster has other tasks, and grpcio is not installed.
      UnknownError: it cannot listen at its address.

    >>> server = tf.distribute.Server.create_local_server()
    >>> with tf.Graph().as_default(), tf.compat.v1.Session(server.target) as session:
    ...     print(session.run(tf.constant(1) + 2))
    3
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: Any = None,
        start: bool = True,
    ) -> None:
        self._definition = _definition(
            server_or_cluster_def, job_name, task_index, protocol, config
        )
        cluster = ClusterSpec(self._definition.cluster)
        if sum(cluster.num_tasks(job) for job in cluster.jobs) > 1:
            name = task_name(self._definition.job_name, self._definition.task_index)
            self._service = TaskService(name, addresses_of(cluster))
        self._open(cluster, ResourceManager(keep=True))
        if start:
            self.start()

    # What answers calls of other processes; None if there are none.
    _service: TaskService | None = None
    _is_started = False

    def _open(self, cluster: ClusterSpec, resources: ResourceManager) -> None:
        definition = self._definition
        host, _, port = cluster.task_address(definition.job_name, definition.task_index).rpartition(
            ":"
        )
        number = next(_PORTS) if port == "0" else port
        self._target = f"{definition.protocol}://{host}:{number}"
        self._resources, self._ended = resources, threading.Event()

    def start(self) -> None:
        """Makes the server available to sessions, or to other tasks."""
        if self._service is None:
            SERVERS[self._target] = self._resources
        elif not self._is_started:
            self._service.start(self._target.partition("://")[2])
            self._is_started = True

    def join(self) -> None:
        """Waits until the server ends, which is when the process ends."""
        self._ended.wait()

    server_def = read_only("_definition", "Its ServerDef.")
    target = read_only("_target", "What sessions are given to reach it.")

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> "Server":
        """Returns a server of a cluster that consists of this process only.

        Args:
          config: a ConfigProto for sessions.
          start: whether to start it at once.

        Returns:
          A Server.
        """
        return Server({"localhost": ["localhost:0"]}, protocol="grpc", config=config, start=start)


def _definition(
    given: Any, job_name: str | None, task_index: int | None, protocol: Any, config: Any
) -> Any:
    """The ServerDef of a server.

    Raises:
      TypeError: `given` does not describe a cluster.
      ValueError: the task is ambiguous.
    """
    made = ServerDef()
    if isinstance(given, ServerDef):
        made.CopyFrom(given)
    else:
        try:
            cluster = ClusterSpec(given)
        except TypeError:
            raise TypeError(
                "Could not convert `server_or_cluster_def` to a `tf.train.ServerDef` or "
                "`tf.train.ClusterSpec`."
            ) from None
        made.cluster.CopyFrom(cluster.as_cluster_def())
    made.job_name = job_name or made.job_name or _only_job(made.cluster)
    if task_index is not None:
        made.task_index = task_index
    elif not isinstance(given, ServerDef):
        made.task_index = _only_task(made.cluster, made.job_name)
    made.protocol = protocol or made.protocol or "grpc"
    if config is not None:
        made.default_session_config.MergeFrom(config)
    return made


def _only_job(cluster: Any) -> str:
    if len(cluster.job) != 1:
        raise ValueError("Must specify an explicit `job_name`.")
    return cluster.job[0].name


def _only_task(cluster: Any, job_name: str) -> int:
    tasks = ClusterSpec(cluster).task_indices(job_name)
    if len(tasks) != 1:
        raise ValueError("Must specify an explicit `task_index`.")
    return tasks[0]


class _LocalServer(Server):
    """A task of a cluster within this process; the tasks share their resources."""

    def __init__(
        self, cluster: ClusterSpec, job: str, index: int, shared: Any, config: Any
    ) -> None:
        self._definition = ServerDef(
            cluster=cluster.as_cluster_def(), job_name=job, task_index=index, protocol="grpc"
        )
        if config is not None:
            self._definition.default_session_config.MergeFrom(config)
        self._open(cluster, shared)
        self.start()


@export("test.create_local_cluster")
def create_local_cluster(
    num_workers: int,
    num_ps: int,
    protocol: str = "grpc",
    worker_config: Any = None,
    ps_config: Any = None,
) -> tuple[list[Server], list[Server]]:
    """Returns the servers of a cluster within this process: (workers, parameter servers).

    Sessions on any of them share variables, as sessions of a real cluster share the variables on its parameter servers.

    Args:
      num_workers, num_ps: the numbers of workers and of parameter servers.
      protocol: accepted.
      worker_config, ps_config: `tf.compat.v1.ConfigProto`s.

    Returns:
      Two lists of `tf.distribute.Server`.
    """
    addresses = {
        job: [f"localhost:{next(_PORTS)}" for _ in range(count)]
        for job, count in (("worker", num_workers), ("ps", num_ps))
    }
    cluster = ClusterSpec({job: found for job, found in addresses.items() if found})
    shared = ResourceManager(keep=True)
    made: dict[str, list[Server]] = {"worker": [], "ps": []}
    for job, config in (("worker", worker_config), ("ps", ps_config)):
        for index in range(len(addresses[job])):
            made[job].append(_LocalServer(cluster, job, index, shared, config))
    return made["worker"], made["ps"]
