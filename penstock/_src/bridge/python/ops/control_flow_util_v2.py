"""`tensorflow.python.ops.control_flow_util_v2`: questions about functions, branches and loop bodies."""

from __future__ import annotations

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.v1.graphs import default_graph

# Nothing runs as Switch and Merge here, whatever this says.
_DISABLE_LOWER_USING_SWITCH_MERGE = False

# Names whose value changes, so that they are looked up each time.
CHANGING = ("_EXPERIMENTAL_OUTPUT_ALL_INTERMEDIATES_OVERRIDE",)


def __getattr__(name: str) -> Any:
    if name in CHANGING:
        return default_graph.are_all_intermediates_asked_for()
    raise AttributeError(name)


def output_all_intermediates() -> bool:
    """True if `set_output_all_intermediates` enabled it; by default it is enabled in graphs of TensorFlow 1."""
    asked = default_graph.are_all_intermediates_asked_for()
    return not in_defun() if asked is None else asked


def in_defun() -> bool:
    """True if a function is being traced, at whatever depth of its branches and loops."""
    graph: Any = STATE.graph
    while getattr(graph, "is_control_flow_graph", False):
        graph = graph.enclosing
    return graph is not None and graph.building_function
