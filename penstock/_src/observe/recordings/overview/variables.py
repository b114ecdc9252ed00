"""Changes of variables in a run, and inputs that are equal in all runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.overview.events import Event
from penstock._src.observe.recordings.overview.ranges import in_words, largest_of, numbers_of

# A variable that changes by more than this multiple of its own size is listed.
_LARGE = 10.0
# Smaller changes say nothing: sums of an optimizer grow from 0.
_MOST_QUIET = 1.0
# Names listed in one line.
_LISTED = 6


def of_variables(run: RecordedRun, is_training: bool) -> Iterator[str]:
    """Variables that are not finite before a run, that it left as they were, or changed by more than their size."""
    kept, changed = [], 0
    for entry in run.inputs:
        before, after = numbers_of(entry["tensor"]), numbers_of(entry["after"])
        if entry.get("variable") is None or before is None or after is None:
            continue
        name = entry["name"] or "a variable"
        if before.dtype.kind == "f" and not np.isfinite(before).all():
            yield f"variable {name} was not finite before the run: {in_words(entry['tensor'])}"
            continue
        if before.dtype.kind != "f" or before.shape != after.shape:
            continue
        if np.array_equal(before, after):
            if not before.ndim:  # such as a learning rate
                continue
            kept.append(f"{name} {in_words(entry['tensor'])}")
            continue
        changed += 1
        size, change = largest_of(before), largest_of(after - before)
        if size and change and change > max(_LARGE * size, _MOST_QUIET) and before.ndim:
            yield f"variable {name} changed by up to {change:.3g}; it was {in_words(entry['tensor'])}"
    if is_training and changed and kept:
        more = f" and {len(kept) - _LISTED} more" if len(kept) > _LISTED else ""
        yield f"the run changed {changed} variables, but not {'; '.join(kept[:_LISTED])}{more}"


def equal_inputs(runs: Sequence[RecordedRun], events: Sequence[Event]) -> Iterator[str]:
    """Arrays that runs take by value and that are equal in all of them, such as a copy of a variable.

    Args:
      runs: of one function, in order.
      events: of one of the runs.
    """
    if len(runs) < 2:
        return
    names = [argument.name for argument in runs[0].library.function[0].signature.input_arg]
    for at, entry in enumerate(runs[0].inputs):
        values = [run.inputs[at]["tensor"] for run in runs]
        if entry.get("variable") is not None or not _is_data(values[0]):
            continue
        if all(_equal(values[0], value) for value in values[1:]):
            name = entry.get("name") or names[at]
            text = f"input {name}, {in_words(values[0])}, is the same value in all {len(runs)} runs, and no variable"
            if origin := _variable_with(values[0], runs[0]):
                text += f"; it is what variable {origin} was before step {runs[0].step}"
            users = [e for e in events if any(_equal(values[0], each) for each in e.arguments)]
            yield text + (f": {users[0].where()}" if users else "")


def _variable_with(value: Any, run: RecordedRun) -> str | None:
    """The variable that had a value before a run."""
    for entry in run.inputs:
        if entry.get("variable") is not None and _equal(value, entry["tensor"]):
            return str(entry["name"])
    return None


def _is_data(value: Any) -> bool:
    numbers = numbers_of(value)
    return numbers is not None and numbers.dtype.kind == "f" and numbers.ndim > 0


def _equal(first: Any, second: Any) -> bool:
    if not isinstance(second, np.ndarray) or first.shape != second.shape:
        return False
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()
