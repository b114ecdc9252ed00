"""Runs of sessions as traces that chrome://tracing and Perfetto open: `tensorflow.python.client.timeline`."""

from __future__ import annotations

import collections
import copy
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_LABEL = re.compile(r"(.*) = (.*)\((.*)\)")


class AllocationMaximum(NamedTuple):
    """Time of an allocator's maximum of allocated bytes, and the tensors allocated then."""

    timestamp: int
    num_bytes: int
    tensors: set[str]


class StepStatsAnalysis(NamedTuple):
    """A trace, and the maximum of each allocator."""

    chrome_trace: Trace
    allocator_maximums: dict[str, AllocationMaximum]


class Trace:
    """Events in Chrome's format: first the names of processes, then the events."""

    def __init__(self) -> None:
        self._names: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []

    def add_process(self, name: str) -> int:
        """Adds a process; returns its number."""
        pid = len(self._names)
        self._names.append({"name": "process_name", "args": {"name": name}, "pid": pid, "ph": "M"})
        return pid

    def add(self, ph: str, cat: str, name: str, pid: int, tid: int, ts: int, **more: Any) -> None:
        """Adds an event."""
        event = {"ph": ph, "cat": cat, "name": name, "pid": pid, "tid": tid, "ts": ts}
        self._events.append(event | more)

    def format_to_string(self, pretty: bool = False) -> str:
        """Returns the trace as JSON."""
        layout: dict[str, Any] = {"indent": 4} if pretty else {"separators": (",", ":")}
        return json.dumps({"traceEvents": self._names + self._events}, **layout)


class _Tensor:
    """A tensor of the trace: where and when it was made, and when it was used last."""

    def __init__(
        self, name: str, number: int, begin: int, end: int, pids: tuple[int, int], tid: int
    ) -> None:
        self.name, self.number, self.begin, self.end = name, number, begin, end
        self.compute_pid, self.tensors_pid = pids
        self.tid, self.last_use = tid, end
        self.allocator, self.num_bytes = "", 0


