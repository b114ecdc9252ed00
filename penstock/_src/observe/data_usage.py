"""Time that a process waits for datasets, and elements that these hold, by the lines that define them."""

from __future__ import annotations

import collections
import gc
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.ops.data.iteration.rows import Rows
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data.prefetch import MemoryCache
from penstock._src.ops.data_planner.measures import Measures
from penstock._src.ops.data_planner.report import StepReport, advice, step_reports

# Steps that cost less than this share of the time that was waited are not listed, and at most this number of them.
_WORTH, _LISTED = 0.1, 3


class DataUsage:
    """The steps of datasets with their times and memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: weakref.WeakKeyDictionary[Pipeline, str] = weakref.WeakKeyDictionary()
        self._running: dict[int, tuple[weakref.ref[Any], Measures]] = {}
        self._ended: dict[str, tuple[StepReport, float, int]] = {}

    def defined(self, pipeline: Pipeline, place: str) -> None:
        """Remembers the line that defines a dataset."""
        with self._lock:
            self._owners.setdefault(pipeline, place)

    def iterates(self, root: Any, measures: Measures) -> None:
        """Takes notice of an iteration over a pipeline with clocks."""
        with self._lock:
            self._running[id(root)] = weakref.ref(root), measures

    def iterated(self, root: Any, measures: Measures) -> None:
        """Takes notice of its end."""
        with self._lock:
            self._running.pop(id(root), None)
            _add(self._ended, root, measures)

    def _sums(self) -> list[tuple[StepReport, float, int]]:
        """Each step with its seconds and elements, over all iterations."""
        with self._lock:
            sums, running = dict(self._ended), list(self._running.values())
        for reference, measures in running:
            root = reference()
            if root is not None:
                _add(sums, root, measures)
        return list(sums.values())

    def costs(self, waited: float) -> Iterator[str]:
        """The steps that cost most of the seconds that were waited, with what would make them faster."""
        for report, seconds, elements in sorted(self._sums(), key=lambda step: -step[1])[:_LISTED]:
            if seconds >= _WORTH * max(waited, 1e-3):
                where = f" at {report.place}" if report.place else ""
                text = f"{seconds:7.2f} s for {elements} elements{where}: {advice(report)}"
                yield f"          {text} ({report.how})"

    def held(self) -> Iterator[tuple[str, int, int]]:
        """The memory of datasets: (line, bytes, number of datasets), the largest first."""
        # Not isinstance, which asks a proxy for the class of its object, and raises if that is no more.
        pipelines = [each for each in gc.get_objects() if issubclass(type(each), Pipeline)]
        with self._lock:
            owners = {id(p): self._owners[p] for p in pipelines if p in self._owners}
        # Datasets with a source line come first: plans are copies that share their objects.
        pipelines.sort(key=lambda pipeline: id(pipeline) not in owners)
        seen: set[int] = set()
        sums: dict[str, list[int]] = collections.defaultdict(list)
        for pipeline in pipelines:
            size = sum(array.nbytes for array in _arrays(list(vars(pipeline).values()), seen))
            if size:
                sums[owners.get(id(pipeline), "lines that were not observed")].append(size)
        for place, sizes in sorted(sums.items(), key=lambda item: -sum(item[1])):
            yield place, sum(sizes), len(sizes)


def _add(sums: dict[str, tuple[StepReport, float, int]], root: Any, measures: Measures) -> None:
    """Adds the times of an iteration to those of equal steps."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for report in step_reports(root, measures, cores or 1, 0):
        key = f"{report} {report.place}"
        _, seconds, elements = sums.get(key, (report, 0.0, 0))
        sums[key] = report, seconds + report.cost, elements + report.elements


def _arrays(values: list[Any], seen: set[int]) -> Iterator[np.ndarray]:
    """The arrays that values hold, each once; of views the arrays that they look into."""
    pending = values
    while pending:
        value = pending.pop()
        if isinstance(value, np.ndarray):
            while isinstance(value.base, np.ndarray):
                value = value.base
            if id(value) not in seen:
                seen.add(id(value))
                yield value
        elif isinstance(value, Rows):
            pending += value.arrays
        elif isinstance(value, MemoryCache):
            pending += [*(value.elements or ()), *value.at.values()]
        elif isinstance(value, tuple | list) and value and not isinstance(value[0], Pipeline):
            pending += value
