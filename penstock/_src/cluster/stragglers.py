"""Stragglers: slow processes, found by comparing the shares of time that processes spend waiting."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from penstock._src.util.dataclass import dataclass

SHARE = 0.2  # of the time, by which the others wait more than one that is slow
ROUNDS = 3  # of reports in a row after which it is named
NAMED_EVERY = 12  # rounds between two lines about one that stays slow


@dataclass(frozen=True)
class Report:
    """Periodic report of a process.

    clock   nanoseconds, of its own clock
    waited  nanoseconds that it has spent waiting for others
    """

    clock: int
    waited: int
    steps: int = 0
    exchanges: int = 0


class Stragglers:
    """Finds processes that are slow for several rounds of reports.

    Args:
      size: how many processes there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._before: dict[int, Report] = {}
        self._now: dict[int, Report] = {}
        self._rounds: dict[int, int] = {}

    def note(self, rank: int, report: Report) -> list[str]:
        """Record a report. Once all processes have sent one, return a line for each straggler to name."""
        self._now[rank] = report
        self._before.setdefault(rank, report)
        if any(self._now[r].clock <= self._before[r].clock for r in self._now):
            return []
        if len(self._now) < self._size:
            return []
        spans = {r: self._now[r].clock - self._before[r].clock for r in self._now}
        shares = {r: (self._now[r].waited - self._before[r].waited) / spans[r] for r in spans}
        lines = [
            self._line(r, shares, spans[r]) for r, many in self._slow(shares).items() if many == 1
        ]
        self._before = dict(self._now)
        return lines

    def _slow(self, shares: Mapping[int, float]) -> dict[int, int]:
        """Return, for each slow process, 1 in rounds in which it is to be named."""
        slow = {r for r, share in shares.items() if _of_others(r, shares) - share >= SHARE}
        self._rounds = {r: self._rounds.get(r, 0) + 1 for r in slow}
        return {
            r: int(count >= ROUNDS and (count - ROUNDS) % NAMED_EVERY == 0)
            for r, count in self._rounds.items()
        }

    def _line(self, rank: int, shares: Mapping[int, float], span: int) -> str:
        report = self._now[rank]
        return (
            f"Rank {rank} of {self._size} is slow: the others wait {100 * _of_others(rank, shares):.0f} % of the time for it, and it "
            f"{100 * shares[rank]:.0f} % for them (in the last {span / 1e9:.1f} s; step {report.steps}, exchange {report.exchanges})."
        )


def _of_others(rank: int, shares: Mapping[int, float]) -> float:
    return float(np.median([share for other, share in shares.items() if other != rank]))
