"""The steps of a block with operations on the host, from a record of a pack: by the names of operations and tensors.

The record has what lowering decided: which operations the host runs, which ones are a program, and which wait. Reports, profiles and errors of programs
come from the same block, lowered for the same inputs.
"""

import dataclasses
import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.section import Section, WaitingSection
from penstock._src.compiler.blocks.specialization import Specialization, run_steps
from penstock._src.compiler.device import Stopped
from penstock._src.compiler.host.running import run_on_host
from penstock._src.compiler.host.steps import HostStep, host_step
from penstock._src.core.errors import InternalError
from penstock._src.core.values.arrays import part_of
from penstock._src.graph.operation import Operation
from penstock._src.util.dataclass import dataclass
from penstock._src.util.run_observers import RUN_OBSERVERS

# The source of a value that a program's step writes: ("result", its index), ("input", a slot), ("view", (slot, first element, shape)), ("rows", (result, result with their number)),
# ("known", (dtype, shape, hexadecimal bytes)) or ("constant", None), the value of the operation whose tensor it is.
Source = tuple[str, Any]


@dataclass(frozen=True)
class HostRecord:
    """An operation on the host: its name, the slots that it reads and writes, and the reason."""

    op: str
    reads: Sequence[int]
    writes: Sequence[int]
    why: str


@dataclass(frozen=True)
class ProgramRecord:
    """A recorded program: the names of its operations, the slots of its arguments, and (slot, source) of each result. `is_empty`: it computes nothing."""

    ops: Sequence[str]
    reads: Sequence[int]
    makers: Sequence[tuple[int, Source]]
    is_empty: bool


