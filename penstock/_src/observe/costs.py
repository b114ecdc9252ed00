"""The lines of a program that cost most: `penstock profile`.

Kernels, operations on the host and eager operations are summed up while the program runs, by line and name scope (the layer of a Keras model).
"""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.explain.kernels import kernel_records
from penstock._src.compiler.explain.limits import Limits, machine_limits
from penstock._src.compiler.explain.measure import launch_words
from penstock._src.compiler.explain.records import KernelRecord, SourceLine, line_of
from penstock._src.observe.profile_files import Event
from penstock._src.observe.profiler import Recording
from penstock._src.util.locations import user_location

# Launches shorter than this, on average, are said to be short.
_SHORT = 20e-6
# Shares of the machine's limits at which a kernel counts as limited by one of them.
_NEAR = 0.6
# How many operations of a thread are remembered, to be subtracted from one that runs them.
_REMEMBERED = 4096
# Operations that call Python.
_PYTHON = {"EagerPyFunc", "PyFunc", "PyFuncStateless", "NumpyFunction"}


@dataclasses.dataclass
class Cost:
    """The sums of one line: seconds, how often, and the floating point operations and bytes of kernels."""

    kind: str  # "kernel", "host" or "eager"
    what: str
    line: SourceLine | None
    scope: str
    is_gradient: bool = False
    seconds: float = 0.0
    count: int = 0
    flops: float = 0.0
    bytes: float = 0.0

    def text(self, total: float, limits: Limits) -> str:
        """The line, its share of the time, what of the machine's limits it reaches, and what to change."""
        place = f"{self.line.place} {self.line.code}" if self.line else "no line of the program"
        of = "gradient of " if self.is_gradient else ""
        scope = f" [{self.scope}]" if self.scope else ""
        head = f"{self.seconds:8.3f} s {self.seconds / max(total, 1e-9):4.0%}  {of}{place}{scope}"
        rates = ""
        if self.kind == "kernel":
            peak, memory = self.shares(limits)
            rates = f", {peak:.0%} of the peak, {memory:.0%} of memory's bandwidth"
        each = self.seconds / max(self.count, 1)
        facts = f"{self.what}, {self.count} times, {1e6 * each:.0f} us each{rates}"
        return f"{head}\n{'':17}{facts}: {self.advice(limits)}"

    def shares(self, limits: Limits) -> tuple[float, float]:
        """The shares of the peak and of memory's bandwidth that kernels reach."""
        seconds = max(self.seconds, 1e-9)
        return self.flops / seconds / limits.flops, self.bytes / seconds / limits.bandwidth

    def advice(self, limits: Limits) -> str:
        """Say what to change."""
        if self.kind == "eager":
            return "it runs eagerly; call it within a tf.function, which compiles it together with what follows"
        if self.kind == "host":
            if self.what == "IteratorGetNext":
                return "it takes elements of a dataset; the last lines say which of its steps cost most"
            if self.what in _PYTHON:
                return "it calls Python in the step; write it in operations, or move it to a dataset's map with num_parallel_calls"
            return "it runs on the host; f.explain(*args) says why"
        peak, memory = self.shares(limits)
        if peak >= _NEAR:
            return (
                "it is near the peak; less work or narrower numbers (mixed_bfloat16) make it faster"
            )
        if memory >= _NEAR:
            return "it is as fast as memory; narrower numbers (mixed_bfloat16) or fewer passes over large tensors make it faster"
        if self.seconds / max(self.count, 1) < _SHORT:
            return "its launches are short; larger batches or several steps in one function make it faster"
        return "far from both limits; odd sizes, gathers, sorts or little work for each thread, see f.explain(*args, time=True)"


class _Thread(threading.local):
    """Operations of a thread that may lie within one that has not ended: (begin, seconds)."""

    def __init__(self) -> None:
        self.ran: collections.deque[tuple[int, float]] = collections.deque(maxlen=_REMEMBERED)

    def own(self, begin: int, end: int) -> float:
        """The seconds of something that ends, without those of what ran within it."""
        inner = 0.0
        while self.ran and self.ran[-1][0] >= begin:
            inner += self.ran.pop()[1]
        whole = (end - begin) / 1e9
        self.ran.append((begin, whole))
        return max(0.0, whole - inner)


