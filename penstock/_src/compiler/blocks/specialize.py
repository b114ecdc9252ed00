"""Specializes a section of a graph: from values for its inputs to the steps that execute it for such inputs.

    1. operations that only the host can run, and whose inputs are ready, become HostSteps
    2. all other operations that can be lowered without waiting for the host become one program: a ProgramStep
    3. the rest is a section again, which is specialized when it is reached: the shapes and values that the host
       computed are known by then

If programs are kept for other processes, 2. becomes a section of its own, as only programs of whole sections are kept.

So a graph that lowers completely is one program, and one with k host operations that depend on each other at most k + 1.
"""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.input_form import InputForm
from penstock._src.compiler.blocks.inputs import SMALL_VALUE, STRINGS, ProgramInputs
from penstock._src.compiler.blocks.kinds import ARRAY, input_kinds
from penstock._src.compiler.blocks.placing import Placing, refuse_without_kernel
from penstock._src.compiler.blocks.results import ProgramResults
from penstock._src.compiler.blocks.section import Section, WaitingSection
from penstock._src.compiler.blocks.steps import ProgramForm, Source
from penstock._src.compiler.host.locks import locked_resources, resource_of
from penstock._src.compiler.host.running import reads_reference, run_on_host
from penstock._src.compiler.host.steps import HostStep, host_step
from penstock._src.compiler.lower import (  # noqa: F401  (they register handlers)
    branches,
    checks,
    control_flow,
    dynamic_rows_ops,
    dynamic_rows_sources,
    tensor_lists,
)
from penstock._src.compiler.lower.checks import nodes_of
from penstock._src.compiler.lower.context import LoweringContext, Refusal
from penstock._src.compiler.lower.lowering import HANDLERS, Lowering
from penstock._src.compiler.lower.values import DynamicRows
from penstock._src.compiler.pipeline import prepare
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import drop_frames
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes import host_lists, own_sizes
from penstock._src.ir.errors import LoweringDefect, NotLowerable, RefusedArguments
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import current
from penstock._src.ir.function import Function, reachable
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks


@dataclass(frozen=True)
class Specialized:
    """The steps of a section, and the sections that wait for them, in the order in which they run.

    slots    slots of tensors, by their ids
    initial  content of the slots after those of the inputs before a run: constants, and None for those that steps write
    """

    steps: list[HostStep | ProgramForm]
    waiting: Sequence[WaitingSection]
    slots: dict[int, int]
    initial: list[Any]
    form: InputForm  # of the program's inputs
    inputs: int  # number of inputs
    outputs: list[int]  # slots of the outputs

    @property
    def fits_any(self) -> bool:
        """True if the steps are valid for inputs of any shapes: none of them is a program."""
        return not any(isinstance(step, ProgramForm) for step in self.steps)

    @forks.cached_property
    def only_program(self) -> ProgramForm | None:
        """The only step, if it is a program that computes the outputs from the inputs as they are."""
        if len(self.steps) != 1 or self.waiting:
            return None
        (step,) = self.steps
        if not isinstance(step, ProgramForm) or not step.is_plain:
            return None
        passes_all = step.writes == self.outputs and step.reads == list(range(self.inputs))
        return step if passes_all else None


@dataclass(frozen=True)
class Deferral:
    """The reason why an operation is not part of the program, and the condition under which it would be.

    values  inputs for whose values the section should be specialized first
    needs   tensors that the program computes: the operation is lowered afterwards, with their values
    """

    op: Operation
    error: NotLowerable | LoweringDefect
    values: Sequence[int] = ()
    needs: Sequence[Any] = ()
    is_final: bool = True  # the host runs it: nothing that is known later changes that

    def __post_init__(self) -> None:
        if isinstance(self.error, NotLowerable):
            drop_frames(self.error)  # they would keep the callers' values alive


