"""The text that Monitor returns: a summary of a process's activity over a period."""

import collections
import time
from collections.abc import Iterable, Sequence

from penstock._src.observe.profile_files import Event

MOST_NAMES = 10  # operations and functions that level 2 lists


def report(events: Sequence[Event], nanoseconds: int, level: int, has_time: bool) -> str:
    """Returns the report of a recording.

    Args:
      events: what was recorded.
      nanoseconds: how long it was recorded for.
      level: 1 for how busy the threads were; at least 2 also for what took the time.
      has_time: True if the report begins with the time of day.
    """
    busy = sum(_covered(spans) for spans in _spans_by_thread(events).values())
    lines = [f"Timestamp: {time.strftime('%H:%M:%S')}"] if has_time else []
    lines += [
        f"Monitored for: {nanoseconds / 1e6:.0f} ms",
        f"Events: {len(events)}",
        f"Threads that ran: {len({event.thread for event in events})}",
        f"Threads busy on average: {busy / max(nanoseconds, 1):.2f}",
    ]
    if level > 1:
        lines += [
            f"{name}: {count} times, {total / 1e6:.3f} ms"
            for name, (count, total) in _longest(events)
        ]
    return "\n".join(lines) + "\n"


def _spans_by_thread(events: Iterable[Event]) -> dict[int, list[tuple[int, int]]]:
    spans = collections.defaultdict(list)
    for event in events:
        spans[event.thread].append((event.begin, event.end))
    return spans


def _covered(spans: Iterable[tuple[int, int]]) -> int:
    """The time within any of the spans: those of calls hold those of their operations."""
    total, until = 0, 0
    for begin, end in sorted(spans):
        total += max(end - max(begin, until), 0)
        until = max(until, end)
    return total


def _longest(events: Iterable[Event]) -> list[tuple[str, tuple[int, int]]]:
    """Names with counts and nanoseconds, the longest first."""
    totals: dict[str, tuple[int, int]] = {}
    for event in events:
        count, total = totals.get(event.name, (0, 0))
        totals[event.name] = (count + 1, total + event.end - event.begin)
    return sorted(totals.items(), key=lambda item: -item[1][1])[:MOST_NAMES]
