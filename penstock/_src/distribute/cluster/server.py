"""tf.distribute.Server: a task of a cluster. Its sessions share their variables."""

import importlib.util
import itertools
import threading
from typing import Any

from penstock._src.core.values.resources import SERVERS, ResourceManager
from penstock._src.distribute.cluster.tasks.service import TaskService
from penstock._src.distribute.cluster.tasks.task import addresses_of, task_name
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.proto.config import ServerDef
from penstock._src.util.export import export
from penstock._src.util.process.ports import free_ports
from penstock._src.util.signatures import read_only

# Ports of tasks that accept any port; they only distinguish the servers of this process.
_PORTS = itertools.count(40000)


@export("distribute.Server", v1=["distribute.Server", "train.Server"])
class Server:
    """A task of a cluster, which holds variables and runs functions for other processes.

    Of several tasks, each is a process with a server, for a `tf.distribute.ParameterServerStrategy`, or for `tf.compat.v1.Session(server.target)`,
    whose operations run in the tasks that their devices name. Sessions of one cluster share variables and queues.

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
        job, index = self._definition.job_name, self._definition.task_index
        self._address, self._ended = cluster.task_address(job, index), threading.Event()
        self._is_alone = sum(cluster.num_tasks(job) for job in cluster.jobs) == 1
        # The service for calls of other processes; None if there can be none.
        self._service: TaskService | None = None
        if not self._is_alone or importlib.util.find_spec("grpc") is not None:
            self._service = TaskService(task_name(job, index), addresses_of(cluster))
        if start:
            self.start()

    _is_started = False

    def start(self) -> None:
        """Makes the server available to sessions and other tasks."""
        if self._is_started:
            return
        self._is_started = True
        if self._service is not None:
            port = self._service.start(self._address)
            self._address = f"{self._address.rpartition(':')[0]}:{port}"
        elif self._address.endswith(":0"):
            self._address = f"{self._address[:-1]}{next(_PORTS)}"
        if self._is_alone:  # sessions of this process need no calls
            own = None if self._service is None else self._service.manager
            SERVERS[self.target] = own or ResourceManager(keep=True)

    def join(self) -> None:
        """Waits until the server ends, which is when the process ends."""
        self._ended.wait()

    server_def = read_only("_definition", "Its ServerDef.")

    @property
    def target(self) -> str:
        """Target by which sessions reach the server."""
        return f"{self._definition.protocol}://{self._address}"

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
    description: Any, job_name: str | None, task_index: int | None, protocol: Any, config: Any
) -> Any:
    """The ServerDef of a server.

    Raises:
      TypeError: `description` does not describe a cluster.
      ValueError: the task is ambiguous.
    """
    definition = ServerDef()
    if isinstance(description, ServerDef):
        definition.CopyFrom(description)
    else:
        try:
            cluster = ClusterSpec(description)
        except TypeError:
            raise TypeError(
                "Could not convert `server_or_cluster_def` to a `tf.train.ServerDef` or "
                "`tf.train.ClusterSpec`."
            ) from None
        definition.cluster.CopyFrom(cluster.as_cluster_def())
    definition.job_name = job_name or definition.job_name or _only_job(definition.cluster)
    if task_index is not None:
        definition.task_index = task_index
    elif not isinstance(description, ServerDef):
        definition.task_index = _only_task(definition.cluster, definition.job_name)
    definition.protocol = protocol or definition.protocol or "grpc"
    if config is not None:
        definition.default_session_config.MergeFrom(config)
    return definition


def _only_job(cluster: Any) -> str:
    if len(cluster.job) != 1:
        raise ValueError("Must specify an explicit `job_name`.")
    return cluster.job[0].name


def _only_task(cluster: Any, job_name: str) -> int:
    tasks = ClusterSpec(cluster).task_indices(job_name)
    if len(tasks) != 1:
        raise ValueError("Must specify an explicit `task_index`.")
    return tasks[0]


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
    ports = iter(free_ports(num_workers + num_ps))
    addresses = {
        job: [f"localhost:{next(ports)}" for _ in range(count)]
        for job, count in (("worker", num_workers), ("ps", num_ps))
    }
    cluster = ClusterSpec(
        {job: addresses_of_job for job, addresses_of_job in addresses.items() if addresses_of_job}
    )
    servers: dict[str, list[Server]] = {"worker": [], "ps": []}
    for job, config in (("worker", worker_config), ("ps", ps_config)):
        for index in range(len(addresses[job])):
            servers[job].append(Server(cluster, job, index, protocol, config))
    return servers["worker"], servers["ps"]
