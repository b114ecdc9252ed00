"""The step of a specialization that is a program. Values stand in slots, which steps read and write.

The other kinds stand elsewhere: an operation on the host in compiler/host/steps.py, a block left for later with the block (block.py).
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.inputs import DenseList, stacked
from penstock._src.compiler.host.running import locate, run_on_host
from penstock._src.compiler.lower.checks import arguments_of
from penstock._src.compiler.lower.context import Refusal
from penstock._src.compiler.pipeline import Compiled, Prepared
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import OpError
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape
from penstock._src.core.values.device_array import on_host
from penstock._src.graph.operation import Operation
from penstock._src.ir.extents.values import Values
from penstock._src.ir.function import Function
from penstock._src.ops.control.list_value import TensorList
from penstock._src.util.dataclass import dataclass

MOST_MILLISECONDS = 5_000  # that a loop may take that is run again for its error
# How a value is found: ("input", slot), ("list", slot) or ("call", function) of an argument; ("result", its number), ("known", a value),
# ("input", slot), ("rows", ...), ("list", ...) or ("reserved", ...) of what a step writes; of a form also ("extents", ...) and ("empty list", ...).
Source = tuple[str, Any]


@dataclass(frozen=True, eq=False)
class ProgramForm:
    """A program over a block's inputs, for any extents that fulfil the conditions that were recorded when it was made."""

    prepared: Prepared
    sources: Sequence[Source]  # of the arguments
    makers: Sequence[tuple[int, Source]]  # slots, and how their values are found after a run
    ops: Sequence[Operation]
    # Message of a check, or operation with a bad index -> the operation that raises the error, its arguments.
    assertions: Mapping[Any, Refusal]
    equal: dict[int, list[Operation]]  # node -> further operations of the same value

    def step(self) -> "ProgramStep":
        """The step for unknown extents that are what they are now."""
        makers = self.makers
        if not self.is_plain:
            makers = [(slot, _with_numbers(maker)) for slot, maker in makers]
        return ProgramStep(self, self.prepared.loaded(), makers)

    def planned_step(self, extents: Values) -> "ProgramStep | None":
        """The step for extents of a form that is plain, if a plan that was made is for them; all conditions are looked at."""
        compiled = self.prepared.planned_for(extents)
        return None if compiled is None else ProgramStep(self, compiled, self.makers)

    @property
    def reads(self) -> list[int]:
        """The slots of arguments that are taken as they are."""
        return [which for how, which in self.sources if how == "input"]

    @property
    def writes(self) -> list[int]:
        """The slots that it fills."""
        return [slot for slot, _ in self.makers]

    @functools.cached_property
    def is_plain(self) -> bool:
        """True if the inputs are the program's arguments and its results are the outputs, unchanged."""
        passes_inputs = all(how == "input" for how, _ in self.sources)
        return passes_inputs and all(
            maker == ("result", i) for i, (_, maker) in enumerate(self.makers)
        )

    @functools.cached_property
    def is_empty(self) -> bool:
        """True if there is nothing to compute."""
        return not self.prepared.function.roots


@dataclass(eq=False)
class ProgramStep:
    """Runs a program over the block's inputs and writes what others need into slots."""

    form: ProgramForm
    compiled: Compiled
    makers: Sequence[tuple[int, Source]]  # those of the form, with numbers

    @property
    def function(self) -> Function:
        """What is computed."""
        return self.form.prepared.function

    @property
    def ops(self) -> Sequence[Operation]:
        """The operations that are part of it."""
        return self.form.ops

    @property
    def reads(self) -> list[int]:
        """The slots of arguments that are taken as they are."""
        return self.form.reads

    @property
    def writes(self) -> list[int]:
        """The slots that it fills."""
        return self.form.writes

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The program's results for its arguments.

        Raises:
          OpError: with the name of the operation that it comes from.
        """
        try:
            return self.compiled.run(arguments)
        except OpError as error:
            refusals = self.form.assertions
            found = refusals.get(error._message) or refusals.get(getattr(error, "origin", None))
            if found is not None:
                with self.compiled.extents:
                    self._repeat(found, list(map(on_host, arguments)), error)
                error._message = found.message or error._message
            locate(error)
            raise

    def _repeat(self, found: Refusal, arguments: Sequence[Any], error: OpError) -> None:
        """Lets the kernel of an operation raise what it says of the values that failed, unless a check is stricter than the kernel."""
        written = getattr(error, "written", ())
        values = arguments_of(self.function, found, arguments, written)
        if values is None:
            return
        if found.op.type == "Assert":
            values[0] = np.zeros_like(values[0])  # the condition did not hold
        if not found.is_around:
            run_on_host(found.op, values)
            return
        try:
            with deadlines.deadline(MOST_MILLISECONDS):
                run_on_host(found.op, values)
        except OpError as raised:
            if type(raised) is type(error):
                raise

    def _argument(self, source: Source, slots: list[Any]) -> Any:
        how, which = source
        if how == "input":
            return slots[which]
        if how == "list":
            return stacked(slots[which])
        with self.compiled.extents:
            return which()

    def __call__(self, slots: list[Any]) -> None:
        found = [(slot, slots[which]) for slot, (how, which) in self.makers if how == "input"]
        results = []
        if not self.form.is_empty:
            results = self.run([self._argument(s, slots) for s in self.form.sources])
        for slot, value in found:
            slots[slot] = value
        for slot, (how, which) in self.makers:
            if how == "result":
                slots[slot] = results[which]
            elif how == "known":
                slots[slot] = which
            elif how == "rows":
                rows, count = which
                slots[slot] = results[rows][: int(results[count])]
            elif how == "list":
                slots[slot] = _list_of(results, *which)
            elif how == "reserved":
                at, dtype, shape = which
                slots[slot] = TensorList(dtype, shape, [None] * int(results[at]))


def _with_numbers(maker: Source) -> Source:
    """How a value is found, with the numbers that extents are now."""
    how, which = maker
    if how == "extents":
        numbers, shape, dtype = which
        return "known", np.array([int(n) for n in numbers], dtype.np).reshape(shape)
    if how == "list":
        at, length, dtype = which
        return "list", (at, int(length), dtype)
    if how == "reserved":
        at, dtype, shape = which
        return "reserved", (at, dtype, _shape_of(shape))
    if how == "empty list":
        dtype, shape, length = which
        return "known", TensorList(dtype, _shape_of(shape), [None] * int(length))
    return maker


def _shape_of(shape: Sequence[Any] | None) -> TensorShape:
    return UNKNOWN if shape is None else make_shape(tuple(map(int, shape)))


def _list_of(results: list[Any], at: int, length: int, dtype: Any) -> DenseList:
    rows = on_host(results[at])
    count = int(results[at + 1]) if length < 0 else length
    return DenseList(dtype, make_shape(rows.shape[1:]), rows[:count])
