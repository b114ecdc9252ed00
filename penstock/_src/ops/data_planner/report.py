"""The report of `Dataset.explain`: the steps that run, their times, and which of them the others wait for."""

import os
import time
from collections.abc import Iterator
from typing import Any

from penstock._src.ops.data.iteration.settings import settings_of
from penstock._src.ops.data.pipeline import AUTOTUNE, Pipeline, Run
from penstock._src.ops.data_planner.measures import Measures, StepTimes, measured
from penstock._src.ops.data_planner.plan import planned
from penstock._src.util.dataclass import dataclass

_SIMPLE = (bool, int, float, str)
_HIDDEN = ("passes_on", "keeps_batches", "is_parallel", "synchronous")


@dataclass(frozen=True)
class StepReport:
    """A step of the plan and its times, in seconds.

    Args:
      name: what the step does.
      depth: how many steps with several inputs stand between it and the end of the pipeline.
      facts: its parameters.
      how: how it runs.
      elements: the number of elements that it made one by one.
      own: its own work, or where other threads work the time that it waited for them.
      functions: what the functions that it calls took, in all threads together.
      waits: whether its own time is time that it waited.
      threads: the most threads that run its functions.
      place: the line of the user's program that its function begins with, or an empty string.
    """

    name: str
    depth: int
    facts: dict[str, Any]
    how: str
    elements: int
    own: float
    functions: float
    threads: int
    waits: bool
    place: str = ""

    @property
    def cost(self) -> float:
        """The seconds for which the step alone keeps its consumers waiting."""
        return self.functions / self.threads + (0.0 if self.waits else self.own)

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={_shown(value)}" for name, value in self.facts.items())
        return f"{'  ' * self.depth}{self.name}({facts})"


@dataclass(frozen=True)
class PipelineReport:
    """The result of `Dataset.explain`; `str` gives a table.

    Args:
      steps: the steps of the plan, the last one first.
      elements: how many elements the pipeline gave while it was measured.
      seconds: how long that took.
      rewritten: whether the plan is another pipeline than the one that was written.
    """

    steps: tuple[StepReport, ...]
    elements: int
    seconds: float
    rewritten: bool

    @property
    def bottleneck(self) -> StepReport | None:
        """The step that costs most, or None if nothing was computed."""
        costly = max(self.steps, key=lambda step: step.cost, default=None)
        return costly if costly is not None and costly.cost > 0 else None

    def __str__(self) -> str:
        rate = self.elements / self.seconds if self.seconds else 0.0
        lines = [
            f"{self.elements:,} elements in {1e3 * self.seconds:,.1f} ms: {rate:,.0f} a second"
            + ("; the plan differs from the pipeline as written" if self.rewritten else ""),
            f"{'step':48s}{'elements':>10s}{'own ms':>10s}{'functions ms':>14s}  how",
        ]
        for step in self.steps:
            numbers = f"{step.elements:10,d}{1e3 * step.own:10.2f}{1e3 * step.functions:14.2f}"
            lines.append(f"{str(step):48s}{numbers}  {step.how}")
        if self.bottleneck is not None:
            lines.append(f"bottleneck: {advice(self.bottleneck)}")
        return "\n".join(lines)


def _shown(value: Any) -> str:
    return "AUTOTUNE" if value == AUTOTUNE and type(value) is int else repr(value)


def advice(step: StepReport) -> str:
    """The step, and what would make it faster, in words."""
    name = str(step).strip()
    if step.functions > step.own and step.threads == 1:
        return f"{name}; num_parallel_calls would call its function in several threads"
    if step.functions > step.own:
        return f"{name}; its function keeps {step.threads} threads busy"
    return name


def explained(dataset: Pipeline, elements: int, seconds: float) -> PipelineReport:
    """Runs a pipeline and measures its steps.

    Args:
      dataset: the pipeline.
      elements: the most elements to compute.
      seconds: no element is begun after this time.
    """
    plan, options = planned(dataset), dataset.options()
    _run_once(plan, options, 1)  # functions are compiled by the first element
    measures = Measures()
    root = measured(plan, measures)
    begin = time.perf_counter()
    count = _run_once(root, options, elements, begin + seconds, measures)
    took = time.perf_counter() - begin
    cores = settings_of(options.get("serialized", b"")).cores
    steps = tuple(step_reports(root, measures, cores, 0))
    return PipelineReport(steps, count, took, plan is not dataset)


def _run_once(
    root: Pipeline,
    options: dict[str, Any],
    elements: int,
    deadline: float = float("inf"),
    measures: Measures | None = None,
) -> int:
    run = Run(options, root)
    run.measures, count = measures, 0
    root.begin(run)
    source = iter(root.iterate(run))
    try:
        while count < elements and time.perf_counter() < deadline:
            if next(source, None) is None:
                break
            count += 1
    finally:
        run.close()
    return count


def step_reports(
    clock: Pipeline, measures: Measures, cores: int, depth: int
) -> Iterator[StepReport]:
    """Reports the steps of a measured pipeline, the last one first."""
    step = clock.inputs[0]
    if step.passes_on:
        for source in step.inputs:
            yield from step_reports(source, measures, cores, depth)
        return
    times = measures.of(step)
    width = getattr(step, "width", 1)
    threads = max(1, cores if width == AUTOTUNE else width)
    settings = {n: v for n, v in vars(step).items() if type(v) in _SIMPLE and n not in _HIDDEN}
    yield StepReport(
        name=step.kind.removesuffix("Dataset"),
        depth=depth,
        facts=settings,
        how=_how(step, times, threads),
        elements=times.elements,
        own=times.own,
        functions=times.functions,
        threads=threads,
        waits=step.is_buffer or (threads > 1 and times.functions > 0),
        place=_place(step),
    )
    for source in step.inputs:
        yield from step_reports(source, measures, cores, depth + (len(step.inputs) > 1))


def _place(step: Pipeline) -> str:
    if step.function is None:
        return ""
    places = (op.location for op in step.function.graph._operations if op._inputs)
    first = next((place for place in places if place is not None), None)
    return f"{os.path.basename(first.file)}:{first.line}" if first else ""


def _how(step: Pipeline, times: StepTimes, threads: int) -> str:
    if step.is_buffer:
        return "reads ahead in a thread where elements are slow"
    if not times.elements and not times.begun:
        return "its rows are gathered by the next step"
    if step.function is not None and (2 * times.calls < times.elements or times.gave_stacks):
        return "its function is computed for many elements at once"
    if step.function is not None and step.function.why_host:
        return f"its function runs on the host: {step.function.why_host}"
    return f"up to {threads} threads" if threads > 1 else "one at a time"
