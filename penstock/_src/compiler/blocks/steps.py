"""The step of a specialization that runs a program. Steps read and write values in slots.

The other kinds of steps are operations on the host (compiler/host/steps.py) and blocks that wait (block.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from penstock._src.compiler.host.running import locate, run_on_host
from penstock._src.compiler.lower.checks import arguments_of
from penstock._src.compiler.lower.context import Refusal
from penstock._src.compiler.pipeline import Compiled, Prepared
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import OpError
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape
from penstock._src.core.values.arrays import part_of
from penstock._src.core.values.device_array import on_host
from penstock._src.graph.operation import Operation
from penstock._src.ir.extents.values import Values
from penstock._src.ir.function import Function
from penstock._src.native.builtins import OFTEN
from penstock._src.ops.control.list_value import TensorList, list_of_rows
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks

MOST_MILLISECONDS = 5_000  # for a loop that runs again on the host to raise its error
# The source of an argument: ("input", slot), ("list", slot) or ("call", function).
# The source of a value that a step writes: ("result", its index), ("known", a value), ("input", slot), ("view", (slot, first element, shape)),
# ("rows", ...), ("list", ...) or ("reserved", ...); in a form also ("extents", ...) and ("empty list", ...), which become "known" when extents have numbers.
Source = tuple[str, Any]


@dataclass(frozen=True, eq=False)
class ProgramForm:
    """A program over a block's inputs, for any extents that meet the conditions recorded when it was made."""

    prepared: Prepared
    sources: Sequence[Source]  # of the arguments
    makers: Sequence[tuple[int, Source]]  # slots, with the sources of their values after a run
    ops: Sequence[Operation]
    # Message of a check, or operation with a bad index -> the operation that raises the error, its arguments.
    assertions: Mapping[Any, Refusal]
    equal: dict[int, list[Operation]]  # node -> further operations with the same value

    def step(self) -> "ProgramStep":
        """The step for the current numbers of unknown extents."""
        makers = self.makers
        if not self.is_plain:
            makers = [(slot, _with_numbers(maker)) for slot, maker in makers]
        return ProgramStep(self, self.prepared.loaded(), makers)

    def planned_step(self, extents: Values) -> "ProgramStep | None":
        """The step for these extents, if an existing plan is valid for them (all conditions are checked); the form must be plain."""
        compiled = self.prepared.planned_for(extents)
        return None if compiled is None else ProgramStep(self, compiled, self.makers)

    @property
    def reads(self) -> list[int]:
        """The slots of arguments that are passed unchanged."""
        return [slot for kind, slot in self.sources if kind == "input"]

    @property
    def writes(self) -> list[int]:
        """The slots that the step writes."""
        return [slot for slot, _ in self.makers]

    @forks.cached_property
    def is_plain(self) -> bool:
        """True if the inputs are the program's arguments and its results are the outputs, unchanged."""
        passes_inputs = all(kind == "input" for kind, _ in self.sources)
        return passes_inputs and all(
            maker == ("result", i) for i, (_, maker) in enumerate(self.makers)
        )

    @forks.cached_property
    def is_empty(self) -> bool:
        """True if there is nothing to compute."""
        return not self.prepared.function.roots


