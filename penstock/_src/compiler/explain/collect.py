"""Executable -> Explanation: what stands in its programs, gathered when somebody asks."""

from __future__ import annotations

from typing import Any

from penstock._src.compiler.blocks.block import BlockStep
from penstock._src.compiler.blocks.steps import HostStep, ProgramStep
from penstock._src.compiler.explain.kernels import kernel_records
from penstock._src.compiler.explain.records import (
    Explanation,
    HostRecord,
    ProgramRecord,
    WaitingRecord,
)
from penstock._src.graph.operation import Operation


def explanation(executable: Any) -> Explanation:
    """What is known of all specializations made so far."""
    steps: list[Any] = []
    number = 1
    for step in executable.steps():
        if isinstance(step, HostStep):
            steps.append(HostRecord(step.op, step.why))
        elif isinstance(step, BlockStep):
            steps.append(WaitingRecord(tuple(step.ops), dict(step.reasons)))
        elif isinstance(step, ProgramStep):
            steps.append(program_record(step, number))
            number += len(steps[-1].kernels)
    inputs, outputs = tuple(executable.inputs), tuple(executable.outputs)
    return Explanation(executable.name, inputs, outputs, tuple(executable.ops), tuple(steps))


def program_record(step: ProgramStep, number: int) -> ProgramRecord:
    """A program with its kernels, numbered from `number`."""
    compiled, plan = step.compiled, getattr(step.compiled.program, "plan", None)
    kernels = kernel_records(plan, step.equal, step.ops, number) if plan else []
    equal = {i: tuple(ops) for i, ops in step.equal.items()}
    return ProgramRecord(compiled.function, compiled, tuple(step.ops), tuple(kernels), equal)


def operations_in(program: ProgramRecord) -> tuple[Operation, ...]:
    """The operations of a program and of the functions that it calls, as far as something is left of them."""
    inner = [op for k in program.kernels for op in k.operations]
    return tuple(dict.fromkeys([*program.operations, *inner]))
