"""Program: a plan as one native call.

    results = program.run(arguments)         arrays, and handles for parameters of dtype resource

A call passes the addresses of arguments, variables and new result arrays to a table of launches over one arena, and
runs it without the GIL. Variables are updated in place; a variable whose array is also referenced elsewhere is
copied first. A program may be called from several threads: each call uses a separate table and arena.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.compiler.plan.launch_table import time_words
from penstock._src.compiler.plan.memory_need import exhausted_by
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import (
    DeadlineExceededError,
    InternalError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock._src.core.values import resources
from penstock._src.native.runner import DEADLINE, LATE
from penstock._src.runtime.binding import BoundTable
from penstock._src.runtime.observed import observed_run
from penstock._src.runtime.signature import ProgramSignature
from penstock._src.runtime.weight_packer import Watching, WeightPacker, unwatched
from penstock._src.util.run_observers import RUN_OBSERVERS

if TYPE_CHECKING:
    from penstock._src.runtime.direct_call import DirectCall, Failed


def unused(free: list[Any]) -> Any:
    """Pops a table with a free arena off a list, and locks the arena; None if the list has no such table.

    No lock protects the list, since list methods are atomic: most calls take only the arena's lock.
    """
    for _ in range(len(free)):
        try:
            table = free.pop()
        except IndexError:  # another thread has taken the last one
            return None
        if table.claim(False):
            return table
        free.insert(0, table)  # another program is using its arena
    return None


class Program:
    """A loaded plan. Calling it runs it."""

    _watching: Watching = staticmethod(unwatched)
    # False of programs whose runs are more than that of a table.
    has_direct_calls = True

    def __init__(
        self,
        plan: Plan,
        signature: ProgramSignature,
        packers: Sequence[WeightPacker],
        bind: Callable[[], BoundTable],
    ):
        """`bind` returns a new table, with its arena locked."""
        self.plan, self._packers = plan, packers
        self._set_signature(signature)
        self._conditions, self._bind = plan.conditions, bind
        self._free: list[BoundTable] = []

    def _set_signature(self, signature: ProgramSignature) -> None:
        """Sets the arguments and results of calls."""
        self.signature, self._assigned = signature, signature.assigned
        self._arrays_of, self._results = signature.arrays_of, signature.results

    def __call__(self, *arguments: Any) -> list[np.ndarray]:
        """Runs the function; returns its results."""
        return self.run(arguments)

    def run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """Runs the function with arguments in a sequence; returns its results."""
        if not self._assigned:
            return self._run(arguments)
        # One program at a time updates variables. WRITING makes programs that only read them wait (`_whole_arrays`).
        with resources.UPDATING:
            resources.WRITING.append((arguments, self._assigned))
            try:
                return self._run(arguments)
            finally:
                for i in self._assigned:
                    arguments[
                        i
                    ].version += 1  # packed weights of the old value are stale, even after an error
                resources.WRITING.pop()

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        try:
            arrays = self._whole_arrays(arguments)
            results = [make(shape, dtype) for make, shape, dtype in self._results]
            packed = self._packed_weights(arguments, arrays) if self._packers else ()
            table = self._take()
        except ResourceExhaustedError as error:
            raise self._exhausted() from error
        late_at = deadlines.current() if deadlines.SET else 0
        try:
            if late_at:
                table.status[DEADLINE] = late_at
            run = observed_run(table) if RUN_OBSERVERS and table.plan is not None else table.run
            if table.session is None:
                code = run(*arrays, *results, *packed)
            else:
                code = table.session.run(run, [*arrays, *results, *packed], table)
            if code:
                self.fail(code, table.status)
            if self._conditions:
                table.look_at_conditions([*arrays, *results])
        finally:
            if late_at:
                table.status[DEADLINE] = 0
            self._give_back(table)
        return results

    def direct_call(self, failed: "Failed") -> "DirectCall | None":
        """A builtin that calls the program; None if a run needs more than running the launch table.

        Args:
          failed: raises the error of a run.
        """
        if not self.has_direct_calls or self._conditions:
            return None
        # Imported here: processes that answer once have no call that comes often.
        from penstock._src.runtime.direct_call import DirectCall

        table = self._take()
        self._give_back(table)
        return DirectCall.of(self.signature, self._packers, table, self._of_table(), failed)

    def _of_table(self) -> Any:
        """The program that the table's attribute `program` has to be; None: its tables are its own."""
        return None

    def _exhausted(self) -> Exception:
        """The error of a run for which there is too little memory."""
        return exhausted_by(self.plan)

    def _whole_arrays(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of a call. If another thread's program is updating one of the variables, waits for its end: no value is half old, half new."""
        arrays = self._arrays_of(arguments)
        # A program that starts to write after this check sees that these arrays are referenced, and copies them first.
        if resources.WRITING and not self._assigned and resources.is_written(arguments):
            with resources.UPDATING:
                return self._arrays_of(arguments)
        return arrays

    def _packed_weights(
        self, arguments: Sequence[Any], arrays: list[np.ndarray]
    ) -> list[np.ndarray]:
        """The packed weights. Weights of variables that have changed are packed again."""
        return [
            p.of(arguments[p.variable], arrays[p.variable], self._watching) for p in self._packers
        ]

    def fail(self, code: int, status: np.ndarray) -> None:
        """Raises the error of a run.

        Args:
          code: that the run gave.
          status: the status words.
        """
        if code == LATE:
            raise DeadlineExceededError(deadlines.MESSAGE)
        if not 0 < code <= len(self.plan.errors):
            raise InternalError(None, None, f"The program stopped with status {code}.")
        raise self.plan.errors[code - 1].error(status)

    def _take(self) -> BoundTable:
        """A table with its arena locked."""
        return unused(self._free) or self._bind()

    def _give_back(self, table: BoundTable) -> None:
        table.release()
        self._free.append(table)

    def profile(self, *arguments: Any, runs: int = 10) -> list[tuple[str, int, float]]:
        """Runs the function `runs` times; returns (label, tasks, least microseconds) of each launch. Variables are updated by each run.

        Raises:
          UnimplementedError: the function exchanges values with other processes, which would have to do the same.
        """
        if self.plan.function.exchanges:
            raise UnimplementedError(
                "A function that exchanges values with other processes cannot be profiled alone: profile the whole step."
            )
        results = self.signature.new_results()
        arrays = self._arrays_of(arguments)
        packed = self._packed_weights(arguments, arrays)
        bound = self._take()
        try:
            run, _ = bound.call.timed()
            table, times = bound.call.table, time_words(self.plan.launches)
            best = [math.inf] * len(times)
            for _ in range(runs):
                run(*arrays, *results, *packed)
                for i, (_, word) in enumerate(times):
                    best[i] = min(best[i], int(table[word]) / 1e3)
                    table[word] = 0
        finally:
            self._give_back(bound)
        return [(r.label, r.tasks, us) for (r, _), us in zip(times, best, strict=True)]
