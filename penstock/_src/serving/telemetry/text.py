"""Prometheus's text format."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from penstock._src.serving.telemetry.store import Labels, Numbers, of_metric
from penstock._src.serving.telemetry.table import METRICS, Metric

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


def render(numbers: Numbers) -> bytes:
    """Returns the text of all metrics that have numbers."""
    lines: list[str] = []
    for metric in METRICS.values():
        series = of_metric(numbers, metric)
        if series:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
            for labels in sorted(series):
                lines += _lines(metric, labels, series[labels])
    return ("\n".join(lines) + "\n").encode()


def _lines(metric: Metric, labels: Labels, numbers: Sequence[float]) -> Iterator[str]:
    shown = [f'{name}="{_escaped(value)}"' for name, value in zip(metric.labels, labels)]
    if metric.kind != "histogram":
        yield f"{metric.name}{_braces(shown)} {_number(numbers[0])}"
        return
    *counts, total = numbers
    bounds = [*map(_number, metric.bounds), "+Inf"]
    for bound, count in zip(bounds, itertools.accumulate(counts)):
        le = f'le="{bound}"'
        yield f"{metric.name}_bucket{_braces([*shown, le])} {_number(count)}"
    yield f"{metric.name}_sum{_braces(shown)} {_number(total)}"
    yield f"{metric.name}_count{_braces(shown)} {_number(sum(counts))}"


def _braces(parts: Sequence[str]) -> str:
    return "{" + ",".join(parts) + "}" if parts else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
