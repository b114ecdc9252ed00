"""Facts about clusters: `tensorflow.python.distribute.multi_worker_util`."""

from __future__ import annotations

from typing import Any

from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.proto.config import ClusterDef

_TYPES = ("chief", "worker", "evaluator", "ps", None)


def normalize_cluster_spec(cluster_spec: Any) -> ClusterSpec:
    """Returns a ClusterSpec, given one, a dictionary or a ClusterDef.

    Raises:
      ValueError: it is something else.
    """
    if isinstance(cluster_spec, dict | ClusterDef):
        return ClusterSpec(cluster_spec)
    if not isinstance(cluster_spec, ClusterSpec):
        raise ValueError(
            "`cluster_spec' should be dict or a `tf.train.ClusterSpec` or a `tf.train.ClusterDef` object"
        )
    return cluster_spec


def task_count(cluster_spec: ClusterSpec, task_type: str | None) -> int:
    """Returns the number of tasks of a type."""
    return cluster_spec.num_tasks(task_type) if task_type in cluster_spec.jobs else 0


def _validate_cluster_spec(
    cluster_spec: Any, task_type: str | None, task_id: int | None
) -> ClusterSpec:
    """Returns the cluster in which a task is.

    Raises:
      ValueError: the types of tasks are unknown, there are too many of one, or the task is not among them.
    """
    spec = normalize_cluster_spec(cluster_spec)
    if any(job not in _TYPES for job in spec.jobs):
        raise ValueError(
            f"Disallowed task type found in cluster spec. Allowed types are {_TYPES} and the cluster "
            f"spec is {spec}."
        )
    if task_type not in _TYPES:
        raise ValueError(f"Unrecognized task_type: {task_type}, valid task types are: {_TYPES}")
    if task_type and task_type not in spec.jobs and task_type != "evaluator":
        raise ValueError(f"`task_type` {task_type!r} not found in cluster_spec.")
    for single in ("chief", "evaluator"):
        if task_count(spec, single) > 1:
            raise ValueError(f"There must be at most one '{single}' job.")
    if task_type in spec.jobs and (task_id or 0) >= task_count(spec, task_type):
        raise ValueError(f"The `task_id` {task_id} exceeds the maximum id of {task_type}.")
    return spec


def is_chief(cluster_spec: Any = None, task_type: str | None = None, task_id: Any = None) -> bool:
    """True if a task is the chief, the only evaluator, or the first worker where there is no chief."""
    spec = _validate_cluster_spec(cluster_spec, task_type, task_id)
    if task_type in ("chief", "evaluator"):
        return True
    return "chief" not in spec.jobs and task_type == "worker" and task_id == 0


def collective_leader(cluster_spec: Any, task_type: str | None, task_id: int) -> str:
    """Returns the name of the task that leads collective operations; empty if none does."""
    if not normalize_cluster_spec(cluster_spec).as_dict():
        return ""
    spec = _validate_cluster_spec(cluster_spec, task_type, task_id)
    if task_type == "evaluator":
        return ""
    return f"/job:{'chief' if 'chief' in spec.jobs else 'worker'}/replica:0/task:0"


def coordination_leader(cluster_spec: Any) -> str:
    """Returns the name of the task that coordinates; empty if there are no tasks."""
    jobs = normalize_cluster_spec(cluster_spec).jobs
    first = next((job for job in ("ps", "chief", "worker") if job in jobs), None)
    return f"/job:{first}/replica:0/task:0" if first else ""


def worker_count(cluster_spec: Any, task_type: str) -> int:
    """Returns the number of workers, the chief among them, or of evaluators."""
    spec = _validate_cluster_spec(cluster_spec, task_type, task_id=0)
    if task_type not in ("chief", "worker", "evaluator"):
        raise ValueError(f"Unexpected `task_type` {task_type!r}")
    counted = ("evaluator",) if task_type == "evaluator" else ("chief", "worker")
    return sum(task_count(spec, kind) for kind in counted)


def id_in_cluster(cluster_spec: Any, task_type: str, task_id: int) -> int:
    """Returns the number of a task among the workers, the chief first, or among the evaluators."""
    spec = _validate_cluster_spec(cluster_spec, task_type, task_id)
    if task_type == "chief":
        return 0
    if task_type == "worker":
        return task_id + task_count(spec, "chief")
    if task_type == "evaluator":
        return task_id
    raise ValueError(f"There is no id for task_type {task_type!r}")
