"""A watcher that records computed values, and never stops."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.calls.lines import Line
from penstock._src.graph.operation import Operation

# Takes an operation and its results.
Noting = Callable[[Operation, Sequence[Any]], None]


class NotingWatcher:
    """The watcher of a replay without stops.

    Args:
      note: called with each operation and its results.
    """

    def __init__(self, note: Noting) -> None:
        self._note = note

    def computed(
        self,
        op: Operation,
        arguments: Sequence[Any],
        results: Sequence[Any],
        frame: types.FrameType | None,
    ) -> None:
        """Notes the results of an operation."""
        self._note(op, results)

    def reached(self, file: str, line: Line, frame: types.FrameType) -> None:
        """Does nothing."""

    def ran(self, line: Line, frame: types.FrameType) -> None:
        """Does nothing."""

    def failed(self, error: Exception, frame: types.FrameType) -> None:
        """Does nothing."""
