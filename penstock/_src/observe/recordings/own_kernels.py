"""A recorded run of another library by Penstock's kernels: each operation on the very operands that the other library had.

So what differs is what one operation computes, not what came before it.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.host.running import run_on_host
from penstock._src.core.errors import OpError
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.replay import Replay
from penstock._src.observe.debugger.scope import Scope
from penstock._src.observe.debugger.snapshot import is_kept
from penstock._src.observe.recordings.comparison import allowed_for, apart
from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.parting import MOST_LISTED, Report
from penstock._src.observe.recordings.repeated import Computed, collector, snapshot_of


def report(run: RecordedRun, tolerance: float | None) -> Report:
    """Reports which operations Penstock computes otherwise than a recorded run with values.

    Args:
      run: one that holds what its operations computed.
      tolerance: how far values may lie apart, relative to the largest of them; None: by rounding of their type.
    """
    replay = _Substituting(run, tolerance)
    error = ""
    try:
        replay.run()
    except OpError as raised:
        error = f"Penstock's run ended with {type(raised).__name__}: {raised}"
    lines = list(replay.found[:MOST_LISTED])
    if len(replay.found) > MOST_LISTED:
        lines.append(f"{len(replay.found) - MOST_LISTED} further operations differ")
    compared = f"in {replay.compared} operations of {' '.join(run.recorded_by)} on equal operands"
    return Report(lines + [error] * bool(error), compared)


def explained(
    comparison: Report, first: RecordedRun, second: RecordedRun, tolerance: float | None
) -> Report:
    """Adds to a report of two libraries which operations, gradients among them, Penstock computes otherwise on equal operands."""
    for run in (first, second):
        if run.values is not None:
            alone = report(run, tolerance)
            verdict = (
                f"their gradients are made of other operations; the same values {alone.compared}"
            )
            return Report(comparison.lines + (alone.lines or [verdict]), comparison.compared)
    return comparison


# Number of perturbed runs, and the factor of their spread that results may differ by.
_MEMBERS, _FACTOR = 4, 8


class _Substituting(Replay):
    """Computes each operation, compares it with the recorded result, and continues with the recorded one."""

    def __init__(self, run: RecordedRun, tolerance: float | None) -> None:
        super().__init__(snapshot_of(run), collector(run, []))
        self._run, self._tolerance = run, tolerance
        self._recorded: dict[tuple[str, str], collections.deque[dict[int, Any]]] = {}
        for function, name, outputs in run.values or ():
            self._recorded.setdefault((function, name), collections.deque()).append(outputs)
        self.found: list[str] = []
        self.compared = 0

    def compute(self, op: Operation, scope: Scope) -> None:
        """Computes the outputs of an operation."""
        if op.outputs and all(t._id in scope.values for t in op.outputs):
            return
        recorded = self._recorded.get((op.graph.name, op.name))
        if not recorded:
            super().compute(op, scope)
            return
        if is_kept(op):  # random numbers, elements of datasets
            for number, tensor in enumerate(op.outputs):
                scope.values[tensor._id] = recorded[0].get(number)
            recorded.popleft()
            return
        arguments = [self.value(tensor) for tensor in op._inputs]
        super().compute(op, scope)
        outputs = recorded.popleft()
        self._compare(op, arguments, [scope.values[t._id] for t in op.outputs], outputs)
        for number, value in outputs.items():
            if value is not None:
                scope.values[op.outputs[number]._id] = value

    def _compare(
        self,
        op: Operation,
        arguments: Sequence[Any],
        results: Sequence[Any],
        outputs: dict[int, Any],
    ) -> None:
        self.compared += 1
        for number, value in outputs.items():
            how = apart(results[number], value, allowed_for(value, self._tolerance))
            if how and not (
                self._tolerance is None
                and _is_rounding(op, arguments, results[number], value, number)
            ):
                origin = self._run.function.origin(op.graph.name, op.name)
                computed = Computed(op.graph.name, op.name, op.type, *origin, results)
                self.found.append(f"{computed.where()}: Penstock's kernel differs {how}")
                return


def _is_rounding(
    op: Operation, arguments: Sequence[Any], result: Any, other: Any, number: int
) -> bool:
    """True if results differ by no more than operands that are rounded otherwise explain, as where terms of a sum cancel."""
    if op.raw_op.stateful or op.raw_op.flow.control or not _are_alike(result, other):
        return False
    generator = np.random.default_rng(0)
    spread = np.zeros(result.shape, np.float64)
    for _ in range(_MEMBERS):
        rounded = [_rounded(argument, generator) for argument in arguments]
        member = run_on_host(op, rounded)[number]
        spread = np.maximum(spread, np.abs(member.astype(np.float64) - result))
    distance = np.abs(result.astype(np.float64) - other.astype(np.float64))
    return bool((distance <= _FACTOR * spread).all())


def _are_alike(result: Any, other: Any) -> bool:
    """True for two real arrays of one shape with finite elements."""
    are_real = all(isinstance(a, np.ndarray) and a.dtype.kind in "fV" for a in (result, other))
    if not are_real or result.shape != other.shape:
        return False
    return all(bool(np.isfinite(a.astype(np.float64)).all()) for a in (result, other))


def _rounded(argument: Any, generator: np.random.Generator) -> Any:
    """An operand with each element changed by a unit in the last place."""
    if not isinstance(argument, np.ndarray) or argument.dtype.kind != "f":
        return argument
    towards = np.where(generator.random(argument.shape) < 0.5, -np.inf, np.inf)
    return np.nextafter(argument, towards.astype(argument.dtype))
