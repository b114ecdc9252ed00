"""A block for given shapes: what is lowered, what the host runs, and in which order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.compiler.blocks.ending import can_end, run_others
from penstock._src.compiler.blocks.inputs import ARRAY, SMALL_VALUE, Leaves
from penstock._src.compiler.blocks.steps import (
    BlockStep,
    HostStep,
    ProgramStep,
    reads_reference,
    run_on_host,
)
from penstock._src.compiler.lower import (  # noqa: F401  (they register handlers)
    branches,
    checks,
    control_flow,
    dynamic_rows_ops,
    dynamic_rows_sources,
    tensor_lists,
)
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.lowering import HANDLERS, Lowering
from penstock._src.compiler.lower.values import DynamicRows, HostValue, ListValue, known_length
from penstock._src.core.errors import OpError, OutOfRangeError
from penstock._src.core.shapes import UNKNOWN, make_shape
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import MalformedFunction, NotLowerable
from penstock._src.ir.function import reachable
from penstock._src.ir.node import Node
from penstock._src.ops.control.list_value import TensorList

if TYPE_CHECKING:
    from penstock._src.compiler.blocks.block import Block


class Specialization:
    """The steps that execute a block for inputs of given shapes. Values stand in slots; the inputs come first.

    `rest` is what the slots after those of the inputs hold before a run: constants, and None for what steps write.
    `slot_of` says where tensors stand, by their ids.
    """

    def __init__(
        self,
        steps: list[Any],
        rest: list[Any],
        outputs: list[int],
        inputs: int,
        slot_of: dict[int, int],
    ) -> None:
        self.steps, self.rest, self.outputs, self.slot_of = steps, rest, outputs, slot_of
        self.run: Callable[[Sequence[Any]], list[Any]] = self.run_steps
        if len(steps) == 1 and isinstance(steps[0], ProgramStep):
            step = steps[0]
            if step.writes == outputs and step.is_plain and step.reads == list(range(inputs)):
                self.run = step.run

    def run_steps(self, values: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs."""
        slots = [*values, *self.rest]
        try:
            for step in self.steps:
                step(slots)
        except OutOfRangeError:
            self.end(step, slots)
            raise
        return [slots[i] for i in self.outputs]

    def end(self, step: Any, slots: list[Any]) -> None:
        """Does what does not depend on the step that failed for want of data."""
        if not isinstance(step, HostStep) or step.states is None or not can_end(step.op):
            return
        later = self.steps[self.steps.index(step) + 1 :]
        missing = {slot for each in (step, *later) for slot in each.writes}
        values = {t: slots[slot] for t, slot in self.slot_of.items() if slot not in missing}
        ops = [op for each in later for op in each.ops]
        run_others(ops, step.op, values, step.states)


