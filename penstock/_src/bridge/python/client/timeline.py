"""`tensorflow.python.client.timeline`: runs of sessions as traces that chrome://tracing and Perfetto open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class Timeline:
    """What ran when in a step.

    Args:
      step_stats: the `step_stats` of a RunMetadata.
      graph: ignored: the stats have all names.
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        del graph
        self._step_stats = step_stats

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False, op_time: str = "schedule"
    ) -> str:
        """Returns the trace as JSON: a process for each device, a thread for each of its threads.

        Args:
          show_dataflow: accepted; flows between operations are not recorded.
          show_memory: accepted; allocations are not recorded.
          op_time: whether an event takes from the operation's start to its end, in one of TensorFlow's three ways.
        """
        del show_dataflow, show_memory, op_time
        events = [e for i, d in enumerate(self._step_stats.dev_stats) for e in _events(i, d)]
        return json.dumps({"traceEvents": events}, indent=4)


def _events(process: int, device: Any) -> Iterator[dict[str, Any]]:
    """The name of a device, and an event for each of its nodes."""
    yield {
        "name": "process_name",
        "ph": "M",
        "pid": process,
        "args": {"name": f"{device.device} Compute"},
    }
    for node in device.node_stats:
        kind = node.timeline_label.partition(" = ")[2].partition("(")[0] or node.node_name
        yield {
            "name": kind,
            "cat": "Op",
            "ph": "X",
            "pid": process,
            "tid": node.thread_id,
            "ts": node.all_start_micros,
            "dur": max(node.op_end_rel_micros, 1),
            "args": {"name": node.node_name, "op": kind},
        }
