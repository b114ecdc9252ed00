"""`tensorflow.python.util.tf_stack`: stacks of calls, and the messages that keep them."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping, Set
from typing import Any

from penstock._src.proto.graph import GraphDebugInfo
from penstock._src.util.locations import StackFrame, StackTrace

from . import _tf_stack

FrameSummary, StackSummary = StackFrame, StackTrace
EMPTY_SET: frozenset[str] = frozenset()
EMPTY_DICT: dict[Any, Any] = {}

Place = tuple[str, int]
Shown = tuple[str, int, str]


class _Transforms(threading.local):
    """The transforms that this thread has entered, innermost last, and their combined effect."""

    def __init__(self) -> None:
        self.mappers: list[StackTraceMapper] = []
        self.filters: list[StackTraceFilter] = []
        self.source_map = _tf_stack.PyBindSourceMap()
        self.file_set = _tf_stack.PyBindFileSet()


_TRANSFORMS = _Transforms()


class StackTraceTransform:
    """A context in which the stacks that a thread takes are changed."""

    def _entered(self) -> list[Any]:
        """The transforms of this kind that the thread has entered."""
        raise NotImplementedError("subclasses need to override this")

    def update(self) -> None:
        """Activates this transform."""
        raise NotImplementedError("subclasses need to override this")

    def _clear(self) -> None:
        """Deactivates transforms of this kind for stacks."""
        raise NotImplementedError("subclasses need to override this")

    def __enter__(self) -> Any:
        entered = self._entered()
        self.parent = entered[-1] if entered else None
        entered.append(self)
        self.update()
        return self

    def __exit__(self, *error: Any) -> None:
        entered = self._entered()
        if entered.pop() is not self:
            raise AssertionError("contexts of stacks end in the order in which they were entered")
        if self.parent is None:
            self._clear()
        else:
            self.parent.update()


class StackTraceMapper(StackTraceTransform):
    """Shows other locations for some lines: subclasses define which."""

    parent: StackTraceMapper | None = None

    def _entered(self) -> list[Any]:
        return _TRANSFORMS.mappers

    def _clear(self) -> None:
        _TRANSFORMS.source_map.update_to(())

    def update(self) -> None:
        """Activates this mapper."""
        _TRANSFORMS.source_map.update_to(self.get_effective_source_map().items())

    def get_effective_source_map(self) -> Mapping[Place, Shown]:
        """Returns {(file, line): (file, line, function)}, including that of outer mappers."""
        raise NotImplementedError("subclasses need to override this")


class SentinelMapper(StackTraceMapper):
    """Shows lines as they are."""

    def get_effective_source_map(self) -> Mapping[Place, Shown]:
        """Returns nothing."""
        return EMPTY_DICT


class StackTraceFilter(StackTraceTransform):
    """Leaves lines of some files out: subclasses say which."""

    parent: StackTraceFilter | None = None

    def _entered(self) -> list[Any]:
        return _TRANSFORMS.filters

    def _clear(self) -> None:
        _TRANSFORMS.file_set.update_to(())

    def update(self) -> None:
        """Activates this filter."""
        _TRANSFORMS.file_set.update_to(self.get_filtered_filenames())

    def get_filtered_filenames(self) -> Set[str]:
        """Returns the names of the files, with those of outer filters."""
        raise NotImplementedError("subclasses need to override this")


class SentinelFilter(StackTraceFilter):
    """Leaves nothing out."""

    def get_filtered_filenames(self) -> Set[str]:
        """Returns nothing."""
        return EMPTY_SET


class CurrentModuleFilter(StackTraceFilter):
    """Leaves lines of the caller's file out."""

    def __init__(self) -> None:
        frame = inspect.currentframe()
        outer = frame.f_back if frame is not None else None
        self._name = outer.f_code.co_filename if outer is not None else ""

    def get_filtered_filenames(self) -> Set[str]:
        """Returns the file's name, with those of outer filters."""
        outer = self.parent.get_filtered_filenames() if self.parent is not None else EMPTY_SET
        return {self._name} | outer


def extract_stack(stacklevel: int = 1) -> StackTrace:
    """Returns the stack of the caller, as the entered transforms show it; with a larger level that of one further out."""
    transforms = _TRANSFORMS
    return _tf_stack.extract_stack(transforms.source_map, transforms.file_set, stacklevel + 1)


class GraphDebugInfoBuilder:
    """Collects the stacks of nodes in a message."""

    def __init__(self) -> None:
        self._made = GraphDebugInfo()
        self._files: dict[str, int] = {}

    def AccumulateStackTrace(self, function: str, op: str, trace: StackTrace) -> None:
        """Adds the stack of a node of a function."""
        message = self._made.traces[f"{op}@{function}"]
        for frame in trace:
            index = self._files.setdefault(frame.filename, len(self._files))
            message.file_line_cols.add(file_index=index, line=frame.lineno, func=frame.name)

    def Build(self) -> Any:
        """Returns the GraphDebugInfo, serialized as TensorFlow's is."""
        del self._made.files[:]
        self._made.files.extend(self._files)
        return self._made.SerializeToString()


def LoadTracesFromDebugInfo(debug_info: Any) -> dict[str, StackTrace]:
    """Returns the stacks in a GraphDebugInfo, or a serialized one, by their names."""
    info = GraphDebugInfo.FromString(debug_info) if isinstance(debug_info, bytes) else debug_info
    named = dict(info.traces)
    for name, number in info.name_to_trace_id.items():
        named[name] = info.traces_by_id[number]

    def stack(trace: Any) -> StackTrace:
        lines = [*trace.file_line_cols, *(info.frames_by_id[number] for number in trace.frame_id)]
        return StackTrace(
            [StackFrame(info.files[line.file_index], line.line, line.func) for line in lines]
        )

    return {name: stack(trace) for name, trace in named.items()}
