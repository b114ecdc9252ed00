"""Splits the time of a call into computing and waiting for anything but a core."""

import math
import time

from penstock._src.util.dataclass import dataclass

# Of Linux: nanoseconds on a core, and ready to run without one.
_SCHEDULED = "/proc/thread-self/schedstat"
PROBES = 3  # calls, or groups of them, that show how long calls take
QUICK = 2e-4  # seconds for an element, above which calls in threads may be faster
_SURE = 0.1  # a larger share of waiting is not due to chance
_UNSURE = 0.5  # the same if it is unknown how long a call was without a core


@dataclass(frozen=True)
class CallTime:
    """Seconds of a call, without those for which it had no core, and those that it computed."""

    seconds: float
    busy: float
    is_exact: bool

    @property
    def waits(self) -> float:
        """The share of the time that it waited."""
        return max(0.0, 1 - self.busy / self.seconds) if self.seconds else 0.0

    @property
    def mostly_waits(self) -> bool:
        return self.waits > _UNSURE

    def width(self, cores: int, most: int) -> int:
        """The number of concurrent calls that keep the cores busy; `most` at most."""
        if self.waits <= (_SURE if self.is_exact else _UNSURE):
            return cores
        return min(most, math.ceil(cores * self.seconds / max(self.busy, self.seconds / most)))


class Stopwatch:
    """Takes the time of a call of this thread."""

    def __init__(self) -> None:
        self._delayed = _delayed()
        self._begin, self._busy = time.perf_counter(), time.thread_time()

    def stop(self) -> CallTime:
        """The time since it was made."""
        seconds, busy = time.perf_counter() - self._begin, time.thread_time() - self._busy
        delayed = _delayed()
        if delayed is None or self._delayed is None:
            return CallTime(max(seconds, busy), busy, is_exact=False)
        return CallTime(max(seconds - (delayed - self._delayed), busy), busy, is_exact=True)


def _delayed() -> float | None:
    """Seconds for which this thread was ready to run but had no core, or None if the system does not tell."""
    try:
        with open(_SCHEDULED, "rb", buffering=0) as file:
            return int(file.read(100).split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None
