"""A lock that the members of one group hold together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class GroupLock:
    """A lock of several groups: threads of one group may hold it at the same time, those of two may not.

    Args:
      num_groups: how many groups there are.
    """

    def __init__(self, num_groups: int = 2) -> None:
        if num_groups < 1:
            raise ValueError(
                "Argument `num_groups` must be a positive integer. Received: "
                f"num_groups={num_groups}"
            )
        self._free = threading.Condition()
        self._members = [0] * num_groups

    @contextlib.contextmanager
    def group(self, group_id: int) -> Iterator[None]:
        """A context in which the group holds the lock."""
        self.acquire(group_id)
        try:
            yield
        finally:
            self.release(group_id)

    def acquire(self, group_id: int) -> None:
        """Waits until no other group holds the lock."""
        self._check(group_id)
        with self._free:
            self._free.wait_for(lambda: sum(self._members) == self._members[group_id])
            self._members[group_id] += 1

    def release(self, group_id: int) -> None:
        """Ends one holding of the lock."""
        self._check(group_id)
        with self._free:
            self._members[group_id] = max(self._members[group_id] - 1, 0)
            if not self._members[group_id]:
                self._free.notify_all()

    def _check(self, group_id: int) -> None:
        count = len(self._members)
        if not 0 <= group_id < count:
            raise ValueError(
                "Argument `group_id` should verify `0 <= group_id < num_groups` (with "
                f"`num_groups={count}`). Received: group_id={group_id}"
            )
