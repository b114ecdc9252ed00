"""The first line where one example of a batch depends on another.

The run is repeated with another first example: what changes in the rows of the others was mixed.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.observe.debugger.snapshot import Snapshot
from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.overview.events import Event, events_of


def mixing(run: RecordedRun, events: Sequence[Event]) -> Iterator[str]:
    """Description of the place where examples are mixed."""
    count = _examples(run)
    if count is None:
        return

    def change(snapshot: Snapshot) -> None:
        snapshot.values = [_with_other_first(value, count) for value in snapshot.values]
        for results in snapshot.results.values():
            for kept in results:
                kept[:] = [_with_other_first(value, count) for value in kept]

    others, error = events_of(run, change)
    if error is not None:
        return
    changed: dict[tuple[str, str], list[Event]] = collections.defaultdict(list)
    for event in others:
        changed[event.key].append(event)
    rounds: collections.Counter[tuple[str, str]] = collections.Counter()
    for event in events:
        nth = rounds[event.key]
        rounds[event.key] += 1
        # Weights may have as many rows as the batch, and all examples change them.
        if event.is_backward:
            return
        if nth >= len(changed[event.key]) or not event.origin.location:
            continue
        other = changed[event.key][nth]
        if _is_mixed(event.results, other.results, count):
            if _is_batch_normalization(event):  # which mixes all that follows, as it should
                return
            yield f"one example's result depends on the others of the batch: {event.where()}"
            return


def _is_batch_normalization(event: Event) -> bool:
    return event.op.type.startswith("FusedBatchNorm") or "batch_norm" in event.op.name


def _examples(run: RecordedRun) -> int | None:
    """The size of a run's batch: the first dimension that most of its arrays have; None if there is none."""
    host = [value for kept in run.host.values() for values in kept for value in values]
    fed = [entry["tensor"] for entry in run.inputs if entry.get("variable") is None]
    arrays = [each for each in (*fed, *host) if isinstance(each, np.ndarray) and each.ndim]
    sizes = collections.Counter(len(each) for each in arrays if len(each) > 1)
    return sizes.most_common(1)[0][0] if sizes else None


def _with_other_first(value: Any, count: int) -> Any:
    """An array of examples with the first replaced by one that differs from it."""
    if not isinstance(value, np.ndarray) or not value.ndim or len(value) != count:
        return value
    for at in range(1, count):
        if not np.array_equal(value[at], value[0]):
            value = value.copy()
            value[0] = value[at]
            return value
    return value


def _is_mixed(before: Sequence[Any], after: Sequence[Any], count: int) -> bool:
    """True if rows other than the first differ."""
    for one, other in zip(before, after, strict=False):
        are_rows = isinstance(one, np.ndarray) and one.ndim > 1 and len(one) == count
        if not are_rows or not isinstance(other, np.ndarray) or one.shape != other.shape:
            continue
        first, second = one[1:], other[1:]
        if one.dtype.kind in "fc":
            close = np.isclose(first, second, rtol=1e-4, atol=1e-6, equal_nan=True)
            if not close.all():
                return True
        elif not np.array_equal(first, second):
            return True
    return False