@dataclass(eq=False)
class ProgramStep:
    """Runs a program over the block's inputs and writes the results that other steps read into slots."""

    form: ProgramForm
    compiled: Compiled
    makers: Sequence[tuple[int, Source]]  # those of the form, with numbers
    # A builtin that makes this call; None until it is made, False if it cannot be.
    direct: Any = None
    calls: int = 0  # among other steps, counted until then

    @property
    def function(self) -> Function:
        """The function that the program computes."""
        return self.form.prepared.function

    @property
    def ops(self) -> Sequence[Operation]:
        """The operations of the program."""
        return self.form.ops

    @property
    def writes(self) -> list[int]:
        """The slots that the step writes."""
        return self.form.writes

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """Computes the program's results.

        Raises:
          OpError: with the name of the operation that it comes from.
        """
        try:
            return self.compiled.run(arguments)
        except OpError as error:
            self._complete(error, arguments)
            raise

    def _run_among_others(self, arguments: list[Any]) -> list[Any]:
        """As `run`, from `OFTEN` calls on by a builtin."""
        if self.direct:
            results: list[Any] | None = self.direct.run(arguments)
            return self.run(arguments) if results is None else results
        if self.direct is None:
            self.calls += 1
            if self.calls >= OFTEN:
                direct = self.direct_call()
                if direct is not None:
                    direct.expect_any()  # the block's key already contains which variables are the same
                self.direct = direct or False
        return self.run(arguments)

    def direct_call(self) -> Any:
        """The call of the program as a builtin (`runtime/program.py`); None if it has none."""
        program = self.compiled.program
        make = getattr(program, "direct_call", None)
        return None if make is None else make(self._fail_directly)

    def _fail_directly(self, arguments: Sequence[Any], code: int, status: Any) -> None:
        try:
            self.compiled.program.fail(code, status)
        except OpError as error:
            self._complete(error, arguments)
            raise

    def fail(self, arguments: Sequence[Any], code: int, status: Any) -> NoReturn:
        """Raises the error of a run of an equal program.

        Args:
          arguments: of the run.
          code: the number of the error.
          status: the status words.
        """
        try:
            with self.compiled.extents:
                raise self.compiled.program.plan.errors[code - 1].error(status)
        except OpError as error:
            self._complete(error, arguments)
            raise

    def _complete(self, error: OpError, arguments: Sequence[Any]) -> None:
        """Adds to an error the operation that it comes from, with TensorFlow's message."""
        refusals = self.form.assertions
        refusal = refusals.get(error._message) or refusals.get(error._origin)
        if refusal is not None:
            with self.compiled.extents:
                self._raise_on_host(refusal, list(map(on_host, arguments)), error)
            error._message = refusal.message or error._message
        locate(error)

    def _raise_on_host(self, refusal: Refusal, arguments: Sequence[Any], error: OpError) -> None:
        """Runs on the host the operation whose check failed. It raises TensorFlow's message with the values; if it does not raise, this returns.

        A program reports only that a check failed. A check may be stricter than the host's kernel, which then raises nothing.
        """
        values = arguments_of(self.function, refusal, arguments, error._assigned)
        if values is None:
            return
        if refusal.op.type == "Assert":
            values[0] = np.zeros_like(values[0])  # the condition did not hold
        if not refusal.is_around:
            run_on_host(refusal.op, values)
            return
        try:
            # The loop runs again as a whole, on the host, only for its message.
            with deadlines.deadline(MOST_MILLISECONDS):
                run_on_host(refusal.op, values)
        except OpError as raised:
            # Another error is of something that has changed since: the program's own is right.
            if type(raised) is type(error):
                raise

    def _argument(self, source: Source, slots: list[Any]) -> Any:
        kind, detail = source
        if kind == "input":
            return slots[detail]
        if kind == "list":
            return slots[detail].rows()
        with self.compiled.extents:
            return detail()

    def __call__(self, slots: list[Any]) -> None:
        results = []
        if not self.form.is_empty:
            results = self._run_among_others([self._argument(s, slots) for s in self.form.sources])
        for slot, (kind, detail) in self.makers:
            if kind == "result":
                slots[slot] = results[detail]
            elif kind == "input":
                slots[slot] = slots[detail]
            elif kind == "view":
                position, start, shape = detail
                slots[slot] = part_of(slots[position], start, shape)
            elif kind == "known":
                slots[slot] = detail
            elif kind == "rows":
                rows, count = detail
                slots[slot] = results[rows][: int(results[count])]
            elif kind == "list":
                slots[slot] = _list_of(results, *detail)
            elif kind == "reserved":
                at, dtype, shape = detail
                slots[slot] = TensorList(dtype, shape, [None] * int(results[at]))


def loaded(steps: Sequence[Any]) -> list[Any]:
    """Steps for the current numbers of extents: forms of programs become programs."""
    return [step.step() if isinstance(step, ProgramForm) else step for step in steps]


def _with_numbers(maker: Source) -> Source:
    """A source with the current numbers of extents."""
    kind, detail = maker
    if kind == "extents":
        numbers, shape, dtype = detail
        return "known", np.array([int(n) for n in numbers], dtype.np).reshape(shape)
    if kind == "list":
        at, length, dtype = detail
        return "list", (at, int(length), dtype)
    if kind == "reserved":
        at, dtype, shape = detail
        return "reserved", (at, dtype, _shape_of(shape))
    if kind == "empty list":
        dtype, shape, length = detail
        return "known", TensorList(dtype, _shape_of(shape), [None] * int(length))
    return maker


def _shape_of(shape: Sequence[Any] | None) -> TensorShape:
    return UNKNOWN if shape is None else make_shape(tuple(map(int, shape)))


def _list_of(results: list[Any], at: int, length: int, dtype: Any) -> TensorList:
    rows = on_host(results[at])
    count = int(results[at + 1]) if length < 0 else length
    return list_of_rows(dtype, rows[:count])
