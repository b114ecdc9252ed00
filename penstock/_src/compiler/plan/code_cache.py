"""Kernels' codes by structural signature: a function met again with other sizes is planned again (milliseconds), but
nothing is written or compiled."""

from __future__ import annotations

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

    def get(self, key: Any, write: Callable[[], Any]) -> Any:
        """The code of a signature, written if it is new."""
        found = self.codes.get(key)
        if found is None:
            self.written += 1
            found = self.codes[key] = write()
        return found
