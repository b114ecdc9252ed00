"""Counts the requests in the server and their bytes, and refuses requests beyond the limits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from penstock._src.core.errors import ResourceExhaustedError, UnavailableError
from penstock._src.serving.trust.limits import Limits


class Admission:
    """Admission of requests. Only the event loop's thread uses it.

    Args:
      limits: of all requests together.

    Attributes:
      requests: that are computed or wait for it.
      held_bytes: of their bodies and arrays.
    """

    def __init__(self, limits: Limits) -> None:
        self.requests = self.held_bytes = 0
        self._most_requests, self._most_bytes = limits.max_requests, limits.max_held_bytes

    @contextlib.contextmanager
    def request(self, size: int) -> Iterator[None]:
        """Counts a request within the block.

        Args:
          size: the bytes of its arrays.

        Raises:
          UnavailableError: there are too many, or they hold too much.
          ResourceExhaustedError: this one alone holds too much.
        """
        if self.requests >= self._most_requests:
            raise UnavailableError(
                f"The server is busy with {self.requests:,} requests, as many as it takes at a time."
            )
        self.hold(size)
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1
            self.release(size)

    def hold(self, size: int) -> None:
        """Counts bytes until they are released.

        Raises:
          UnavailableError: there is not enough room at present.
          ResourceExhaustedError: the size exceeds the limit by itself.
        """
        self.check(size)
        self.held_bytes += size

    def check(self, size: int) -> None:
        """Raises the errors of `hold`, and counts nothing."""
        if self.held_bytes + size <= self._most_bytes:
            return
        if size > self._most_bytes:
            raise ResourceExhaustedError(
                f"The request needs {size:,} bytes. All requests together may hold {self._most_bytes:,}."
            )
        raise UnavailableError(
            f"The server's requests hold {self.held_bytes:,} of at most {self._most_bytes:,} bytes: there is no room for "
            f"{size:,} more."
        )

    def release(self, size: int) -> None:
        """Ends the count of bytes."""
        self.held_bytes -= size
