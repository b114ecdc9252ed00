"""TF_CONFIG: the JSON in which TensorFlow's launchers (Kubeflow's TFJob, and people) describe a cluster."""

import json
from collections.abc import Mapping

from penstock._src.cluster.description import Cluster

# Jobs whose tasks run training steps, in the order of their ranks.
WORKERS = ("chief", "worker")


def described(variables: Mapping[str, str]) -> Cluster | None:
    """Returns the cluster of the workers; the chief is rank 0 if there is one.

    Raises:
      ValueError: the text is not a JSON object, or the task is not in the cluster.
    """
    text = variables.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"TF_CONFIG: expected JSON. Received {text!r}: {error}.") from None
    jobs, task = config.get("cluster", {}), config.get("task", {})
    places = [(job, i, host) for job in WORKERS for i, host in enumerate(jobs.get(job, []))]
    if not places or task.get("type") not in WORKERS:
        return None
    own = (task["type"], int(task.get("index", 0)))
    ranks = [rank for rank, (job, i, _) in enumerate(places) if (job, i) == own]
    if not ranks:
        raise ValueError(f"TF_CONFIG: the cluster has no task {own[0]}:{own[1]}. Received {text}.")
    return Cluster(ranks[0], len(places), tuple(host for *_, host in places), "TF_CONFIG")
