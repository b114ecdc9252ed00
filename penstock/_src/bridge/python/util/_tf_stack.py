"""Stacks of calls, as the native part of TensorFlow's takes them: `tensorflow.python.util._tf_stack`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.util.locations import StackFrame, StackTrace

Place = tuple[str, int]


class PyBindSourceMap:
    """Maps lines of files to the file, line and function that are shown instead."""

    def __init__(self) -> None:
        self.places: dict[Place, tuple[str, int, str]] = {}

    def update_to(self, source_map: Iterable[tuple[Place, tuple[str, int, str]]]) -> None:
        """Replaces the content by pairs of a line and its shown replacement."""
        self.places = {tuple(place): tuple(shown) for place, shown in source_map}  # type: ignore[misc]


class PyBindFileSet:
    """Names of files whose lines are not shown."""

    def __init__(self) -> None:
        self.names: frozenset[str] = frozenset()

    def update_to(self, file_set: Iterable[str]) -> None:
        """Replaces the names."""
        self.names = frozenset(file_set)


def _frames_above(frame: Any) -> Iterator[StackFrame]:
    while frame is not None:
        yield StackFrame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back


def extract_stack(
    source_map: PyBindSourceMap, file_set: PyBindFileSet, stacklevel: int = 1
) -> StackTrace:
    """Returns the stack of a caller, the outermost frame first.

    Args:
      source_map: what is shown for some lines.
      file_set: files whose lines are left out.
      stacklevel: 1: the caller of this function; more: one further out.
    """
    frames = [
        f for f in _frames_above(sys._getframe(stacklevel)) if f.filename not in file_set.names
    ]
    shown = [
        StackFrame(*source_map.places.get((f.filename, f.lineno), (f.filename, f.lineno, f.name)))
        for f in reversed(frames)
    ]
    return StackTrace(shown)
