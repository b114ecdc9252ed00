"""Where two recorded runs part: the first operation whose values differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.observe.debugger.comparison import difference
from penstock._src.observe.recordings.repeated import Computed, Repeated

# Operations that only one run has are listed up to this number.
_MOST_LISTED = 5


def report(first: Repeated, second: Repeated, tolerance: float) -> list[str]:
    """How two runs differ, in lines: what they began with, the first operation that differs, and what they gave. No lines: not at all.

    Args:
      first, second: the runs.
      tolerance: how far values may lie apart, relative to the largest of them.
    """
    lines = [f"input {name} differs {how}" for name, how in _inputs(first, second, tolerance)]
    lines += _operations(first.computed, second.computed, tolerance)
    results = zip(first.run.results, second.run.results)
    for number, (one, other) in enumerate(results):
        how = apart(one, other, tolerance)
        if how:
            lines.append(f"result {number} of the compiled runs differs {how}")
    return lines


def _inputs(first: Repeated, second: Repeated, tolerance: float) -> Iterator[tuple[str, str]]:
    others = dict(second.inputs)
    for name, value in first.inputs:
        how = apart(value, others.get(name), tolerance)
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
            if each is not None and len(alone) <= _MOST_LISTED:
                alone.append(f"only in the {'second' if one is None else 'first'}: {each.where()}")
            continue
        for value, changed in zip(one.values, other.values):
            how = apart(value, changed, tolerance)
            if how:
                text = f"first difference: {one.where()}: {how}"
                if one.where() != other.where():
                    text += f"\n  in the second: {other.where()}"
                return [*alone[:_MOST_LISTED], text]
    return alone[:_MOST_LISTED]


def _pairs(
    first: Sequence[Computed], second: Sequence[Computed]
) -> Iterator[tuple[Computed | None, Computed | None]]:
    """Operations of both runs side by side; None stands for one that a run lacks."""
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


def apart(value: Any, other: Any, tolerance: float) -> str:
    """How two values differ, in words; an empty string if they do not, or by no more than the tolerance."""
    if not isinstance(value, np.ndarray) or not isinstance(other, np.ndarray):
        return ""
    types = ""
    if value.dtype != other.dtype and value.dtype.kind not in "OSU" and value.dtype.kind != "b":
        types = f" ({value.dtype.name} and {other.dtype.name})"
        value, other = value.astype(np.float64), other.astype(np.float64)
    how = difference(value, other)
    if how and tolerance and value.shape == other.shape and value.dtype.kind in "fciuV":
        wide, changed = value.astype(np.complex128), other.astype(np.complex128)
        largest = max(np.abs(wide).max(initial=0.0), np.abs(changed).max(initial=0.0))
        if (np.abs(wide - changed) <= tolerance * largest).all():
            return ""
    return how + types if how else ""
