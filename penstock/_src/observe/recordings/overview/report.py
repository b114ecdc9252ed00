"""All that stands out in a recorded run, as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.overview.events import events_of
from penstock._src.observe.recordings.overview.findings import findings
from penstock._src.observe.recordings.overview.mixing import mixing
from penstock._src.observe.recordings.overview.ranges import numbers_of
from penstock._src.observe.recordings.overview.table import table
from penstock._src.observe.recordings.overview.variables import equal_inputs, of_variables


@dataclasses.dataclass(frozen=True)
class Report:
    """Findings about a run and a table of its names, as lines of text; `is_failed` is True if the run ended with an error."""

    lines: list[str]
    is_failed: bool


def overview(runs: Sequence[RecordedRun]) -> Report:
    """Reports the first of some runs of one function whose results are not finite, or the last one: what stands out, and its names line by line."""
    run = next((run for run in runs if _is_bad(run)), runs[-1])
    events, error = events_of(run)
    is_training = any(event.is_backward for event in events)
    notes = [*of_variables(run, is_training), *findings(events, run), *equal_inputs(runs, events)]
    if error is None:
        notes += mixing(run, events)
    lines = [f"{run.label}, step {run.step}: {len(events)} operations"]
    lines += [f"  ! {text}" for text in dict.fromkeys(notes)]
    lines += [f"  {text}" for text in table(run, events)]
    if error is not None:
        lines.append(f"The run ended with {type(error).__name__}: {error}")
    return Report(lines, error is not None)


def _is_bad(run: RecordedRun) -> bool:
    """True if a result, such as the loss, is not finite."""
    numbers = [numbers_of(value) for value in run.results]
    return any(n is not None and not np.isfinite(n).all() for n in numbers)
