"""`tensorflow.python.util.tf_stack`: stacks of calls, and the messages that keep them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from penstock._src.proto.graph import GraphDebugInfo
from penstock._src.util.locations import StackFrame, StackTrace

__all__ = [
    "GraphDebugInfoBuilder",
    "LoadTracesFromDebugInfo",
    "StackFrame",
    "StackTrace",
    "extract_stack",
]


def _frames_above(frame: Any) -> Iterator[StackFrame]:
    while frame is not None:
        yield StackFrame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back


def extract_stack() -> StackTrace:
    """Returns the stack of the caller."""
    return StackTrace(list(_frames_above(sys._getframe(1)))[::-1])


class GraphDebugInfoBuilder:
    """Collects the stacks of nodes in a message."""

    def __init__(self) -> None:
        self._made = GraphDebugInfo()
        self._files: dict[str, int] = {}

    def AccumulateStackTrace(self, function: str, op: str, trace: StackTrace) -> None:
        """Adds the stack of a node of a function."""
        held = self._made.traces[f"{op}@{function}"]
        for frame in trace:
            index = self._files.setdefault(frame.filename, len(self._files))
            held.file_line_cols.add(file_index=index, line=frame.lineno, func=frame.name)

    def Build(self) -> Any:
        """Returns the GraphDebugInfo, serialized as TensorFlow's is."""
        del self._made.files[:]
        self._made.files.extend(self._files)
        return self._made.SerializeToString()


def LoadTracesFromDebugInfo(debug_info: Any) -> dict[str, StackTrace]:
    """Returns the stacks in a GraphDebugInfo, or a serialized one, by their names."""
    made = GraphDebugInfo.FromString(debug_info) if isinstance(debug_info, bytes) else debug_info
    named = dict(made.traces)
    for name, number in made.name_to_trace_id.items():
        named[name] = made.traces_by_id[number]

    def stack(held: Any) -> StackTrace:
        lines = [*held.file_line_cols, *(made.frames_by_id[number] for number in held.frame_id)]
        return StackTrace(
            [StackFrame(made.files[line.file_index], line.line, line.func) for line in lines]
        )

    return {name: stack(held) for name, held in named.items()}
