"""tf.compat.v1.train.replica_device_setter: places variables on parameter servers, other operations on workers."""

from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export

_KEPT_ON_SERVERS = (
    "Variable",
    "VariableV2",
    "AutoReloadVariable",
    "MutableHashTable",
    "MutableHashTableV2",
    "MutableHashTableOfTensors",
    "MutableHashTableOfTensorsV2",
    "MutableDenseHashTable",
    "MutableDenseHashTableV2",
    "VarHandleOp",
    "BoostedTreesEnsembleResourceHandleOp",
    "BoostedTreesQuantileStreamResourceHandleOp",
    "ResourceConditionalAccumulator",
    "DecisionTreeResource",
)


class _RoundRobin:
    """Assigns operations to tasks in round-robin order."""

    def __init__(self, count):
        self._count, self._next = count, 0

    def __call__(self, op):
        task = self._next
        self._next = (task + 1) % self._count
        return task


class _Chooser:
    """Chooses the device of an operation by its type."""

    def __init__(self, server, worker, merge, kept, strategy):
        self._server, self._worker, self._merge = server, worker, merge
        self._kept, self._strategy = kept, strategy

    def __call__(self, op):
        if not self._merge and op.device:
            return op.device
        present = DeviceSpec.from_string(op.device or "")
        kind = op.node_def.op if hasattr(op, "node_def") and not hasattr(op, "type") else op.type
        if self._server and kind in self._kept:
            server = DeviceSpec.from_string(self._server)
            # An operation with an explicit other job keeps its device.
            if server.job and (not present.job or present.job == server.job):
                server = server.replace(task=self._strategy(op))
            return server.make_merged_spec(present).to_string()
        return DeviceSpec.from_string(self._worker or "").make_merged_spec(present).to_string()


@export(v1=["train.replica_device_setter"])
def replica_device_setter(
    ps_tasks=0,
    ps_device="/job:ps",
    worker_device="/job:worker",
    merge_devices=True,
    cluster=None,
    ps_ops=None,
    ps_strategy=None,
):
    """A function for `tf.compat.v1.device` that distributes variables over parameter servers.

    Args:
      ps_tasks: the number of parameter servers; without any, None is returned.
      ps_device: the prefix of the devices of variables.
      worker_device: the device of all other operations.
      merge_devices: whether devices set within fill in what this function leaves open.
      cluster: a ClusterSpec, ClusterDef or dict, whose number of server tasks replaces `ps_tasks`.
      ps_ops: the types of operations that are placed on the servers; those of variables by default.
      ps_strategy: called with an operation, returns the index of a task; round-robin by default.

    Raises:
      TypeError: `cluster` is not a cluster, or `ps_strategy` not a function.
    """
    if cluster is not None:
        job = DeviceSpec.from_string(ps_device).job
        ps_tasks = len(_addresses(cluster).get(job) or ())
    if ps_tasks == 0:
        return None
    strategy = _RoundRobin(ps_tasks) if ps_strategy is None else ps_strategy
    if not callable(strategy):
        raise TypeError("ps_strategy must be callable")
    kept = _KEPT_ON_SERVERS if ps_ops is None else ps_ops
    return _Chooser(ps_device, worker_device, merge_devices, frozenset(kept), strategy)


def _addresses(cluster):
    """{job: addresses of its tasks}."""
    if hasattr(cluster, "as_dict"):
        return cluster.as_dict()
    if isinstance(cluster, dict):
        return cluster
    if hasattr(cluster, "job"):
        return {job.name: list(job.tasks.values()) for job in cluster.job}
    raise TypeError(
        "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, "
        "or a `ClusterDef` protocol buffer"
    )
