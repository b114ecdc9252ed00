"""Executable -> Explanation: the records of its programs, collected on request."""

from typing import Any

from penstock._src.compiler.blocks.block import BlockStep
from penstock._src.compiler.blocks.steps import ProgramStep
from penstock._src.compiler.explain.kernels import kernel_records, shown_extents
from penstock._src.compiler.explain.records import (
    CalledRecord,
    Explanation,
    HostRecord,
    ProgramRecord,
    WaitingRecord,
)
from penstock._src.compiler.host.steps import HostStep
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation


def explanation(executable: Any) -> Explanation:
    """Collects the records of all specializations made so far."""
    steps: list[Any] = []
    _collect(executable, steps, {id(executable)})
    inputs, outputs = tuple(executable.inputs), tuple(executable.outputs)
    return Explanation(executable.name, inputs, outputs, tuple(executable.ops), tuple(steps))


def _collect(executable: Any, steps: list[Any], seen: set[int]) -> None:
    """Adds the steps of an executable, each before those of the functions that it calls on the host."""
    for step in executable.steps():
        if isinstance(step, HostStep):
            number = 1 + sum(isinstance(s, HostRecord) for s in steps)
            steps.append(HostRecord(number, step.op, step.why))
            for function in _functions_of(step.op):
                # Functions may call themselves, or be called twice: each is reported once.
                if id(function.executable) not in seen:
                    seen.add(id(function.executable))
                    steps.append(CalledRecord(step.op, function.name))
                    _collect(function.executable, steps, seen)
        elif isinstance(step, BlockStep):
            steps.append(WaitingRecord(tuple(step.ops), dict(step.reasons)))
        elif isinstance(step, ProgramStep):
            number = 1 + sum(len(s.kernels) for s in steps if isinstance(s, ProgramRecord))
            steps.append(program_record(step, number))


def _functions_of(op: Operation) -> list[GraphFunction]:
    """The functions that an operation may call."""
    values = [v for value in op.attributes.values() for v in _as_list(value)]
    return [value for value in values if isinstance(value, GraphFunction)]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def program_record(step: ProgramStep, number: int) -> ProgramRecord:
    """A program with its kernels, numbered from `number`."""
    compiled, plan = step.compiled, getattr(step.compiled.program, "plan", None)
    kernels = kernel_records(plan, step.form.equal, step.ops, number) if plan else []
    extents = shown_extents(compiled.extents)
    equal = {i: tuple(ops) for i, ops in step.form.equal.items()}
    return ProgramRecord(
        compiled.function, compiled, tuple(step.ops), tuple(kernels), equal, extents
    )


def operations_in(program: ProgramRecord) -> tuple[Operation, ...]:
    """The operations of a program and of the functions that it calls, as far as something is left of them."""
    inner = [op for k in program.kernels for op in k.operations]
    return tuple(dict.fromkeys([*program.operations, *inner]))
