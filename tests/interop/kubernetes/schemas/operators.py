"""The fields of operators' own kinds, as their documentation names them, beside the pods in them, which Kubernetes' schemas describe."""

from collections.abc import Iterator
from typing import Any

POD = "a template of pods"
# Field: its type, a dictionary of fields, [what each item is], or POD. "*" stands for any name.
REPLICAS = {"replicas": int, "restartPolicy": str, "template": POD}
RAY_START = {"*": str}
KINDS: dict[tuple[str, str], dict[str, Any]] = {
    ("kubeflow.org/v2beta1", "MPIJob"): {
        "slotsPerWorker": int, "runLauncherAsWorker": bool, "sshAuthMountPath": str,
        "launcherCreationPolicy": str, "mpiImplementation": str,
        "runPolicy": {
            "cleanPodPolicy": str, "ttlSecondsAfterFinished": int, "activeDeadlineSeconds": int,
            "backoffLimit": int, "suspend": bool, "managedBy": str,
        },
        "mpiReplicaSpecs": {"Launcher": REPLICAS, "Worker": REPLICAS},
    },
    ("ray.io/v1", "RayJob"): {
        "entrypoint": str, "submissionMode": str, "shutdownAfterJobFinishes": bool, "suspend": bool,
        "ttlSecondsAfterFinished": int, "activeDeadlineSeconds": int, "backoffLimit": int,
        "runtimeEnvYAML": str, "jobId": str, "clusterSelector": {"*": str}, "metadata": {"*": str},
        "rayClusterSpec": {
            "rayVersion": str, "enableInTreeAutoscaling": bool,
            "headGroupSpec": {"serviceType": str, "rayStartParams": RAY_START, "template": POD},
            "workerGroupSpecs": [{
                "groupName": str, "replicas": int, "minReplicas": int, "maxReplicas": int, "numOfHosts": int,
                "rayStartParams": RAY_START, "template": POD,
            }],
        },
    },
}  # fmt: skip
# What Kubernetes lets these values be.
CHOICES = {
    "mpiImplementation": {"OpenMPI", "Intel", "MPICH"},
    "cleanPodPolicy": {"None", "Running", "All"},
    "launcherCreationPolicy": {"AtStartup", "WaitForWorkersReady"},
    "submissionMode": {"K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"},
}


def pods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the templates of pods in a document, as documents of Kubernetes.

    Raises:
      ValueError: it has a field that its kind does not have, or one of another type.
    """
    kind = document["apiVersion"], document["kind"]
    yield from _pods(document["spec"], KINDS[kind], "spec")


def _pods(found: Any, allowed: Any, where: str) -> Iterator[dict[str, Any]]:
    if allowed == POD:
        yield {
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": {"name": "x"},
            "template": found,
        }
    elif isinstance(allowed, list):
        for i, item in enumerate(found):
            yield from _pods(item, allowed[0], f"{where}[{i}]")
    elif isinstance(allowed, dict):
        for name, value in found.items():
            if name not in allowed and "*" not in allowed:
                raise ValueError(f"{where} has no field {name}; there are {', '.join(allowed)}")
            yield from _pods(value, allowed.get(name, allowed.get("*")), f"{where}.{name}")
    elif type(found) is not allowed:
        raise ValueError(f"{where} must be {allowed.__name__}. Received {found!r}")
    elif found not in CHOICES.get(where.rpartition(".")[2], {found}):
        raise ValueError(f"{where}: {found!r} is none of {CHOICES[where.rpartition('.')[2]]}")
