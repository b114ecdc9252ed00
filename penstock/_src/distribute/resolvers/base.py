"""ClusterResolver, and the resolvers of explicitly given clusters: SimpleClusterResolver, UnionResolver."""

import abc
import collections
from typing import Any

from penstock._src.api.config import devices
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only, read_write

ACCELERATORS = ("GPU", "TPU")


def master_url(address: str, rpc_layer: str | None) -> str:
    """Returns `<protocol>://<address>`, or the address alone without a protocol."""
    return f"{rpc_layer}://{address}" if rpc_layer else address


@export("distribute.cluster_resolver.ClusterResolver")
class ClusterResolver(abc.ABC):
    """Determines the tasks of a cluster, the task of this process, and the address of the master."""

    @abc.abstractmethod
    def cluster_spec(self) -> ClusterSpec:
        """Returns the current cluster.

        Returns:
          A `tf.train.ClusterSpec`.
        """
        raise NotImplementedError

    @abc.abstractmethod
    def master(
        self, task_type: str | None = None, task_id: int | None = None, rpc_layer: Any = None
    ) -> str:
        """Returns the address of a task, or of the master if none is named.

        Args:
          task_type, task_id: the task: the name of its job and its number in it.
          rpc_layer: the protocol, such as "grpc".

        Returns:
          A str.
        """
        raise NotImplementedError

    def num_accelerators(
        self, task_type: str | None = None, task_id: int | None = None, config_proto: Any = None
    ) -> dict[str, int]:
        """Returns the number of accelerators of each kind.

        Args:
          task_type, task_id: the task whose accelerators count; without them, all that this process sees.
          config_proto: accepted.

        Returns:
          A dict from kinds, such as "GPU", to numbers.
        """
        accelerators = [d for d in devices.list_logical_devices() if d.device_type in ACCELERATORS]
        if task_type is not None and task_id is not None:
            parts = {f"job:{task_type}", f"task:{task_id}"}
            accelerators = [d for d in accelerators if parts <= set(d.name.split("/"))]
        return collections.Counter(d.device_type for d in accelerators)

    @property
    def environment(self) -> Any:
        """Environment in which the cluster runs: "" or "google"."""
        return ""

    _task_type: Any = None
    _task_id: Any = None
    task_type = read_write("_task_type", "The job of this process.")
    task_id = read_write("_task_id", "The index of this process in its job.")

    def _own_address(self, task_type: Any, task_id: Any, rpc_layer: Any) -> str:
        """The URL of a task, by default of this one; empty if that is not known."""
        job = self._task_type if task_type is None else task_type
        index = self._task_id if task_id is None else task_id
        return "" if job is None or index is None else self._address(job, index, rpc_layer)

    def _address(self, task_type: Any, task_id: Any, rpc_layer: Any) -> str:
        """The URL of a task of the cluster."""
        return master_url(self.cluster_spec().task_address(task_type, task_id), rpc_layer)