@dataclass(frozen=True)
class LoweredSection:
    """The operations of a section that were lowered, and those that were not."""

    p: LoweringContext
    inputs: ProgramInputs
    values: Mapping[int, Any]  # a tensor's id -> its lowered value
    ops: list[Operation]
    left: list[Operation]
    deferrals: list[Deferral]
    wanted: set[int]  # inputs for whose values the section should be specialized first
    device: int | None  # of the program


class Slots:
    """The slots of tensors, numbered in order of first use after the inputs of the section."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.of = {t._id: i for i, t in enumerate(inputs)}
        self.count = len(inputs)

    def slot(self, tensor: Any) -> int:
        """The slot of a tensor, a new one if it has none."""
        if tensor._id not in self.of:
            self.of[tensor._id] = self.count
            self.count += 1
        return self.of[tensor._id]


def specialize(
    section: Section,
    values: Sequence[Any],
    left_open: frozenset[str] = frozenset(),
    is_kept: bool = False,
) -> Specialized | list[int]:
    """The steps for these inputs; or positions of inputs whose values would let more of the section be lowered.

    Args:
      section: the operations to execute.
      values: its inputs.
      left_open: the kinds of unknown numbers ("d" for extents, "v" for given ones) whose operations, if they need one, are left to the host.
      is_kept: True if programs of whole sections are kept for other processes.
    """
    slots = Slots(section.inputs)
    constants: dict[int, Any] = {}  # slot -> value
    steps: list[HostStep | ProgramForm] = []
    reasons = Reasons(section)
    pending = take_host_steps(section.ops, reasons, section.states, slots, steps, constants)
    deferrals: list[Deferral] = []
    form = InputForm()
    waiting: list[WaitingSection] = []
    if is_kept and not steps:
        first = before_the_host(pending, reasons)
        if first:
            taken = {op.name for op in first}
            rest = [op for op in pending if op.name not in taken]
            waiting.append(what_waits(section, first, {}, (), slots, rest))
            pending = rest
    # After a host step all other operations wait, even those that could be lowered now, so that they form one program.
    if pending and not steps and not waiting:
        recording = current()
        assert isinstance(recording, Recording)
        with recording.lowering(left_open):
            lowered = lower_ready(section, pending, values, reasons)
        if lowered.wanted:
            return sorted(lowered.wanted)
        deferrals, form = lowered.deferrals, lowered.inputs.form
        pending = lowered.left
        steps += program_of(section, lowered, slots)
        pending = take_host_steps(pending, reasons, section.states, slots, steps, constants)
    if pending:
        waiting.append(what_waits(section, pending, reasons.host, deferrals, slots))
    initial = [constants.get(slot) for slot in range(len(section.inputs), slots.count)]
    outputs = [slots.of[t._id] for t in section.outputs]
    return Specialized(steps, waiting, slots.of, initial, form, len(section.inputs), outputs)


# -- the host


class Reasons:
    """The reasons why operations run on the host; operations whose lowering fails are added to `host`."""

    def __init__(self, section: Section) -> None:
        self.section = section
        ops = section.ops
        self.host = {**section.host, **own_sizes.for_host(ops), **host_lists.for_host(ops)}
        makers = [*section.ops, *[t.op for t in section.inputs]]
        self.has_references = any(op.raw_op.traits.has_refs for op in makers)

    def why(self, op: Operation) -> str | None:
        """The reason why an operation runs on the host, or None if it may be lowered."""
        if self.section.why_host:
            return self.section.why_host
        if op.name in self.host:
            return self.host[op.name]
        if self.has_references and reads_reference(op):
            return "it reads a v1 variable, which the host holds"
        if op.type in HANDLERS:
            return None
        if not op.raw_op.has_lowering:
            return f"{op.type} has no lowering"
        return STRINGS if _has_strings(op) else None


def _has_strings(op: Operation) -> bool:
    """True if an operation without a handler has inputs or outputs that are strings: no program can contain it."""
    return any(t.dtype is dtypes.string for t in (*op._inputs, *op._outputs))


def take_host_steps(
    ops: Sequence[Operation],
    reasons: Reasons,
    states: dict[Any, Any],
    slots: Slots,
    steps: list[HostStep | ProgramForm],
    constants: dict[int, Any],
) -> list[Operation]:
    """Turns operations that only the host runs, and whose inputs are ready, into steps; returns the others.

    A constant needs no step: its slot contains it from the start.
    """
    pending = list(ops)
    while True:
        waiting = {op.name for op in pending}
        uncomputed = {t._id for op in pending for t in op._outputs}
        locked = locked_resources(pending, uncomputed)
        ready = []
        for op in pending:
            blocked = any(c.name in waiting for c in op._control_inputs)
            if blocked or any(t._id in uncomputed for t in op._inputs) or reasons.why(op) is None:
                continue
            if op.raw_op.effects.holds_until_consumed:
                # A second operation that locks the same mutex would wait forever for a step after it.
                key = resource_of(op)
                if key in locked:
                    continue
                locked.add(key)
            ready.append(op)
        if not ready:
            return pending
        for op in ready:
            writes = [slots.slot(t) for t in op._outputs]
            if op.type == "Const":
                constants[writes[0]] = run_on_host(op, [])[0]
            else:
                refuse_without_kernel(reasons.section, op)
                reads = [slots.of[t._id] for t in op._inputs]
                steps.append(host_step(op, reads, writes, reasons.why(op) or "", states))
        done = {op.name for op in ready}
        pending = [op for op in pending if op.name not in done]


def before_the_host(ops: Sequence[Operation], reasons: Reasons) -> list[Operation]:
    """The operations that depend on none of those that the host runs, if there are any of these.

    Constants and copies that none of them reads are left to the others: a program that is kept computes all of its results.
    """
    after = {op.name for op in ops if reasons.why(op) is not None}
    if not after:
        return []
    # By tensors: an operation that a pass has replaced is still the `op` of its results.
    makers = {t._id: op.name for op in ops for t in op._outputs}
    count = 0
    while count != len(after):  # once more: operations of loops may read later ones
        count = len(after)
        after.update([op.name for op in ops if not after.isdisjoint(_names_read(op, makers))])
    first = [op for op in ops if op.name not in after]
    read = {name for op in first for name in _names_read(op, makers)}
    return [op for op in first if op.name in read or op.type not in ("Const", "Identity")]


def _names_read(op: Operation, makers: Mapping[int, str]) -> list[str]:
    """The names of the operations on which an operation depends, of those that make tensors by `makers`."""
    made = [makers[t._id] for t in op._inputs if t._id in makers]
    return [*made, *[maker.name for maker in op._control_inputs]]


# -- the program


def lower_ready(
    section: Section, pending: Sequence[Operation], values: Sequence[Any], reasons: Reasons
) -> LoweredSection:
    """Lowers all operations that do not wait for the host."""
    p = LoweringContext()
    inputs = ProgramInputs(p, section.states)
    lowering = Lowering(p)
    by_value = frozenset(section.values or ())
    for i, tensor in enumerate(section.inputs):
        if tensor._id in section.constants:
            (lowering.values[tensor._id],) = HANDLERS["Const"](lowering, tensor.op, [])
            continue
        if tensor._id not in section.for_host:
            lowering.values[tensor._id] = inputs.leaf(i, tensor, values[i], i in by_value)
    deferrals: list[Deferral] = []
    left: list[Operation] = []
    waiting: set[str] = set()
    wanted: set[int] = set()
    placing = Placing(section, values)
    for op in pending:
        if not (_must_wait(op, lowering, waiting, reasons) or placing.is_elsewhere(op)):
            p.device = placing.device
            deferral = _lower(section, op, inputs, lowering, values)
            # This attempt is discarded, but continues with the values, to find the ones that later operations request.
            while deferral is not None and not wanted.issuperset(deferral.values):
                wanted.update(deferral.values)
                inputs.tell({i: values[i] for i in deferral.values})
                deferral = _lower(section, op, inputs, lowering, values)
            if deferral is None:
                continue
            deferrals.append(deferral)
            if deferral.is_final:
                reasons.host[op.name] = str(deferral.error)
        left.append(op)
        waiting.add(op.name)
    lowered = [op for op in pending if op.name not in waiting]
    return LoweredSection(
        p=p,
        inputs=inputs,
        values=lowering.values,
        ops=lowered,
        left=left,
        deferrals=deferrals,
        wanted=wanted,
        device=placing.device,
    )


def _lower(
    section: Section,
    op: Operation,
    inputs: ProgramInputs,
    lowering: Lowering,
    values: Sequence[Any],
) -> Deferral | None:
    """Lowers an operation, or returns the reason why it cannot be part of the program."""
    p = lowering.p
    p.asked.clear()
    # If a function fails to lower halfway, its assignments so far must be undone: the host runs all of it.
    whole = p.whole_or_not() if _may_assign(op) else contextlib.nullcontext()
    try:
        with whole:
            lowering.lower(op)
    except (NotLowerable, LoweringDefect) as error:
        return _deferral(section, op, error, inputs, lowering, values)
    return None


def _must_wait(op: Operation, lowering: Lowering, waiting: set[str], reasons: Reasons) -> bool:
    """True if an operation cannot be part of the program: it runs on the host, or depends on one that waits."""
    if reasons.why(op) is not None:
        return True
    if any(c.name in waiting for c in op._control_inputs):
        return True
    return any(t._id not in lowering.values for t in op._inputs)


def _may_assign(op: Operation) -> bool:
    """True if lowering an operation may write to variables, itself or in a function that it calls."""
    return op.raw_op.stateful or op.raw_op.flow.runs_functions


def _deferral(
    section: Section,
    op: Operation,
    error: NotLowerable | LoweringDefect,
    inputs: ProgramInputs,
    lowering: Lowering,
    values: Sequence[Any],
) -> Deferral:
    """Classifies a failed lowering: final, or possible once more values are known."""
    if any(isinstance(lowering.values.get(t._id), DynamicRows) for t in op._inputs):
        # it is lowered afterwards, when the number of rows is known
        return Deferral(op, error, is_final=False)
    if isinstance(error, (RefusedArguments, LoweringDefect)):
        return Deferral(op, error)
    asked = lowering.p.asked  # nodes whose values the lowering requested
    positions = _input_positions(asked, inputs)
    wanted: list[int] = []
    # Specialize for the values of all these inputs, or of none: knowing only some of them would not help.
    if positions and section.values is not None:
        small = [i for i in positions if _is_small(section, i, values[i])]
        if len(small) == len(positions):
            wanted = [i for i in small if i not in section.values]
    ids = {node.id for node in asked}
    needs = [t for t in op._inputs if getattr(lowering.values.get(t._id), "id", None) in ids]
    # A constant that has too many elements to be known now has as many later on.
    needs = [t for t in needs if t.op.type != "Const"]
    if needs and not positions:
        return Deferral(op, error, needs=needs, is_final=False)
    return Deferral(op, error, wanted)


def _is_small(section: Section, position: int, value: Any) -> bool:
    """True if a program may be specialized for the value of an input: a few integers. An input of unknown length is data, such as row splits."""
    tensor = section.inputs[position]
    if not tensor.shape.is_fully_defined():
        return False
    is_exact = tensor.dtype.is_integer or tensor.dtype.is_bool
    return is_exact and input_kinds([tensor]) == [ARRAY] and value.size <= SMALL_VALUE


def _input_positions(nodes: Sequence[Node], inputs: ProgramInputs) -> list[int]:
    """The inputs on which nodes depend; none if they also depend on a list, or on a value that the host computes for each run."""
    positions = [inputs.positions.get(n.id) for n in reachable(nodes) if n.kind == "parameter"]
    if None in positions:
        return []
    return sorted({i for i in positions if i is not None})


def program_of(section: Section, lowered: LoweredSection, slots: Slots) -> list[ProgramForm]:
    """The form of the step for the lowered operations; nothing if they have neither results nor effects."""
    p, inputs = lowered.p, lowered.inputs
    needed = {t._id for op in lowered.left for t in op._inputs} | {t._id for t in section.outputs}
    results = ProgramResults(p, inputs)
    outputs = [t for op in lowered.ops for t in op._outputs if t._id in needed]
    written = [t for t in outputs if t._id not in slots.of]
    if lowered.device is None:  # a GPU's arrays have no views
        results.choose_views([lowered.values[t._id] for t in written])
    makers = [(slots.slot(t), results.source(lowered.values[t._id])) for t in written]
    function = p.function(section.name, inputs.parameters, results.nodes)
    sources: Sequence[Source] = inputs.sources
    if lowered.left:
        # Inputs that only the operations left read would be checked and passed at each run.
        function, sources = _with_read_inputs(function, sources, p.assertions)
    steps = []
    if makers or function.updates or function.checks or function.exchanges:
        prepared = prepare(function, lowered.device, section.pack)
        steps = [ProgramForm(prepared, sources, makers, lowered.ops, p.assertions, p.equal)]
    p.forget()
    return steps


def _with_read_inputs(
    function: Function, sources: Sequence[Source], refusals: Mapping[Any, Refusal]
) -> tuple[Function, list[Source]]:
    """The function and its sources without the inputs that neither it nor the operations that report its failed checks read."""
    refused = [node for refusal in refusals.values() for node in nodes_of(refusal)]
    handles = [handle for handle, _ in function.updates]
    read = {node.id for node in reachable([*function.roots, *handles, *refused])}
    kept = [
        (parameter, source)
        for parameter, source in zip(function.parameters, sources, strict=True)
        if parameter.id in read or source[0] != "input"
    ]
    parameters = tuple([parameter for parameter, _ in kept])
    return dataclasses.replace(function, parameters=parameters), [source for _, source in kept]


def what_waits(
    section: Section,
    pending: Sequence[Operation],
    host: Mapping[str, str],
    deferrals: Sequence[Deferral],
    slots: Slots,
    readers: Sequence[Operation] = (),
) -> WaitingSection:
    """Makes a section of the operations that wait; further ones, `readers`, may read its results."""
    computed = {t._id for op in pending for t in op._outputs}
    reads = {t._id: t for op in pending for t in op._inputs if t._id not in computed}
    needed = {t._id for t in section.outputs} | {t._id for op in readers for t in op._inputs}
    # In the order of the operations, in which a program gives them.
    outputs = [t for op in pending for t in op._outputs if t._id in needed]
    inputs = list(reads.values())
    wanted = {t._id for deferral in deferrals for t in deferral.needs}
    # Values that are known stay so: two requests of one operation would else take turns for ever.
    wanted |= {section.inputs[i]._id for i in section.values or ()}
    own = {op._outputs[0]._id for op in section.ops if op.type == "Const"}
    lowered = {t._id for op in pending if op.name not in host for t in op._inputs}
    rest = dataclasses.replace(
        section,
        ops=pending,
        inputs=inputs,
        outputs=outputs,
        why_host="",
        host=host,
        constants=section.constants | own,
        values=tuple([i for i, t in enumerate(inputs) if t._id in wanted]),
        for_host=frozenset(reads) - lowered,
    )
    reasons = {d.op.name: f"{d.op.type}: {d.error}" for d in deferrals}
    return WaitingSection(
        rest, reasons, [slots.of[t._id] for t in inputs], [slots.slot(t) for t in outputs]
    )
