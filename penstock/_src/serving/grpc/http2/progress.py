"""Notices transfers that are too slow."""

from __future__ import annotations

from penstock._src.serving.trust.limits import Limits


class Progress:
    """The progress of bytes that a client is to take.

    Args:
      limits: the time for a transfer, and the rate at which it may take longer.
    """

    __slots__ = ("_limits", "_since", "_delivered")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since = 0.0  # when bytes were first seen to wait
        self._delivered = 0  # bytes, then

    def is_stalled(self, now: float, waiting: int, total: int) -> bool:
        """True if the client has been too slow since bytes were first seen to wait.

        Args:
          now: on the monotonic clock.
          waiting: bytes that the client has not taken.
          total: bytes for the client so far.
        """
        if not waiting:
            self._since = 0.0
            return False
        delivered = total - waiting
        if not self._since:
            self._since, self._delivered = now, delivered
        return now - self._since > patience(self._limits, delivered - self._delivered)


def patience(limits: Limits, size: int) -> float:
    """Return the seconds that the transfer of some bytes may take."""
    return limits.transfer_seconds + size / limits.transfer_bytes_per_second
