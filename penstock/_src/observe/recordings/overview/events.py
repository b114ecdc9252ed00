"""A recorded run once more: every operation with its operands and results."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.calls.lines import Line
from penstock._src.core.errors import OpError
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.replay import Replay
from penstock._src.observe.debugger.snapshot import Snapshot
from penstock._src.observe.recordings.files import Origin, RecordedRun
from penstock._src.observe.recordings.repeated import snapshot_of


@dataclasses.dataclass(frozen=True)
class Event:
    """One operation that ran.

    Args:
      op: the operation.
      origin: its line, or the line whose gradient it belongs to.
      arguments, results: host values.
    """

    op: Operation
    origin: Origin
    arguments: Sequence[Any]
    results: Sequence[Any]

    @property
    def key(self) -> tuple[str, str]:
        """The names of the graph and of the operation."""
        return self.op.graph.name, self.op.name

    @property
    def is_backward(self) -> bool:
        """True of an operation of a gradient."""
        return self.origin.gradient_of is not None

    def where(self) -> str:
        """The operation and its line, in words."""
        place = self.origin.gradient_of or self.origin.location
        line = f", {place.in_user_code().removeprefix('in user code: ')}" if place else ""
        kind = f"gradient of {self.origin.forward or 'a line'}: " if self.is_backward else ""
        return f"{kind}{self.op.type} {self.op.name}{line}"


class _Collector:
    """The watcher of a replay that keeps events.

    Args:
      run: the recorded run.
    """

    def __init__(self, run: RecordedRun) -> None:
        self._run, self.events = run, []  # type: tuple[RecordedRun, list[Event]]

    def computed(
        self,
        op: Operation,
        arguments: Sequence[Any],
        results: Sequence[Any],
        frame: types.FrameType | None,
    ) -> None:
        """Keeps an operation."""
        origin = self._run.function.origin(op.graph.name, op.name)
        self.events.append(Event(op, origin, list(arguments), list(results)))

    def reached(self, file: str, line: Line, frame: types.FrameType) -> None:
        """Does nothing."""

    def ran(self, line: Line, frame: types.FrameType) -> None:
        """Does nothing."""

    def failed(self, error: Exception, frame: types.FrameType) -> None:
        """Does nothing."""


def events_of(
    run: RecordedRun, change: Callable[[Snapshot], None] | None = None
) -> tuple[list[Event], OpError | None]:
    """Repeats a run; returns its operations in order, and the error that ended it.

    Args:
      run: a run of a Penstock function.
      change: is given the initial state before the run.
    """
    snapshot, collector = snapshot_of(run), _Collector(run)
    if change is not None:
        change(snapshot)
    try:
        Replay(snapshot, collector).run()
    except OpError as error:
        return collector.events, error
    return collector.events, None
