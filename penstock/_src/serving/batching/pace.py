"""The time that a function takes, by the shapes of its inputs."""

from __future__ import annotations

from typing import Any

# Seconds that a batch may take to be quick: passing it to a thread and back costs as much.
QUICK = 100e-6
# Seconds after which a batch that should have been quick was not, and what such batches may take: at all, and for each batch. Other processes and
# collections of garbage make a batch slow now and then; a function whose time depends on more than shapes does so more often, or for longer.
_SLOW = 1e-3
_LOSS, _LOSS_OF_EACH = 20e-3, 100e-6
# Shapes whose times are kept.
_MOST = 256


class Pace:
    """Decides which batches are fast enough to be computed by the thread that waits for them.

    Args:
      is_steady: True if the time of the function depends on the shapes of its inputs alone. No batch of other functions is quick.
    """

    def __init__(self, is_steady: bool) -> None:
        self._is_steady = is_steady
        self._least: dict[tuple[int, Any], float] = {}
        # Batches computed as quick ones, and the seconds that slow ones among them took.
        self._batches, self._lost = 0, 0.0

    def is_quick(self, rows: int, shapes: Any) -> bool:
        """True if a batch of these shapes was quick before.

        Args:
          rows: the extent of the first axis of its inputs.
          shapes: the other extents.
        """
        return self._is_steady and self._least.get((rows, shapes), QUICK) < QUICK

    def took(self, rows: int, shapes: Any, seconds: float) -> None:
        """Record the time of a batch that a thread computed. The least counts: a first one includes compilation, others were interrupted."""
        if not self._is_steady:
            return
        if len(self._least) >= _MOST:
            self._least.clear()
        key = rows, shapes
        self._least[key] = min(seconds, self._least.get(key, seconds))

    def took_as_quick(self, seconds: float) -> None:
        """Record the time of a batch that was computed as a quick one. Once too many were slow, no batch is quick."""
        self._batches += 1
        if seconds > _SLOW:
            self._lost += seconds
            self._is_steady = self._lost <= _LOSS + _LOSS_OF_EACH * self._batches
