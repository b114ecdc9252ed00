"""Runs a function under the debugger: compiled, and once more line by line if it is to stop."""

from __future__ import annotations

import contextlib
import sys
import threading
import types
from collections.abc import Sequence
from typing import Any

from penstock._src.core.calls import lines
from penstock._src.core.calls.lines import Line
from penstock._src.core.errors import OutOfRangeError
from penstock._src.graph.library import GraphFunction, Runner
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.comparison import differences
from penstock._src.observe.debugger.conditions import Conditions, has_place, of_this_thread
from penstock._src.observe.debugger.editors import suspended_in_editor
from penstock._src.observe.debugger.prompt import Prompt, users_frame
from penstock._src.observe.debugger.replay import Replay
from penstock._src.observe.debugger.snapshot import Snapshot


class _Here(threading.local):
    is_busy = False  # True while a debugged function runs in this thread


_HERE = _Here()


def debugged(function: GraphFunction, executable: Runner) -> Runner:
    """Returns a runner of a function that may stop in the debugger."""
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
            return self._executable(values)
        _HERE.is_busy = True
        try:
            return self._run(values)
        finally:
            _HERE.is_busy = False

    def _run(self, values: list[Any]) -> list[Any]:
        snapshot = Snapshot(self._function, values)
        stops = Stops(snapshot)
        try:
            with snapshot.of_this_run():
                results = self._executable(values)
        except OutOfRangeError:  # end of the data
            raise
        except Exception as error:
            stops.record(())
            stops.post_mortem(error)
            raise
        stops.record(results)
        if stops.are_possible(results):
            stops.replay(results)
        return results


class Stops:
    """Decides where the replay of a run stops."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.prompt: Prompt | None = None
        self.conditions = of_this_thread() or Conditions()
        self.has_stopped_at: set[str] = set()  # names of conditions for which a run stops only once

    def record(self, results: Sequence[Any]) -> None:
        """Passes the run to a recorder, before a replay consumes the host's values."""
        if self.conditions.recorder is not None:
            self.conditions.recorder.add(self.snapshot, results)

    def are_possible(self, results: Sequence[Any]) -> bool:
        """True if a run that gave these results may stop somewhere."""
        graph = self.snapshot.function.graph
        if lines.has_breakpoints(graph) or has_place(graph, self.conditions):
            return True
        if self.conditions.looks_at_names():
            return True
        arrays = [*results, *(handle.value for handle in self.snapshot.handles)]
        return any(self.conditions.bad_element(array)[0] for array in arrays)

    def replay(self, results: Sequence[Any]) -> None:
        """Repeats a run, and reports how results differ from the compiled run's if the user has looked at it."""
        compiled = [*results, *(handle.value for handle in self.snapshot.handles)]
        with self.snapshot.put_back():
            replayed = Replay(self.snapshot, self).run()
            replayed += [handle.value for handle in self.snapshot.handles]
        if self.prompt is not None:
            self._say_differences(replayed, compiled, len(results))

    def post_mortem(self, error: Exception) -> None:
        """Repeats a run that has raised an error, up to the operation that raises it, if errors are looked for."""
        if "error" not in self.conditions.words:
            return
        with self.snapshot.put_back():
            with contextlib.suppress(type(error)):
                Replay(self.snapshot, self).run()
            if "error" not in self.has_stopped_at:  # it came from no line of the function
                self._stop_in(None, f"{type(error).__name__}: {error}")

    def _say_differences(self, replayed: list[Any], compiled: list[Any], count: int) -> None:
        names = [f"result {i}" for i in range(count)]
        names += [handle.name or "a variable" for handle in self.snapshot.handles]
        differing = list(differences(names, replayed, compiled))
        if differing and self.prompt is not None:
            text = "; ".join(f"{name} {how}" for name, how in differing[:3])
            more = f"; {len(differing) - 3} more" if len(differing) > 3 else ""
            self.prompt.say(f"the compiled run differs from what was shown: {text}{more}")

    # -- callbacks of the replay

    def computed(
        self,
        op: Operation,
        arguments: Sequence[Any],
        results: Sequence[Any],
        frame: types.FrameType | None,
    ) -> None:
        """Stops at an operation that makes the first NaN or infinity."""
        if "bad" in self.has_stopped_at:
            return
        for result in results:
            kind, index = self.conditions.bad_element(result)
            is_passed_on = any(self.conditions.bad_element(each)[0] for each in arguments)
            if kind == "NaN" or kind and not is_passed_on:
                self.has_stopped_at.add("bad")
                where = f" at {list(index)}" if index else ""
                direction = "" if op.gradient_of is None else ", backward"
                why = f"first {kind}{where} in {op.type}{direction}"
                if frame is None and op.location is not None:
                    why += f", {op.location.in_user_code()}"
                self._stop_in(frame, why)
                return

    def reached(self, file: str, line: Line, frame: types.FrameType) -> None:
        """Stops before a line that is looked for, and after one that bound a name to a value that is."""
        if self.conditions.is_place(file, line.number):
            self._stop_in(frame, f"at {file}:{line.number}")
        if self.conditions.looks_at_names():
            why = self._of_names(file, line, frame)
            if why:
                self._stop_in(frame, "; ".join(why))

    def _of_names(self, file: str, line: Line, frame: types.FrameType) -> list[str]:
        """Returns reasons to stop: names bound before a line whose values passed a limit, once per limit and run."""
        reasons = []
        for name, value in [(name, frame.f_locals.get(name)) for name in line.bound]:
            reasons.append(self.conditions.changed_shape(file, line.number, name, value))
            for limit in self.conditions.limits:
                passing = limit.passed_by(value) if limit.name == name else None
                if passing is not None and str(limit) not in self.has_stopped_at:
                    self.has_stopped_at.add(str(limit))
                    reasons.append(f"{limit}: {passing:g}")
        return [text for text in reasons if text]

    def ran(self, line: Line, frame: types.FrameType) -> None:
        """Stops after a line that has a breakpoint."""
        for mark in line.marks:
            if mark.when is None or lines.holds(mark.when, frame.f_locals):
                if mark.streams is None and suspended_in_editor(frame):
                    return
                if self.prompt is None:
                    self.prompt = Prompt(mark.streams)
                self.prompt.set_trace(frame)
                return

    def failed(self, error: Exception, frame: types.FrameType) -> None:
        """Stops where an operation raises."""
        if "error" in self.conditions.words and "error" not in self.has_stopped_at:
            self.has_stopped_at.add("error")
            self._stop_in(frame, f"{type(error).__name__}: {error}")

    def _stop_in(self, frame: types.FrameType | None, why: str) -> None:
        frame = users_frame() if frame is None else frame
        if self.conditions.streams is None and suspended_in_editor(frame):
            print(why, file=sys.stderr)
            return
        if self.prompt is None:
            self.prompt = Prompt(self.conditions.streams)
        self.prompt.stop_in(frame, why)
