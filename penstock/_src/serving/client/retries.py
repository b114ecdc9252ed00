"""Choice of failed requests to send again, and the waits before."""

from __future__ import annotations

import dataclasses
import random
import threading

from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.util.export import export

# Retry budget: the number of retries before successes must make up for some, and the number of successes that make up for one. So clients do not
# multiply the load of a server that is down.
_TOKENS = 10.0
_SUCCESSES = 10.0


class Failure(Exception):
    """A request that was not answered, or was refused.

    Args:
      error: the error for the caller.
      is_passing: whether the same request may succeed later.
      may_have_run: whether the server may have computed it.
      wait: seconds that the server asks for before the next attempt.
    """

    def __init__(
        self,
        error: OpError,
        is_passing: bool = False,
        may_have_run: bool = True,
        wait: float = 0.0,
    ) -> None:
        super().__init__(error.message)
        self.error, self.is_passing, self.may_have_run = error, is_passing, may_have_run
        self.wait = wait


@export("serving.Retries", v1=[])
@dataclasses.dataclass(frozen=True)
class Retries:
    """Limits on how often a client repeats a request, and the waits between attempts.

    Requests are sent again if the server did not compute them: the connection could not be made, or it said that it is busy. A connection that broke after the
    request was sent leaves open whether the server computed it. That is sent again too, because a call of a signature changes nothing, unless the caller
    says `idempotent=False`: for models whose calls change their variables, or that are charged by call. Everything else would fail again, or has used up its time.

    Args:
      attempts: of a request, the first one included; 1: nothing is sent again.
      first_wait: seconds before the second attempt; the following wait up to twice as long each. Waits are drawn between half of that and all of it, so
        that clients that failed together do not come back together.
      longest_wait: seconds.

    Raises:
      InvalidArgumentError: a number is out of range.

    >>> tf.serving.Retries(attempts=2).first_wait
    0.05
    """

    attempts: int = 4
    first_wait: float = 0.05
    longest_wait: float = 2.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.first_wait <= self.longest_wait:
            raise InvalidArgumentError(
                f"Retries: expected at least one attempt and 0 <= first_wait <= longest_wait. Received {self}."
            )


class Budget:
    """Decides on retries of one client's requests; it is thread-safe."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._tokens = _TOKENS
        self._lock = threading.Lock()

    def succeeded(self) -> None:
        """Notes that a request was answered."""
        with self._lock:
            self._tokens = min(_TOKENS, self._tokens + 1 / _SUCCESSES)

    def wait(
        self, failure: Failure, attempt: int, is_idempotent: bool, left: float
    ) -> float | None:
        """Returns the seconds to wait before a request is sent again; None if it is not.

        Args:
          failure: of the last attempt.
          attempt: how many there were.
          is_idempotent: whether it does no harm to compute the request twice.
          left: seconds that the caller's time has left.
        """
        if not failure.is_passing:
            return None
        with self._lock:
            self._tokens = max(0.0, self._tokens - 1)
            is_allowed = self._tokens >= _TOKENS / 2
        if attempt >= self._retries.attempts or not is_allowed:
            return None
        if failure.may_have_run and not is_idempotent:
            return None
        longest = min(self._retries.longest_wait, self._retries.first_wait * 2 ** (attempt - 1))
        wait = max(failure.wait, longest * random.uniform(0.5, 1.0))
        return wait if wait < left else None