class Timeline:
    """Timeline of a step's operations and kernels.

    Args:
      step_stats: the `step_stats` of a RunMetadata.
      graph: ignored: the stats have all names.
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        del graph
        self._given = step_stats

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False, op_time: str = "schedule"
    ) -> str:
        """Returns the trace as JSON; see `analyze_step_stats`."""
        analysis = self.analyze_step_stats(show_dataflow, show_memory, op_time)
        return analysis.chrome_trace.format_to_string(pretty=True)

    def analyze_step_stats(
        self, show_dataflow: bool = True, show_memory: bool = True, op_time: str = "schedule"
    ) -> StepStatsAnalysis:
        """Returns the trace and the maxima of memory.

        A device is a process for its operations and one for its tensors; operations at the same time are in different threads.

        Args:
          show_dataflow: whether to connect the operations that make tensors with those that use them.
          show_memory: whether to show tensors and the bytes of allocators.
          op_time: whether an operation takes until it is "schedule"d, as long as its kernels on the "gpu" take, or "all" of this.
        """
        self._stats = self._given if op_time == "schedule" else _with_kernels(self._given, op_time)
        self._trace, self._tensors = Trace(), dict[str, _Tensor]()
        self._allocators = self._trace.add_process("Allocators")
        pids = [self._processes_of(device) for device in self._stats.dev_stats]
        threads = [list(_threads(device)) for device in self._stats.dev_stats]
        rows = list(zip(self._stats.dev_stats, pids, threads, strict=True))
        for device, processes, tids in rows:
            for node, tid in zip(device.node_stats, tids, strict=True):
                self._add_tensors(node, processes, tid, show_memory)
        flows = 0
        for device, (pid, _), tids in rows:
            for node, tid in zip(device.node_stats, tids, strict=True):
                flows = self._add_operation(node, device.device, pid, tid, flows, show_dataflow)
        maxima = self._add_counters() if show_memory else {}
        return StepStatsAnalysis(self._trace, maxima)

    def _processes_of(self, device: Any) -> tuple[int, int]:
        kinds = ("Compute", "Tensors")
        compute, tensors = (self._trace.add_process(f"{device.device} {kind}") for kind in kinds)
        return compute, tensors

    def _add_tensors(self, node: Any, pids: tuple[int, int], tid: int, shown: bool) -> None:
        begin = node.all_start_micros
        end = begin + node.all_end_rel_micros
        for index, output in enumerate(node.output):
            name = f"{node.node_name}:{index}" if index else node.node_name
            tensor = _Tensor(name, len(self._tensors), begin, end, pids, tid)
            allocation = output.tensor_description.allocation_description
            tensor.allocator, tensor.num_bytes = (
                allocation.allocator_name,
                allocation.requested_bytes,
            )
            self._tensors[name] = tensor
            if shown:
                where = ("Tensor", name, tensor.tensors_pid)
                described = str(output.tensor_description).replace('"', "")
                snapshot = {"snapshot": {"tensor_description": described}}
                self._trace.add("N", *where, tid, begin, id=tensor.number)
                self._trace.add("O", *where, tid, end - 1, id=tensor.number, args=snapshot)

    def _add_operation(
        self, node: Any, device: str, pid: int, tid: int, flows: int, show_dataflow: bool
    ) -> int:
        """Adds the event of an operation, and the arrows from its inputs; returns the number of arrows so far."""
        name, kind, inputs = _operation_of(node, device)
        begin, took = node.all_start_micros, node.all_end_rel_micros
        shown = {"name": name, "op": kind}
        shown.update((f"input{i}", source) for i, source in enumerate(inputs))
        self._trace.add("X", "Op", kind, pid, tid, begin, dur=took, args=shown)
        for source in inputs:
            tensor = self._tensors.get(source) or self._tensors.get(source.rpartition("/_")[0])
            if tensor is None:
                continue
            tensor.last_use = max(tensor.last_use, begin + took - 1)
            if show_dataflow and (tensor.compute_pid, tensor.tid) != (pid, tid):
                made_at = (tensor.compute_pid, tensor.tid, tensor.end)
                self._trace.add("s", "DataFlow", tensor.name, *made_at, id=flows)
                self._trace.add("t", "DataFlow", tensor.name, pid, tid, begin, id=flows)
                flows += 1
        return flows

    def _add_counters(self) -> dict[str, AllocationMaximum]:
        """Adds the bytes that each allocator has given out over time; returns their maxima."""
        changes: dict[str, list[tuple[int, int, str]]] = collections.defaultdict(list)
        for tensor in self._tensors.values():
            where = ("Tensor", tensor.name, tensor.tensors_pid)
            self._trace.add("D", *where, 0, tensor.last_use, id=tensor.number)
            changes[tensor.allocator].append((tensor.begin, tensor.num_bytes, tensor.name))
            changes[tensor.allocator].append((tensor.last_use, -tensor.num_bytes, tensor.name))
        maxima = {}
        for allocator, listed in changes.items():
            total, alive, best = 0, set[str](), AllocationMaximum(0, 0, set())
            for time, size, name in sorted(listed):
                total += size
                alive.discard(name) if size < 0 else alive.add(name)
                if total > best.num_bytes:
                    best = AllocationMaximum(time, total, set(alive))
                counter = {allocator: total}
                self._trace.add("C", "Memory", allocator, self._allocators, 0, time, args=counter)
            maxima[allocator] = best
        return maxima


def _threads(device: Any) -> Iterator[int]:
    """The thread of each node of a device: the first in which nothing else runs."""
    ends: list[int] = [0]
    for node in device.node_stats:
        free = (i for i, end in enumerate(ends) if node.all_start_micros > end)
        thread = next(free, len(ends))
        ends[thread:] = [node.all_start_micros + node.all_end_rel_micros, *ends[thread + 1 :]]
        yield thread


def _is_gpu_stream(device: str) -> bool:
    return "/stream:" in device or "/memcpy" in device


def _operation_of(node: Any, device: str) -> tuple[str, str, list[str]]:
    """(name, kind, inputs) of the operation of a node's event."""
    if _is_gpu_stream(device):
        return *_kernel_of(node), []
    if node.node_name == "RecvTensor":  # another process sent it; its label has no operation
        return node.node_name, node.node_name, []
    match = _LABEL.match(node.timeline_label)
    if match is None:
        return node.node_name, "unknown", []
    return node.node_name, match[2], match[3].split(", ") if match[3] else []


def _kernel_of(node: Any) -> tuple[str, str]:
    """(name, kind) of the operation that a kernel of a GPU is for: its label ends in `@@name:kind#`."""
    _, mark, noted = node.timeline_label.partition("@@")
    text, end, _ = noted.partition("#")
    name, _, kind = (text if mark and end and text else node.node_name).partition(":")
    return name, kind.partition(":")[0] or "unknown"


def _with_kernels(stats: Any, op_time: str) -> Any:
    """A copy of the stats in which operations take until their kernels on GPUs end; as long as these alone for "gpu"."""
    extended = copy.deepcopy(stats)
    spans: dict[str, tuple[int, int]] = {}
    for device in extended.dev_stats:
        for node in device.node_stats if "/stream:all" in device.device else ():
            name, begin = _kernel_of(node)[0], node.all_start_micros
            first, last = spans.get(name, (begin, 0))
            spans[name] = min(first, begin), max(last, begin + node.all_end_rel_micros)
    for device in extended.dev_stats:
        if "/stream:all" in device.device or "/job" not in device.device:
            continue
        for node in device.node_stats:
            if node.node_name in spans:
                first, last = spans[node.node_name]
                end = max(last, node.all_start_micros + node.all_end_rel_micros)
                if op_time == "gpu":
                    node.all_start_micros = first
                node.all_end_rel_micros = end - node.all_start_micros
    return extended
