"""The calls that a thread makes for elements which are handed over to it."""

import time
from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import OpError
from penstock._src.core.values.groups import NotGrouped
from penstock._src.ops.data.iteration.resume import Failure, attempt

Call = Callable[..., list[Any]]
Several = Callable[[list[Any]], list[Any]]

# Seconds that a thread should work between handovers; below, the handover costs more than it gains.
WORTH_A_THREAD = 3e-4


class Calls:
    """Makes the calls of a function in threads, and takes their times; holds nothing of the iterator whose elements they are.

    Args:
      call: the function.
      several: the function of a list of elements that gives the list of results, or None.
    """

    def __init__(self, call: Call, several: Several | None = None) -> None:
        self.call, self.several = call, several
        # The seconds of recent calls, the number of consecutive short ones, and that of all.
        self.seconds, self.quick, self.count = WORTH_A_THREAD, 0, 0

    def results(self, elements: list[Any]) -> list[Any]:
        """The results of calls, or what failed."""
        if self.several is not None and len(elements) > 1 and type(elements[-1]) is not Failure:
            results = self.at_once(elements)
            if results is not None:
                return results
        results = []
        for element in elements:
            if type(element) is Failure:
                results.append(element)
                continue
            begin = time.perf_counter()
            results.append(attempt(self.call, *element))
            seconds = time.perf_counter() - begin
            self.seconds += (seconds - self.seconds) / 8
            self.quick = self.quick + 1 if seconds < WORTH_A_THREAD else 0
            self.count += 1
        return results

    def at_once(self, elements: list[Any]) -> list[Any] | None:
        """The results for several elements; None if one of them fails, or they can't be grouped."""
        assert self.several is not None
        begin = time.perf_counter()
        try:
            results = self.several(elements)
        except NotGrouped:
            self.several = None
            return None
        except (OpError, MemoryError):  # of some element: a call for each shows which
            return None
        seconds = (time.perf_counter() - begin) / len(elements)
        self.seconds += (seconds - self.seconds) / 8
        self.count += len(elements)
        return results
