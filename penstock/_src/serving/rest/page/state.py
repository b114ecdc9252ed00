"""State shown by the page, as plain values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.servables.servable import Signature, TensorInfo
from penstock._src.serving.telemetry import table
from penstock._src.serving.telemetry.store import Numbers, of_metric

_PHASES = ("queue", "batch", "compute")


def state_of(manager: ModelManager, numbers: Numbers) -> dict[str, Any]:
    """Returns the state of a server.

    Args:
      manager: of its models.
      numbers: of its metrics.
    """
    loaded, statuses = manager.table.loaded(), manager.statuses()
    latencies = _by_model(of_metric(numbers, table.REQUEST_LATENCY), table.REQUEST_LATENCY)
    phases = of_metric(numbers, table.PHASE_SECONDS)
    models = []
    for config in sorted(manager.configs(), key=lambda config: config.name):
        name = config.name
        versions = [
            {
                "number": status.number,
                "state": status.state.name,
                "error": "" if status.error is None else str(status.error),
                "labels": sorted(
                    k for k, number in config.labels.items() if number == status.number
                ),
                **_described(loaded.get(name, {}).get(status.number)),
            }
            for status in statuses.get(name, [])
        ]
        models.append(
            {
                "name": name,
                "versions": versions,
                "latency": latencies.get(name, []),
                "phases": {
                    phase: _added(n for (m, _, p), n in phases.items() if (m, p) == (name, phase))
                    for phase in _PHASES
                },
                "errors": _errors(numbers, name),
            }
        )
    return {
        "models": models,
        # Units of the histograms: microseconds, and seconds.
        "latency_bounds": table.REQUEST_LATENCY.bounds,
        "phase_bounds": table.PHASE_SECONDS.bounds,
        "server": {
            "processes": _sum(numbers, table.PROCESSES),
            "requests": _sum(numbers, table.REQUESTS),
            "resident_bytes": _sum(numbers, table.RESIDENT_BYTES),
        },
    }


def _described(version: ModelVersion | None) -> dict[str, Any]:
    if version is None:
        return {"format": "", "signatures": [], "generates": False}
    signatures = [_signature(each) for each in version.servable.signatures.values()]
    return {
        "format": version.servable.format,
        "signatures": signatures,
        "generates": version.generates,
    }


def _signature(signature: Signature) -> dict[str, Any]:
    return {
        "name": signature.name,
        "kind": signature.method_name.rpartition("/")[2],
        "refusal": signature.refusal,
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
    }


def _tensors(infos: Mapping[str, TensorInfo]) -> list[dict[str, Any]]:
    return [
        {"name": name, "dtype": info.dtype.name, "shape": info.shape}
        for name, info in infos.items()
    ]


def _by_model(
    series: Mapping[tuple[str, ...], list[float]], metric: table.Metric
) -> dict[str, list[float]]:
    """The histograms of a metric, added up by the model, which is its first label."""
    ordered = sorted(series.items())
    groups = itertools.groupby(ordered, key=lambda item: item[0][0])
    return {name: _added(numbers for _, numbers in group) for name, group in groups}


def _added(rows: Any) -> list[float]:
    return [sum(column) for column in zip(*rows)]


def _errors(numbers: Numbers, name: str) -> float:
    counts = of_metric(numbers, table.REQUEST_COUNT)
    return sum(n[0] for (model, status), n in counts.items() if model == name and status != "OK")


def _sum(numbers: Numbers, metric: table.Metric) -> float:
    rows: Sequence[list[float]] = list(of_metric(numbers, metric).values())
    return sum(row[0] for row in rows)
