"""Codes that a generator keeps, so that a kernel met again is not written again."""

import threading
import time
from collections.abc import Callable
from typing import Any

from penstock._src.native.cache.recently_used import RecentlyUsed
from penstock._src.util.process import forks

MOST = 1024  # capacity of the least-recently-used cache of kernels


class KeptCodes:
    """Codes by their signatures: a base class of generators.

    written    number of codes written
    seconds    time spent on writing them
    """

    puts_exchanges_in_streams = False

    def __init__(self) -> None:
        self.written, self.seconds = 0, 0.0
        self._codes = RecentlyUsed[Any, Any](MOST)
        self._lock = forks.freed_in_child(threading.Lock())

    def keep(self, signature: Any, write: Callable[[], Any]) -> Any:
        """The code of a signature, written now if it is new."""
        with self._lock:
            code = self._codes.get(signature)
        if code is None:
            start = time.perf_counter()
            code = write()
            with self._lock:
                self._codes[signature] = code
                self.written += 1
                self.seconds += time.perf_counter() - start
        return code
