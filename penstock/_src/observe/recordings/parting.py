"""Finds the first operation whose values differ in two recorded runs."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Sequence

from penstock._src.observe.recordings import libraries
from penstock._src.observe.recordings.comparison import allowed_for, apart
from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.repeated import Computed, Repeated

# Operations that only one run has are listed up to this number.
MOST_LISTED = 5


@dataclasses.dataclass(frozen=True)
class Report:
    """The differences of two runs.

    Args:
      lines: none if they do not differ.
      compared: how many operations were compared, in words.
      is_unexplained: True if two libraries gave other results or variables although the operations that were compared agree.
    """

    lines: list[str]
    compared: str
    is_unexplained: bool = False


def report(first: Repeated, second: Repeated, tolerance: float | None) -> Report:
    """Reports the differences of two runs: initial states, the first operation that differs, and results.

    Args:
      first, second: the runs.
      tolerance: how far values may lie apart, relative to the largest of them. None: not at all, but by rounding if two libraries computed them.
    """
    are_two = first.run.recorded_by[0] != second.run.recorded_by[0]
    allowed = 0.0 if tolerance is None and not are_two else tolerance
    lines = [f"input {name} differs {how}" for name, how in _inputs(first, second, allowed)]
    ends = list(_ends(first.run, second.run, allowed))
    if are_two:
        comparison = libraries.compare(first.computed, second.computed, allowed)
        lines += comparison.lines
        names = f"{first.run.recorded_by[0]} and {second.run.recorded_by[0]}"
        compared = (
            f"in {comparison.compared} operations of {names}, within rounding or the tolerance"
        )
        if comparison.alone:
            compared += f"; {comparison.alone} of the first have no counterpart"
    else:
        lines += _operations(first.computed, second.computed, allowed or 0.0)
        compared = f"in {len(first.computed)} operations"
    return Report(lines + ends, compared, are_two and not lines and bool(ends))


def _ends(first: RecordedRun, second: RecordedRun, tolerance: float | None) -> Iterator[str]:
    """The differences of the runs' own results, in words: results, and variables after them."""
    for number, (one, other) in enumerate(zip(first.results, second.results)):
        how = apart(one, other, allowed_for(one, tolerance))
        if how:
            yield f"result {number} of the compiled runs differs {how}"
    others = {entry.get("name"): entry["after"] for entry in second.inputs}
    for entry in first.inputs:
        one, name = entry["after"], entry.get("name")
        how = apart(one, others.get(name), allowed_for(one, tolerance, is_grown=True))
        if how:
            yield f"variable {name} after the compiled runs differs {how}"


def _inputs(
    first: Repeated, second: Repeated, tolerance: float | None
) -> Iterator[tuple[str, str]]:
    others = dict(second.inputs)
    for name, value in first.inputs:
        how = apart(value, others.get(name), allowed_for(value, tolerance))
        if how:
            yield name, how


def _operations(
    first: Sequence[Computed], second: Sequence[Computed], tolerance: float
) -> list[str]:
    """The first operation of both that differs, and before that the operations that only one has."""
    alone: list[str] = []
    for one, other in _pairs(first, second):
        if one is None or other is None:
            each = one or other
            if each is not None and len(alone) <= MOST_LISTED:
                alone.append(f"only in the {'second' if one is None else 'first'}: {each.where()}")
            continue
        for value, changed in zip(one.values, other.values):
            how = apart(value, changed, tolerance)
            if how:
                text = f"first difference: {one.where()}: {how}"
                if one.where() != other.where():
                    text += f"\n  in the second: {other.where()}"
                return [*alone[:MOST_LISTED], text]
    return alone[:MOST_LISTED]


def _pairs(
    first: Sequence[Computed], second: Sequence[Computed]
) -> Iterator[tuple[Computed | None, Computed | None]]:
    """Operations of both runs side by side; None if a run lacks one."""
    keys = [[(c.kind, c.name) for c in side] for side in (first, second)]
    if keys[0] == keys[1]:
        yield from zip(first, second, strict=True)
        return
    matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(first[a:b], second[c:d], strict=True)
        else:
            yield from ((one, None) for one in first[a:b])
            yield from ((None, other) for other in second[c:d])
