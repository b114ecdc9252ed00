"""Times of kernels and host operations for reports, and the names of events in profiles."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from penstock._src.compiler.explain.limits import machine_limits
from penstock._src.compiler.explain.records import (
    Explanation,
    HostRecord,
    KernelRecord,
    Launched,
    ProgramRecord,
)
from penstock._src.compiler.plan.launch_table import Launch, offsets
from penstock._src.compiler.plan.plan import Plan
from penstock._src.util.run_observers import observed_runs

RUNS = 5  # that are measured; the best time of each kernel counts
WORD, START, END = range(3)  # columns of a record's row


class Recorder:
    """A RunObserver that records runs of programs and of host operations."""

    def __init__(self) -> None:
        self.programs: list[tuple[Plan, Any]] = []
        self.host: list[tuple[Any, int, int]] = []

    def program_ran(self, plan: Plan, records: Any) -> None:
        """See RunObserver."""
        self.programs.append((plan, records))

    def host_ran(self, op: Any, start: int, end: int) -> None:
        """See RunObserver."""
        self.host.append((op, start, end))


def launch_words(plan: Plan) -> dict[int, int]:
    """The number among the plan's records of the launch that begins at a word of the table."""
    numbered = enumerate(offsets(plan.launches))
    return {at: i for i, (record, at) in numbered if isinstance(record, Launch)}


def measured(known: Explanation, run: Callable[[], None]) -> Explanation:
    """The explanation with times: the least over several runs of the time of all of a kernel's launches in a run.

    Args:
      known: the explanation of an executable.
      run: calls it.
    """
    runs = []
    for _ in range(RUNS):
        recorder = Recorder()
        with observed_runs(recorder):
            run()
        runs.append(recorder)
    best: dict[Any, int] = {}
    programs = [s for s in known.steps if isinstance(s, ProgramRecord)]
    kernels = {
        (id(s.compiled.program.plan), record): kernel
        for s in programs
        if hasattr(s.compiled.program, "plan")
        for kernel in s.kernels
        for record in kernel.records
    }
    host = {id(s.operation): s.number for s in known.steps if isinstance(s, HostRecord)}
    timelines = [_timeline(recorder, kernels, host) for recorder in runs]
    for timeline in timelines:
        spent: dict[Any, int] = {}
        for piece in timeline:
            key = piece.kernel, piece.host
            spent[key] = spent.get(key, 0) + piece.end - piece.start
        # The least of several runs: all noise only adds time.
        best |= {key: min(time, best.get(key, time)) for key, time in spent.items()}
    last = timelines[-1]
    first = min((piece.start for piece in last), default=0)
    return replace(
        known,
        steps=tuple([_timed(step, best) for step in known.steps]),
        timeline=tuple([replace(p, start=p.start - first, end=p.end - first) for p in last]),
        limits=machine_limits(),
    )


def _timeline(
    recorder: Recorder, kernels: dict[tuple[int, int], KernelRecord], host: dict[int, int]
) -> list[Launched]:
    """The launches and host operations in order."""
    pieces = [
        Launched(0, host[id(op)], op.name, start, end)
        for op, start, end in recorder.host
        if id(op) in host
    ]
    for plan, rows in recorder.programs:
        words = launch_words(plan)
        for word, start, end in rows.tolist():
            kernel = kernels.get((id(plan), words.get(word, -1)))
            if kernel is not None:
                pieces.append(Launched(kernel.number, 0, kernel.label, start, end))
    return sorted(pieces, key=lambda piece: piece.start)


def _timed(step: Any, best: dict[Any, int]) -> Any:
    """A step with the times that were measured of it."""

    def seconds(key: Any) -> float | None:
        return best[key] / 1e9 if key in best else None

    if isinstance(step, HostRecord):
        return replace(step, seconds=seconds((0, step.number)))
    if isinstance(step, ProgramRecord):
        kernels = [replace(k, seconds=seconds((k.number, 0))) for k in step.kernels]
        return replace(step, kernels=tuple(kernels))
    return step