class _Planner:
    """Makes the steps of one specialization."""

    def __init__(self, block: Block, values: Sequence[Any]) -> None:
        self.block = block
        self.slot_of = {t._id: i for i, t in enumerate(block.inputs)}
        self.slots = len(block.inputs)
        self.constants: dict[int, Any] = {}  # slot -> value
        self.values = values
        self.steps: list[Any] = []
        self.pending = list(block.ops)
        self.wanted: list[int] = []  # inputs whose values would let more be lowered
        self.host = dict(block.host)
        makers = [*block.ops, *[t.op for t in block.inputs]]
        self.has_references = any(getattr(op.raw_op, "has_refs", False) for op in makers)
        self.wants: dict[str, list[Any]] = {}  # operation -> tensors whose values it needs
        self.reasons: dict[str, str] = {}  # operation -> why it was not lowered with the others

    def slot(self, tensor: Any) -> int:
        """The slot of a tensor, a new one if it has none."""
        if tensor._id not in self.slot_of:
            self.slot_of[tensor._id] = self.slots
            self.slots += 1
        return self.slot_of[tensor._id]

    def plan(self) -> Specialization | None:
        """The specialization, or None if the block should be specialized for the values of `wanted` first."""
        self.take_host_steps()
        if self.pending and not self.steps:
            self.take_program()
            if self.wanted:
                return None
            self.take_host_steps()
        if self.pending:
            self.leave_rest()
        outputs = [self.slot_of[t._id] for t in self.block.outputs]
        inputs = len(self.block.inputs)
        rest = [self.constants.get(slot) for slot in range(inputs, self.slots)]
        return Specialization(self.steps, rest, outputs, inputs, self.slot_of)

    # -- the host

    def take_host_steps(self) -> None:
        """Turns operations that only the host runs, and whose inputs are there, into steps."""
        while True:
            waiting = {op.name for op in self.pending}
            made = {t._id for op in self.pending for t in op._outputs}
            ready = []
            for op in self.pending:
                blocked = any(c.name in waiting for c in op._control_inputs)
                if blocked or any(t._id in made for t in op._inputs) or self.why_host(op) is None:
                    continue
                ready.append(op)
            if not ready:
                return
            for op in ready:
                self.take_host_step(op)
            done = {op.name for op in ready}
            self.pending = [op for op in self.pending if op.name not in done]

    def take_host_step(self, op: Operation) -> None:
        """Turns an operation into a step; a constant into what its slot holds from the start."""
        writes = [self.slot(t) for t in op._outputs]
        if op.type == "Const":
            self.constants[writes[0]] = run_on_host(op, [])[0]
            return
        reads = [self.slot_of[t._id] for t in op._inputs]
        why = self.why_host(op) or ""
        self.steps.append(HostStep(op, reads, writes, why, self.block.states))

    def why_host(self, op: Operation) -> str | None:
        """Why an operation runs on the host, or None if it may lower."""
        if self.block.why_host:
            return self.block.why_host
        if op.name in self.host:
            return self.host[op.name]
        if self.has_references and reads_reference(op):
            return "it reads a v1 variable, which the host holds"
        if op.type in HANDLERS or op.raw_op.has_lowering:
            return None
        return f"{op.type} has no lowering"

    # -- the program

    def take_program(self) -> None:
        """Lowers all that does not wait for the host into one program."""
        p = LoweringContext()
        leaves = Leaves(p, self.block.states)
        lowering = Lowering(p)
        for i, tensor in enumerate(self.block.inputs):
            if tensor._id in self.block.constants:
                (lowering.values[tensor._id],) = HANDLERS["Const"](lowering, tensor.op, [])
                continue
            by_value = i in self.block.value_positions
            lowering.values[tensor._id] = leaves.leaf(i, tensor, self.values[i], by_value)
        deferred: list[Operation] = []
        waiting: set[str] = set()
        for op in self.pending:
            if self.must_wait(op, lowering, waiting):
                deferred.append(op)
                waiting.add(op.name)
                continue
            p.asked.clear()
            # A function that is left to the host after half of it must not have assigned anything.
            whole = p.whole_or_not() if _may_assign(op) else contextlib.nullcontext()
            try:
                with whole:
                    lowering.lower(op)
            except (NotLowerable, MalformedFunction, OpError, ValueError) as error:
                self.defer(op, error, p.asked, leaves, lowering)
                deferred.append(op)
                waiting.add(op.name)
        lowered = [op for op in self.pending if op.name not in waiting]
        self.pending = deferred
        if self.wanted:
            return  # the block is specialized again, for these values
        self.emit_program(p, leaves, lowering, lowered)

    def must_wait(self, op: Operation, lowering: Lowering, waiting: set[str]) -> bool:
        """Whether an operation cannot be part of the program: it is the host's, or depends on what waits."""
        if self.why_host(op) is not None:
            return True
        if any(c.name in waiting for c in op._control_inputs):
            return True
        return any(t._id not in lowering.values for t in op._inputs)

    def defer(
        self, op: Operation, error: Exception, asked: list[Node], leaves: Leaves, lowering: Lowering
    ) -> None:
        """Notes why an operation does not lower, and whether knowing values would help."""
        self.reasons[op.name] = f"{op.type}: {error}"
        if any(isinstance(lowering.values.get(t._id), DynamicRows) for t in op._inputs):
            return  # it is lowered afterwards, when the number of rows is known
        positions = _inputs_behind(asked, leaves)
        small = [i for i in positions if self.is_small(i)]
        if asked and small and self.block.by_value and isinstance(error, NotLowerable):
            new = [i for i in small if i not in self.block.value_positions]
            if new and len(small) == len(positions):
                self.wanted += new
        ids = {node.id for node in asked}
        values = [t for t in op._inputs if getattr(lowering.values.get(t._id), "id", None) in ids]
        if values and isinstance(error, NotLowerable) and not positions:
            self.wants[op.name] = (
                values  # computed by the program: it is lowered afterwards, with its value
            )
        else:
            self.host[op.name] = str(error)

    def is_small(self, position: int) -> bool:
        """Whether a program may be specialized for the value of an input."""
        tensor, value = self.block.inputs[position], self.values[position]
        exact = tensor.dtype.is_integer or tensor.dtype.is_bool
        return exact and self.block.kinds[position] == ARRAY and value.size <= SMALL_VALUE

    def emit_program(
        self, p: LoweringContext, leaves: Leaves, lowering: Lowering, lowered: list[Operation]
    ) -> None:
        """Makes the step for what was lowered, if it gives anything."""
        needed = {t._id for op in self.pending for t in op._inputs} | {
            t._id for t in self.block.outputs
        }
        results = _Results()
        makers: list[tuple[int, Any]] = []  # slot, and how its value is found after a run
        for op in lowered:
            for tensor in op._outputs:
                if tensor._id in needed and tensor._id not in self.slot_of:
                    maker = self.maker(p, leaves, lowering.values[tensor._id], results)
                    makers.append((self.slot(tensor), maker))
        symbols = leaves.symbols.values()
        function = p.function(self.block.name, leaves.parameters, results.nodes, symbols)
        if makers or function.updates or function.checks:
            self.steps.append(
                ProgramStep(function, leaves.sources, makers, lowered, p.assertions, p.equal)
            )
        p.forget()

    def maker(
        self, p: LoweringContext, leaves: Leaves, value: Any, results: _Results
    ) -> tuple[str, Any]:
        """How a lowered value is found after a run: ("result", its number), ("known", an array), ("input", slot), ..."""
        if isinstance(value, ListValue):
            return self.list_maker(p, leaves, value, results)
        if isinstance(value, DynamicRows):
            return "rows", (results.place(value.rows), results.place(value.count))
        if isinstance(value, HostValue) and value.value is not None:
            return "known", value.value
        if isinstance(value, HostValue):
            raise MalformedFunction(f"a lowered operation gave what the host holds: {value.why}")
        known = p.value(value) if value.kind in ("constant", "size") else None
        if known is not None:
            return "known", known
        if value.id in leaves.positions:
            return "input", leaves.positions[value.id]
        return "result", results.place(value)

    def list_maker(
        self, p: LoweringContext, leaves: Leaves, value: ListValue, results: _Results
    ) -> tuple[str, Any]:
        length = known_length(p, value)
        if value.buffer is None:
            shape = make_shape(value.element_shape) if value.element_shape is not None else UNKNOWN
            if length is None:  # reserved, not written to, as long as the run says
                return "reserved", (results.add(value.length), value.dtype, shape)
            return "known", TensorList(value.dtype, shape, [None] * int(length))
        at = results.add(value.memory)
        if length is None:
            results.add(value.length)
        return "list", (at, int(length) if length is not None else -1, value.dtype)

    # -- what is left

    def leave_rest(self) -> None:
        """Makes a block of what has to wait."""
        pending = self.pending
        made = {t._id for op in pending for t in op._outputs}
        reads: dict[int, Any] = {}
        for op in pending:
            for tensor in op._inputs:
                if tensor._id not in made:
                    reads[tensor._id] = tensor
        outputs = [t for t in self.block.outputs if t._id in made]
        outputs = list({t._id: t for t in outputs}.values())
        inputs = list(reads.values())
        wanted = {t._id for tensors in self.wants.values() for t in tensors}
        values = [i for i, t in enumerate(inputs) if t._id in wanted]
        own = {op._outputs[0]._id for op in self.block.ops if op.type == "Const"}
        rest = type(self.block)(
            self.block.name,
            pending,
            inputs,
            outputs,
            self.host,
            self.block.states,
            values,
            self.block.constants | own,
        )
        step = BlockStep(
            rest,
            self.reasons,
            [self.slot_of[t._id] for t in inputs],
            [self.slot(t) for t in outputs],
        )
        self.steps.append(step)


def _may_assign(op: Operation) -> bool:
    """Whether lowering an operation may write to variables, itself or in a function that it calls."""
    return op.raw_op.stateful or op.raw_op.runs_functions


class _Results:
    """The results of a program in the making."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._places: dict[int, int] = {}  # where a node stands first

    def add(self, value: Node) -> int:
        """Puts a value at their end; returns its place."""
        self.nodes.append(value)
        self._places.setdefault(value.id, len(self.nodes) - 1)
        return len(self.nodes) - 1

    def place(self, value: Node) -> int:
        """Where a value stands among them, at their end if it is none yet."""
        found = self._places.get(value.id)
        return self.add(value) if found is None else found


def _inputs_behind(asked: Sequence[Node], leaves: Leaves) -> list[int]:
    """The inputs on which nodes depend whose values were asked for."""
    found = [leaves.positions.get(n.id) for n in reachable(asked) if n.kind == "parameter"]
    if None in found:
        return []
    return sorted({i for i in found if i is not None})


def specialize(block: Block, values: Sequence[Any]) -> tuple[Specialization | None, list[int]]:
    """The specialization of a block; or None, and inputs whose values would let more of it be lowered."""
    planner = _Planner(block, values)
    return planner.plan(), planner.wanted