@export("distribute.cluster_resolver.SimpleClusterResolver")
class SimpleClusterResolver(ClusterResolver):
    """A cluster given by a ClusterSpec.

    Args:
      cluster_spec: a `tf.train.ClusterSpec`.
      master: the address of the master.
      task_type, task_id: the task that this process is.
      environment: where the cluster runs: "" or "google".
      num_accelerators: numbers of accelerators by their kinds.
      rpc_layer: the protocol, such as "grpc".

    Raises:
      TypeError: `cluster_spec` is not a ClusterSpec.

    >>> cluster = tf.train.ClusterSpec({"worker": ["host:1", "host:2"]})
    >>> resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
    >>> resolver.master("worker", 1)
    'grpc://host:2'
    """

    def __init__(
        self,
        cluster_spec: Any,
        master: str = "",
        task_type: str | None = None,
        task_id: int | None = None,
        environment: str = "",
        num_accelerators: dict[str, int] | None = None,
        rpc_layer: str | None = None,
    ) -> None:
        if not isinstance(cluster_spec, ClusterSpec):
            raise TypeError("cluster_spec must be a `tf.train.ClusterSpec`.")
        self._cluster_spec, self._master = cluster_spec, master
        self._task_type, self._task_id = task_type, task_id
        self._environment, self._rpc_layer = environment, rpc_layer
        self._num_accelerators = num_accelerators

    def cluster_spec(self) -> ClusterSpec:
        """Returns the cluster."""
        return self._cluster_spec

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a task, or of the master if none is named."""
        rpc_layer = rpc_layer or self._rpc_layer
        if task_type is not None and task_id is not None:
            return self._address(task_type, task_id, rpc_layer)
        return master_url(self._master, rpc_layer)

    environment = read_only("_environment", "Environment in which the cluster runs.")

    rpc_layer = read_write("_rpc_layer", "The protocol.")

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None) -> dict[str, int]:
        """Returns the given accelerators."""
        return self._num_accelerators or {}


@export("distribute.cluster_resolver.UnionResolver")
class UnionResolver(ClusterResolver):
    """The union of several clusters: jobs of the same name are merged and their tasks renumbered.

    Args:
      *args: ClusterResolvers.
      **kwargs: `task_type`, `task_id` and `rpc_layer` in place of those of the first resolver.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._given = {k: kwargs.pop(k, None) for k in ("task_type", "task_id", "rpc_layer")}
        if kwargs:
            raise ValueError(f"Unexpected kwargs provided {kwargs!r}")
        if not args:
            raise ValueError("At least one ClusterResolver is required.")
        if not all(isinstance(resolver, ClusterResolver) for resolver in args):
            raise TypeError("All arguments must be a sub-class of `ClusterResolver.`")
        self._resolvers = args

    def cluster_spec(self) -> ClusterSpec:
        """Returns the union of the clusters.

        A job of which a resolver gives indices other than 0, 1, ... keeps the indices.

        Raises:
          KeyError: one of them occurs twice.
        """
        jobs: dict[str, list[dict[int, str]]] = {}
        for resolver in self._resolvers:
            spec = resolver.cluster_spec()
            for job in spec.jobs:
                tasks = {i: spec.task_address(job, i) for i in spec.task_indices(job)}
                jobs.setdefault(job, []).append(tasks)
        return ClusterSpec({job: _joined(parts) for job, parts in jobs.items()})

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a task, or the master of the first resolver."""
        if task_type is not None and task_id is not None:
            return self._address(task_type, task_id, rpc_layer or self._given["rpc_layer"])
        return self._resolvers[0].master(rpc_layer=rpc_layer)

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None) -> dict[str, int]:
        """Returns the accelerators of the first resolver."""
        return self._resolvers[0].num_accelerators(task_type, task_id, config_proto)

    @property
    def environment(self) -> Any:
        """Environment in which the cluster of the first resolver runs."""
        return self._resolvers[0].environment

    @property
    def task_type(self) -> Any:
        """The job of this process."""
        return self._given["task_type"] or self._resolvers[0].task_type

    @task_type.setter
    def task_type(self, task_type: Any) -> None:
        self._given["task_type"] = task_type

    @property
    def task_id(self) -> Any:
        """The index of this process in its job."""
        own = self._given["task_id"]
        return self._resolvers[0].task_id if own is None else own

    @task_id.setter
    def task_id(self, task_id: Any) -> None:
        self._given["task_id"] = task_id

    @property
    def rpc_layer(self) -> Any:
        """The protocol."""
        return self._given["rpc_layer"] or getattr(self._resolvers[0], "rpc_layer", None)

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer: Any) -> None:
        self._given["rpc_layer"] = rpc_layer


def _joined(parts: list[dict[int, str]]) -> Any:
    """Merges the tasks of one job of several clusters: lists are concatenated, unless one has indices of its own.

    Raises:
      KeyError: then an index occurs twice.
    """
    if all(sorted(tasks) == list(range(len(tasks))) for tasks in parts):
        return [tasks[number] for tasks in parts for number in sorted(tasks)]
    merged: dict[int, str] = {}
    for tasks in parts:
        twice = set(merged) & set(tasks)
        if twice:
            raise KeyError(f"Duplicate keys detected when merging two ClusterSpecs: {twice}")
        merged.update(tasks)
    return merged
