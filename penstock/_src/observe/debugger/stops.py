"""What runs a function that is debugged: compiled, and once more line by line where it is to stop."""

from __future__ import annotations

import threading
import types
from collections.abc import Sequence
from typing import Any

from penstock._src.core.calls import lines
from penstock._src.core.calls.lines import Line, Mark
from penstock._src.graph.library import GraphFunction, Runner
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.comparison import differences
from penstock._src.observe.debugger.prompt import Prompt
from penstock._src.observe.debugger.replay import Replay
from penstock._src.observe.debugger.snapshot import Snapshot


class _Here(threading.local):
    is_busy = False  # whether a function that is debugged runs in this thread


_HERE = _Here()


def debugged(function: GraphFunction, executable: Runner) -> Runner:
    """Returns what runs a function that may stop in the debugger."""
    return Debugged(function, executable)


class Debugged:
    """Runs a function and then, where it has breakpoints, repeats the run before it returns."""

    def __init__(self, function: GraphFunction, executable: Runner) -> None:
        self._function, self._executable = function, executable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executable, name)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Returns one host value for each output."""
        return self.run(list(values))

    def run(self, values: list[Any]) -> list[Any]:
        """Returns one host value for each output.

        Raises:
          bdb.BdbQuit: the debugger was left with `quit`.
        """
        if _HERE.is_busy:
            return self._executable.run(values)
        _HERE.is_busy = True
        try:
            return self._run(values)
        finally:
            _HERE.is_busy = False

    def _run(self, values: list[Any]) -> list[Any]:
        snapshot = Snapshot(self._function, values)
        with snapshot.of_this_run():
            results = self._executable.run(values)
        if lines.are_wanted(self._function.graph):
            Stops(snapshot).replay(results)
        return results


class Stops:
    """Decides where the replay of a run stops."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.prompt: Prompt | None = None

    def replay(self, results: Sequence[Any]) -> None:
        """Repeats a run, and says how results differ from those of the compiled one if somebody has looked."""
        compiled = [*results, *(handle.value for handle in self.snapshot.handles)]
        with self.snapshot.put_back():
            replayed = Replay(self.snapshot, self).run()
            replayed += [handle.value for handle in self.snapshot.handles]
        if self.prompt is not None:
            self._say_differences(replayed, compiled, len(results))

    def _say_differences(self, replayed: list[Any], compiled: list[Any], count: int) -> None:
        names = [f"result {i}" for i in range(count)]
        names += [handle.name or "a variable" for handle in self.snapshot.handles]
        found = list(differences(names, replayed, compiled))
        if found and self.prompt is not None:
            text = "; ".join(f"{name} {how}" for name, how in found[:3])
            more = f"; {len(found) - 3} more" if len(found) > 3 else ""
            self.prompt.say(f"the compiled run differs from what was shown: {text}{more}")

    # -- what the replay tells

    def computed(self, op: Operation, arguments: Sequence[Any], results: Sequence[Any]) -> None:
        """Called after each operation."""

    def ran(self, line: Line, frame: types.FrameType) -> None:
        """Stops behind a line that has a breakpoint."""
        for mark in line.marks:
            if mark.when is None or lines.holds(mark.when, frame.f_locals):
                self._begin(mark, frame)
                return

    def failed(self, error: Exception) -> None:
        """Called where an operation raises."""

    def _begin(self, mark: Mark, frame: types.FrameType) -> None:
        if self.prompt is None:
            self.prompt = Prompt(mark.streams)
        self.prompt.set_trace(frame)
