"""A deployment's manifest as records: what a kubelet needs to know of its pods."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

# Bytes or shares by Kubernetes' suffixes.
_UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}  # fmt: skip


def quantity(value: str | float) -> float:
    """Return the number that a quantity is, as 512Mi or 250m."""
    match = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(value))
    assert match is not None and match[2] in _UNITS, f"{value} is not a quantity"
    return float(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True)
class Probe:
    """An HTTP probe, with Kubernetes' defaults."""

    path: str
    port: int
    period: float
    timeout: float
    failures: int


@dataclass(frozen=True)
class PodSpec:
    """Pods of a deployment with one container.

    volumes  for each mounted path: the volume's name, and whether it is mounted read-only
    """

    arguments: tuple[str, ...]
    environment: dict[str, str]
    user: int
    group: int
    read_only: bool
    memory: int
    cpus: float
    startup: Probe
    readiness: Probe
    liveness: Probe
    before_stop: tuple[str, ...]
    grace: float
    volumes: dict[str, tuple[str, bool]]


def documents(text: str) -> dict[str, dict[str, Any]]:
    """Return the documents by their kinds; of several of one kind, the last."""
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def pod_spec(deployment: dict[str, Any]) -> PodSpec:
    """Read the pods of a deployment."""
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    limits = {name: quantity(value) for name, value in container["resources"]["limits"].items()}
    security, of_pod = container["securityContext"], pod["securityContext"]
    assert of_pod["runAsNonRoot"] and container["lifecycle"]["preStop"]["exec"]
    assert security["capabilities"] == {"drop": ["ALL"]} and not security["allowPrivilegeEscalation"]  # fmt: skip
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    return PodSpec(
        arguments=tuple(container["args"]),
        environment={each["name"]: _value(each, limits) for each in container["env"]},
        user=of_pod["runAsUser"],
        group=of_pod["fsGroup"],
        read_only=security["readOnlyRootFilesystem"],
        memory=int(limits["memory"]),
        cpus=limits["cpu"],
        startup=_probe(container["startupProbe"], ports),
        readiness=_probe(container["readinessProbe"], ports),
        liveness=_probe(container["livenessProbe"], ports),
        before_stop=tuple(container["lifecycle"]["preStop"]["exec"]["command"]),
        grace=float(pod["terminationGracePeriodSeconds"]),
        volumes={
            each["mountPath"]: (each["name"], each.get("readOnly", False))
            for each in container["volumeMounts"]
        },
    )


def _value(entry: dict[str, Any], limits: dict[str, float]) -> str:
    """An environment variable's value: a text, or a limit rounded up, as the downward API gives it."""
    if "value" in entry:
        return str(entry["value"])
    resource = entry["valueFrom"]["resourceFieldRef"]["resource"]
    return str(int(-(-limits[resource.removeprefix("limits.")] // 1)))


def _probe(probe: dict[str, Any], ports: dict[str, int]) -> Probe:
    get = probe["httpGet"]
    return Probe(
        get["path"],
        ports.get(get["port"], get["port"]),
        float(probe.get("periodSeconds", 10)),
        float(probe.get("timeoutSeconds", 1)),
        int(probe.get("failureThreshold", 3)),
    )
