"""Timed runs: report the time of each launch to observers."""

import time
from collections.abc import Callable
from typing import Any

from penstock._src.native.runner import LOG_WORDS
from penstock._src.runtime.binding import BoundTable
from penstock._src.util.run_observers import RUN_OBSERVERS

MOST_RECORDS = 1 << 16  # reported individually for one run: a loop may have any number of rounds
FIRST_WORDS = 2  # words of the log before its records: count and capacity


def observed_run(table: BoundTable) -> Callable[..., int]:
    """Returns the table's run, which then reports to all observers when each record ran."""
    if table.timed is None:
        table.timed = table.call.timed(MOST_RECORDS)
    run, log = table.timed

    def run_and_report(*arrays: Any) -> int:
        log[0] = 0
        start = time.perf_counter_ns()
        code = run(*arrays)
        rows = log[FIRST_WORDS : FIRST_WORDS + LOG_WORDS * int(log[0])].reshape(-1, LOG_WORDS)
        rows = rows.copy()
        if len(rows):
            rows = rows[rows[:, 1].argsort(kind="stable")]  # streams write them interleaved
            rows[:, 1:] += start - rows[0, 1]  # the native clock may have another origin
        for observer in tuple(RUN_OBSERVERS):
            observer.program_ran(table.plan, rows)
        return code

    return run_and_report
