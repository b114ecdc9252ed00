"""The origins of operations that a message names: `tensorflow.python.framework.error_interpolation`."""

from __future__ import annotations

import os
import re
import site
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock._src.bridge.python.util.tf_stack import GraphDebugInfoBuilder, StackFrame
from penstock._src.util.locations import OWN_FOLDER

_NAME = r"[A-Za-z0-9_.][A-Za-z0-9_.\-/]*?"
_TAG = re.compile(rf"{{{{(?P<type>{_NAME}) (?P<name>{_NAME})}}}}")
_SITES = [*site.getsitepackages(), site.getusersitepackages()]
_FRAMEWORK_PATH_PREFIXES = [
    OWN_FOLDER,
    *(os.path.join(path, "keras") + os.sep for path in _SITES),
]
_FRAMEWORK_FILENAME_PATTERNS = [re.compile("<embedded")]
# Tests count as users of the library, wherever they are.
_EXTERNAL_FILENAME_PATTERNS = [re.compile(r"_test\.py$")]


class _ParseTag(NamedTuple):
    """A tag in double braces in a message: `{{node a}}`."""

    type: str
    name: str


def parse_message(message: str) -> tuple[str, list[_ParseTag], list[_ParseTag]]:
    """Returns a message without the tags of functions, these, and the tags of nodes."""
    functions: list[_ParseTag] = []
    nodes: list[_ParseTag] = []

    def note(match: re.Match[str]) -> str:
        tag = _ParseTag(match["type"], match["name"])
        is_function = tag.type == "function_node"
        (functions if is_function else nodes).append(tag)
        return "" if is_function else match.group()

    return _TAG.sub(note, message), functions, nodes


def _compute_device_summary_from_list(
    name: str, device_assignment_list: Sequence[Any], prefix: str = ""
) -> str:
    """Returns text on the `tf.device` blocks around an operation: TraceableObjects of device names."""
    if not device_assignment_list:
        return f"{prefix}No device assignments were active during op '{name}' creation."
    lines = [f"{prefix}Device assignments active during op '{name}' creation:"]
    for assignment in device_assignment_list:
        lines.append(
            f"{prefix}  with tf.device({assignment.obj}): <{assignment.filename}:{assignment.lineno}>"
        )
    return "\n".join(lines)


def _compute_colocation_summary_from_dict(
    name: str, colocation_dict: Mapping[str, Any], prefix: str = ""
) -> str:
    """Returns text on the `colocate_with` blocks around an operation: TraceableObjects by name."""
    if not colocation_dict:
        return f"{prefix}No node-device colocations were active during op '{name}' creation."
    lines = [f"{prefix}Node-device colocations active during op '{name}' creation:"]
    for other, location in colocation_dict.items():
        lines.append(
            f"{prefix}  with tf.colocate_with({other}): <{location.filename}:{location.lineno}>"
        )
    return "\n".join(lines)


def _is_framework_filename(filename: str) -> bool:
    """True if a file belongs to the library or to Keras."""
    if any(pattern.search(filename) for pattern in _EXTERNAL_FILENAME_PATTERNS):
        return False
    if any(pattern.search(filename) for pattern in _FRAMEWORK_FILENAME_PATTERNS):
        return True
    return filename.startswith(tuple(_FRAMEWORK_PATH_PREFIXES))


def _find_index_of_defining_frame(tb: Sequence[Any]) -> int:
    """Returns the position of the innermost frame outside of the library; 0 if there is none."""
    for index in reversed(range(len(tb))):
        if not _is_framework_filename(tb[index].filename):
            return index
    return 0


def _compute_useful_frames(tb: Any, num: int) -> Any:
    """Returns up to `num` frames, which end two frames inside of the library."""
    end = min(_find_index_of_defining_frame(tb) + 3, len(tb))
    return tb[max(end - num, 0) : end]


def create_graph_debug_info_def(func_named_operations: Iterable[tuple[str, Any]]) -> Any:
    """Returns the stacks of operations, as a serialized GraphDebugInfo.

    Args:
      func_named_operations: pairs of a function's name, which is empty for a graph, and an operation.
    """
    builder = GraphDebugInfoBuilder()
    for function, op in func_named_operations:
        if op.traceback is not None:
            builder.AccumulateStackTrace(
                function, op.name, _compute_useful_frames(op.traceback, 10)
            )
    return builder.Build()


def _frame_lines(frame: StackFrame) -> list[str]:
    lines = [f'    File "{frame.filename}", line {frame.lineno}, in {frame.name}']
    return [*lines, f"      {frame.text}"] if frame.text else lines


def _build_node_error_message(op: Any) -> str:
    """Returns text on where an operation was made."""
    frames = () if op.traceback is None else op.traceback.get_user_frames()
    return "\n".join(
        [
            f"Detected at node {op.name!r} defined at (most recent call last):",
            *(line for frame in frames for line in _frame_lines(frame)),
            f"Node: {op.name!r}",
        ]
    )


def interpolate_graph(message: str, graph: Any) -> str:
    """Returns a message, after text on where the operations of a graph that it names were made."""
    text, _, nodes = parse_message(message)
    operations = [op for op in (_operation(graph, tag.name) for tag in nodes) if op is not None]
    parts = [
        "Graph execution error:",
        "",
        *map(_build_node_error_message, operations),
        text.strip(),
    ]
    return "\n".join(parts)


def _operation(graph: Any, name: str) -> Any:
    try:
        return graph.get_operation_by_name(name)
    except KeyError:
        return None
