"""Direct calls: those of a program that comes often, by one builtin (`native/process/program_calls.py`)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.calls import deadlines
from penstock._src.core.values import resources
from penstock._src.native.process.program_calls import MOST_ARRAYS, ProgramCall
from penstock._src.runtime.binding import BoundTable
from penstock._src.runtime.signature import ProgramSignature
from penstock._src.runtime.weight_packer import WeightPacker, unwatched
from penstock._src.util.process.layout_samples import admits_native_calls
from penstock._src.util.run_observers import RUN_OBSERVERS

# Larger arenas are given back when they are used little, which the long way counts.
MOST_BYTES = 1 << 26
# Called with the arguments, the code and the status words of a run that has failed; raises its error.
Failed = Callable[[Sequence[Any], int, np.ndarray], Any]


class DirectCall:
    """The call of a program as a builtin: `run(values)` gives the results, or None if it has to be made the long way.

    Args:
      signature: of the program.
      packers: of its packed weights.
      table: one of its tables.
      program: None, or what the table's attribute `program` has to be.
      failed: raises the error of a run.
    """

    def __init__(
        self,
        signature: ProgramSignature,
        packers: Sequence[WeightPacker],
        table: BoundTable,
        program: Any,
        failed: Failed,
    ) -> None:
        self._assigned = signature.assigned

        def fail(values: Sequence[Any], code: int) -> None:
            try:
                failed(values, code, table.status)
            finally:
                table.release()

        forms = [(i, dtype, shape, False) for i, dtype, shape in signature.arrays]
        forms += [(i, dtype, shape, True) for i, dtype, shape, _ in signature.handles]
        self._handles = [i for i, *_ in signature.handles]
        self._expected: list[int] = []
        watched = [deadlines.SET, RUN_OBSERVERS, resources.LENT]
        self._call = ProgramCall(
            [(dtype, shape, is_handle) for _, dtype, shape, is_handle in sorted(forms)],
            self._assigned,
            signature.results,
            [(p.of, p.variable, unwatched) for p in packers],
            table,
            program,
            fail,
            watched if self._assigned else [*watched, resources.WRITING],
        )
        self.run = self._run_alone if self._assigned else self._call.run

    @classmethod
    def of(
        cls,
        signature: ProgramSignature,
        packers: Sequence[WeightPacker],
        table: BoundTable,
        program: Any,
        failed: Failed,
    ) -> "DirectCall | None":
        """The direct call; None if it would omit something that the general path does, or has too many arrays."""
        count = signature.count + len(signature.results) + len(packers)
        if not admits_native_calls() or count > MOST_ARRAYS or table.session is not None:
            return None
        if table.arena.nbytes > MOST_BYTES:
            return None
        return cls(signature, packers, table, program, failed)

    def expect(self, values: Sequence[Any]) -> None:
        """Restricts later calls to the variables in these values: other variables might be passed twice."""
        expected = [id(values[i]) for i in self._handles]
        if len(expected) > 1 and expected != self._expected:
            self._call.expect(expected)
            self._expected = expected

    def expect_any(self) -> None:
        """Serves calls with any variables; the caller ensures that none is passed twice where none was before."""
        self._call.expect_any()

    def _run_alone(self, values: Sequence[Any]) -> list[np.ndarray] | None:
        """As `Program.run` where variables are assigned."""
        with resources.UPDATING:
            resources.WRITING.append((values, self._assigned))
            try:
                return self._call.run(values)
            finally:
                for i in self._assigned:
                    values[i].version += 1
                resources.WRITING.pop()
