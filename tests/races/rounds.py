"""A race: what eight threads do at the same moment, and what must hold afterwards."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

THREADS = 8
PATIENCE = 60  # seconds that a round may take before its threads are taken for stuck
# Seconds between threads with the GIL: often, so that races are met there, too.
_SWITCH_INTERVAL = 1e-5

Work = Callable[[int], Any]
Check = Callable[[list[Any]], Iterable[str]]
# What a thread does, by its number, and what is wrong with the results of all, in the order of threads.
Round = tuple[Work, Check]
# Of a race: makes a round. What it makes before is made once for all rounds.
Race = Callable[[], Callable[[], Round]]

RACES: dict[str, Race] = {}


def race(make: Race) -> Race:
    """Registers a race under its name."""
    RACES[make.__name__] = make
    return make


def expect(found: Any, expected: Any, what: str) -> list[str]:
    """Return what is wrong: nothing if both are equal."""
    return [] if found == expected else [f"{what}: {found} instead of {expected}"]


class Crew:
    """Threads that work on rounds, and begin each at the same moment."""

    def __init__(self) -> None:
        self._gate = threading.Barrier(THREADS + 1, timeout=PATIENCE)
        self._work: Work | None = None
        self._results: list[Any] = [None] * THREADS
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: Any) -> None:
        self._work = None
        self._gate.wait()

    def _run(self, number: int) -> None:
        while True:
            self._gate.wait()
            if self._work is None:
                return
            try:
                self._results[number] = self._work(number)
            except Exception:
                self._errors.append(traceback.format_exc())
            self._gate.wait()

    def round(self, work: Work, check: Check) -> list[str]:
        """Run a round; return what was wrong."""
        self._work = work
        self._errors.clear()
        self._gate.wait()
        self._gate.wait()
        return self._errors[:] or list(check(self._results))


def run(name: str, rounds: int, most: int = 3) -> list[str]:
    """Run a race so many times; return what was wrong, and end after `most` wrong rounds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    wrong: list[str] = []
    try:
        begin = RACES[name]()
        with Crew() as crew:
            for number in range(rounds):
                wrong += [f"{name}, round {number}: {each}" for each in crew.round(*begin())]
                if len(wrong) >= most:
                    break
    finally:
        sys.setswitchinterval(before)
    return wrong