class LineCosts(Recording):
    """Sums up what runs, in place of the profiler's events."""

    def __init__(self) -> None:
        super().__init__(None, 2)
        self.costs: dict[Any, Cost] = {}
        self.in_functions = 0.0
        self._times: dict[int, tuple[Any, np.ndarray, np.ndarray]] = {}
        self._lock = threading.Lock()
        self._thread = _Thread()

    def add(
        self, name: str, begin: int, shown: dict[str, Any] | None = None, counted_as: str = ""
    ) -> None:
        """Adds an eager operation, or a call of a function, that ends now."""
        end = time.perf_counter_ns()
        seconds = self._thread.own(begin, end)
        if not counted_as:
            self.in_functions += (end - begin) / 1e9
            return
        place = user_location(2)
        line = SourceLine(place.file, place.line) if place else None
        self._add(("eager", name, line), Cost("eager", str(name), line, ""), seconds, 1)

    def program_ran(self, plan: Any, records: Any) -> None:
        """See RunObserver."""
        if len(records):
            self._thread.own(int(records[0, 1]), int(records[:, 2].max()))
        with self._lock:
            known = self._times.get(id(plan))
            if known is None:
                size = int(records[:, 0].max()) + 1 if len(records) else 0
                known = plan, np.zeros(size), np.zeros(size, np.int64)
            _, nanoseconds, counts = known
            if len(records) and int(records[:, 0].max()) >= len(counts):
                more = int(records[:, 0].max()) + 1 - len(counts)
                nanoseconds, counts = np.pad(nanoseconds, (0, more)), np.pad(counts, (0, more))
            np.add.at(nanoseconds, records[:, 0], records[:, 2] - records[:, 1])
            np.add.at(counts, records[:, 0], 1)
            self._times[id(plan)] = plan, nanoseconds, counts

    def host_ran(self, op: Any, start: int, end: int) -> None:
        """See RunObserver."""
        line, is_gradient = line_of(op), op.gradient_of is not None
        scope = op.name.rpartition("/")[0]
        cost = Cost("host", op.type, line, scope, is_gradient)
        seconds = self._thread.own(start, end)
        self._add(("host", op.type, line, scope, is_gradient), cost, seconds, 1)

    def _add(
        self, key: Any, cost: Cost, seconds: float, count: int, flops: float = 0, moved: float = 0
    ) -> None:
        with self._lock:
            known = self.costs.setdefault(key, cost)
            known.seconds, known.count = known.seconds + seconds, known.count + count
            known.flops, known.bytes = known.flops + flops, known.bytes + moved

    def finished(self) -> list[Event]:
        """Adds the kernels; returns no events."""
        for plan, nanoseconds, counts in self._times.values():
            kernels = {r: k for k in kernel_records(plan, {}, (), 1) for r in k.records}
            for word, record in launch_words(plan).items():
                kernel = kernels.get(record)
                if kernel is not None and word < len(counts) and counts[word]:
                    self._add_kernel(kernel, nanoseconds[word] / 1e9, int(counts[word]))
        self._times.clear()
        return []

    def _add_kernel(self, kernel: KernelRecord, seconds: float, count: int) -> None:
        lines, scopes = kernel.lines or kernel.forward_lines, kernel.scopes
        line, scope = lines[0] if lines else None, scopes[0] if scopes else ""
        is_gradient = bool(kernel.forward)
        what = ", ".join(dict.fromkeys(op.type for op in kernel.operations[-3:])) or kernel.label
        cost = Cost("kernel", what, line, scope, is_gradient)
        # The work of a kernel is that of all its records.
        share = count / max(1, len(kernel.records))
        key = "kernel", line, scope, is_gradient, what
        self._add(key, cost, seconds, count, kernel.flops * share, kernel.bytes * share)

    def report(self, seconds: float, most: int) -> Iterator[str]:
        """The lines that cost most of a program's seconds."""
        limits = machine_limits()
        costs: Sequence[Cost] = sorted(self.costs.values(), key=lambda cost: -cost.seconds)
        within = sum(cost.seconds for cost in costs)
        yield f"{seconds:.2f} s: {within:.2f} s in kernels and operations, {self.in_functions:.2f} s in functions; this machine: {limits}"
        for cost in costs[:most]:
            yield cost.text(seconds, limits)
        if len(costs) > most:
            rest = sum(cost.seconds for cost in costs[most:])
            yield f"{rest:8.3f} s       in {len(costs) - most} others"