@dataclass(frozen=True)
class WaitingRecord:
    """A section that waits: names of its operations and tensors, the rest as in Section and WaitingSection."""

    ops: Sequence[str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    host: Mapping[str, str]
    constants: Sequence[str]
    for_host: Sequence[str]
    values: Sequence[int]
    reasons: Mapping[str, str]
    reads: Sequence[int]
    writes: Sequence[int]


@dataclass(frozen=True)
class StepsRecord:
    """The steps of a section.

    key        what the inputs must have besides shapes
    values     positions of the inputs whose values lowering requests
    slots      the names of the tensors in slots, those of inputs first
    constants  the slots that hold the values of constants before a run
    outputs    slots of the outputs
    steps      in the order in which they run; at most one is a program
    waiting    what waits for them, or None
    """

    key: str
    values: Sequence[int]
    slots: Sequence[str]
    constants: Sequence[int]
    outputs: Sequence[int]
    steps: Sequence[HostRecord | ProgramRecord]
    waiting: WaitingRecord | None


class RecordedSteps:
    """The only step of a block for inputs of given shapes, which runs the steps of a record.

    Args:
      record: the record.
      section: of the block.
      program: the program for these inputs, or None.
      specialize: lowers the block for inputs, and keeps the result in this step's place.
      wait: returns the step for a section that waits.
      values: the inputs.
      known: the inputs whose values the block's key has.

    Raises:
      KeyError, IndexError: the section has not the operations or tensors that the record names.
    """

    def __init__(
        self,
        record: StepsRecord,
        section: Section,
        program: Any,
        specialize: Callable[[Sequence[Any]], Specialization],
        wait: Callable[[WaitingSection], Any],
        values: Sequence[Any],
        known: Sequence[int],
    ) -> None:
        self._specialize = specialize
        self._like = [_reference(value, at in known) for at, value in enumerate(values)]
        names = _Names(section)
        tensors = [names.tensors[name] for name in record.slots]
        count = len(section.inputs)
        initial: list[Any] = [None] * (len(tensors) - count)
        for slot in record.constants:
            initial[slot - count] = _value_of(tensors[slot].op)
        self.steps: list[Any] = []
        for at, step in enumerate(record.steps):
            if isinstance(step, HostRecord):
                self.steps.append(
                    host_step(names.ops[step.op], step.reads, step.writes, step.why, section.states)
                )
                continue
            ops = [names.ops[name] for name in step.ops]
            makers = [(slot, _resolved(source, tensors[slot].op)) for slot, source in step.makers]
            self.steps.append(
                RecordedProgram(
                    program=program,
                    specialize=specialize,
                    at=at,
                    inputs=count,
                    ops=ops,
                    reads=step.reads,
                    makers=makers,
                    is_empty=step.is_empty,
                )
            )
        if record.waiting is not None:
            self.steps.append(wait(names.waiting(section, record.waiting)))
        slots = {tensor._id: slot for slot, tensor in enumerate(tensors)}
        self._execute = functools.partial(run_steps, self.steps, slots, initial, record.outputs)

    def execute(self, values: Sequence[Any]) -> list[Any]:
        """Computes the outputs for these inputs."""
        if RUN_OBSERVERS:
            return self._specialize(values).run(values)
        return self._execute(values)

    def lowered(self) -> Specialization | None:
        """The lowered section for such inputs, which takes this step's place; None if a variable or resource has gone."""
        values = [of() for of in self._like]
        return None if any(value is None for value in values) else self._specialize(values)


@dataclass(frozen=True, eq=False)
class RecordedProgram:
    """Runs a recorded program, and writes results that other steps read into slots.

    program     the program for these inputs; None if nothing is computed
    specialize  lowers the block for inputs
    at          the position of the step in the block
    inputs      the number of inputs of the block, which have the first slots
    """

    program: Any
    specialize: Callable[[Sequence[Any]], Specialization]
    at: int
    inputs: int
    ops: Sequence[Operation]
    reads: Sequence[int]
    makers: Sequence[tuple[int, Source]]
    is_empty: bool

    @property
    def writes(self) -> list[int]:
        """The slots that the step writes."""
        return [slot for slot, _ in self.makers]

    def __call__(self, slots: list[Any]) -> None:
        results: Sequence[Any] = ()
        if not self.is_empty:
            try:
                results = self.program.run([slots[at] for at in self.reads])
            except Stopped as stopped:
                self._run_lowered(slots, stopped)
                return
        for slot, (kind, detail) in self.makers:
            if kind == "result":
                slots[slot] = results[detail]
            elif kind == "input":
                slots[slot] = slots[detail]
            elif kind == "view":
                position, start, shape = detail
                slots[slot] = part_of(slots[position], start, shape)
            elif kind == "rows":
                rows, count = detail
                slots[slot] = results[rows][: int(results[count])]
            else:
                slots[slot] = detail

    def _run_lowered(self, slots: list[Any], stopped: Stopped) -> None:
        """Runs the same step of the lowered block, which raises the error; the steps before it have run."""
        steps = self.specialize(slots[: self.inputs]).steps
        step = steps[self.at] if self.at < len(steps) else None
        if (
            step is None
            or isinstance(step, HostStep)
            or list(getattr(step, "writes", ())) != self.writes
        ):
            raise InternalError(None, None, f"A program of a pack stopped: {stopped}.")
        step(slots)


class _Names:
    """The operations and tensors of a section by their names."""

    def __init__(self, section: Section) -> None:
        self.ops = {op.name: op for op in section.ops}
        self.tensors = {t.name: t for t in section.inputs}
        self.tensors.update((t.name, t) for op in section.ops for t in op._outputs)

    def waiting(self, section: Section, record: WaitingRecord) -> WaitingSection:
        """The section of a record, a part of this one."""

        def ids(names: Sequence[str]) -> frozenset[int]:
            return frozenset([self.tensors[name]._id for name in names])

        own = [op._outputs[0]._id for op in section.ops if op.type == "Const"]
        rest = dataclasses.replace(
            section,
            ops=[self.ops[name] for name in record.ops],
            inputs=[self.tensors[name] for name in record.inputs],
            outputs=[self.tensors[name] for name in record.outputs],
            host=record.host,
            constants=section.constants | frozenset(own) | ids(record.constants),
            values=tuple(record.values),
            for_host=ids(record.for_host),
        )
        return WaitingSection(rest, record.reasons, list(record.reads), list(record.writes))


def _resolved(source: Source, op: Operation) -> Source:
    """A source with its value, if that is known."""
    kind, detail = source
    if kind == "constant":
        return "known", _value_of(op)
    if kind == "known":
        dtype, shape, data = detail
        array = np.frombuffer(bytes.fromhex(data), np.dtype(dtype)).reshape(shape)
        # `frombuffer` gives an array that is read-only, and kept alive by the record's bytes.
        return kind, array.copy()
    return source


def _value_of(op: Operation) -> Any:
    """The value of a constant.

    Raises:
      KeyError: it is none.
    """
    if op.type != "Const":
        raise KeyError(op.name)
    return run_on_host(op, [])[0]


def _reference(value: Any, is_known: bool) -> Callable[[], Any]:
    """A function that returns such a value, which it does not keep alive if it is a resource."""
    if not isinstance(value, np.ndarray):
        return weakref.ref(value)
    if is_known:
        return functools.partial(np.copy, value)
    return functools.partial(np.full, value.shape, b"" if value.dtype == object else 0, value.dtype)
