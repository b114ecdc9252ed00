"""TFConfigClusterResolver: clusters described by the environment variable TF_CONFIG."""

import json
import os
from typing import Any

from penstock._src.distribute.resolvers.base import ClusterResolver, master_url
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

VARIABLE = "TF_CONFIG"


@export("distribute.cluster_resolver.TFConfigClusterResolver")
class TFConfigClusterResolver(ClusterResolver):
    """The cluster, and this process's task, from the JSON in TF_CONFIG.

    Args:
      task_type, task_id, rpc_layer, environment: override the values in the variable.

    >>> import json, os
    >>> cluster = {"worker": ["host:1", "host:2"]}
    >>> os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}})
    >>> resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    >>> resolver.task_id, resolver.master()
    (1, 'host:2')
    >>> del os.environ["TF_CONFIG"]
    """

    def __init__(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
        environment: str | None = None,
    ) -> None:
        self._task_type, self._task_id = task_type, task_id
        self._rpc_layer, self._environment = rpc_layer, environment

    def _config(self) -> dict[str, Any]:
        text = os.environ.get(VARIABLE, "{}")
        try:
            config: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError as error:
            message = f"{VARIABLE}: expected JSON. Received {text!r}: {error.msg}"
            raise json.JSONDecodeError(message, text, error.pos) from None
        return config

    environment = read_only("_environment", "Environment in which the cluster runs, if set.")

    @property
    def task_type(self) -> str | None:
        """The job of this process."""
        if self._task_type is not None:
            return self._task_type
        job = self._config().get("task", {}).get("type")
        return None if job is None else str(job)

    @task_type.setter
    def task_type(self, task_type: str | None) -> None:
        self._task_type = task_type

    @property
    def task_id(self) -> int | None:
        """The index of this process in its job."""
        if self._task_id is not None:
            return self._task_id
        index = self._config().get("task", {}).get("index")
        return None if index is None else int(index)

    @task_id.setter
    def task_id(self, task_id: int | None) -> None:
        self._task_id = task_id

    @property
    def rpc_layer(self) -> str | None:
        """The protocol, if one is given."""
        return self._rpc_layer or self._config().get("rpc_layer")

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer: str | None) -> None:
        self._rpc_layer = rpc_layer

    def cluster_spec(self) -> ClusterSpec:
        """Returns the cluster, which is empty if the variable does not describe one."""
        return ClusterSpec(self._config().get("cluster", {}))

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a task, by default this process's; "" if there is at most one worker.

        A `session_master` in the variable is the master of all tasks.
        """
        if "session_master" in (config := self._config()):
            return str(config["session_master"])
        cluster = self.cluster_spec()
        if not cluster.jobs or (
            len(cluster.jobs) == 1 and len(cluster.job_tasks(cluster.jobs[0])) == 1
        ):
            return ""
        job = self.task_type if task_type is None else task_type
        index = self.task_id if task_id is None else task_id
        return master_url(
            cluster.task_address(str(job), int(index or 0)), rpc_layer or self.rpc_layer
        )
