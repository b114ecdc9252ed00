"""`tensorflow.python.util.tf_stack`: stacks of calls, and the messages that keep them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, overload

from penstock._src.proto.graph import GraphDebugInfo
from penstock._src.util.locations import Location, is_users

__all__ = ["GraphDebugInfoBuilder", "LoadTracesFromDebugInfo", "StackTrace", "extract_stack"]


class StackFrame(Location):
    """A line of source in a stack."""

    __slots__ = ()

    filename = property(lambda self: self.file, doc="The file.")
    lineno = property(lambda self: self.line, doc="The line, from 1.")
    name = property(lambda self: self.function, doc="The function.")

    def __repr__(self) -> str:
        return f"<{self}>"


class StackTrace(Sequence[StackFrame]):
    """Frames, the outermost first."""

    def __init__(self, frames: Sequence[StackFrame]) -> None:
        self._frames = tuple(frames)

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> StackFrame: ...
    @overload
    def __getitem__(self, index: slice) -> StackTrace: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Returns a frame, or some of them as a stack."""
        if isinstance(index, slice):
            return StackTrace(self._frames[index])
        return self._frames[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StackTrace) and self._frames == other._frames

    def __hash__(self) -> int:
        return hash(self._frames)

    def __repr__(self) -> str:
        return "\n".join(map(str, self._frames))

    def get_user_frames(self) -> StackTrace:
        """Returns the frames outside of the library."""
        return StackTrace([frame for frame in self._frames if is_users(frame.file)])

    def last_user_frame(self) -> StackFrame:
        """Returns the innermost frame outside of the library, else the innermost one."""
        return (self.get_user_frames() or self)[-1]


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


def LoadTracesFromDebugInfo(debug_info: bytes) -> dict[str, StackTrace]:
    """Returns the stacks in a serialized GraphDebugInfo by their names."""
    made = GraphDebugInfo.FromString(debug_info)
    return {
        name: StackTrace(
            [
                StackFrame(made.files[line.file_index], line.line, line.func)
                for line in held.file_line_cols
            ]
        )
        for name, held in made.traces.items()
    }
