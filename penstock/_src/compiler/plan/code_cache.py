"""Kernels' codes by structural signature: a function met again with other sizes is planned again (milliseconds), but
nothing is written or compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from penstock._src.native import Target


@dataclass
class CodeCache:
    """Kernel codes by signature, for one target."""

    target: Target
    codes: dict[Any, Any] = field(default_factory=dict)
    written: int = 0
    seconds: float = 0.0  # spent writing

    def get(self, key: Any, write: Callable[[], Any]) -> Any:
        """The code of a signature, written if it is new."""
        found = self.codes.get(key)
        if found is None:
            start = time.perf_counter()
            found = self.codes[key] = write()
            self.written += 1
            self.seconds += time.perf_counter() - start
        return found
