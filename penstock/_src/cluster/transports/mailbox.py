"""Mailbox: messages between processes that have come and were not taken yet."""

from __future__ import annotations

import struct
import threading
from collections import Counter

from penstock._src.cluster.transport import here
from penstock._src.core.errors import AbortedError

HEADER = struct.Struct("<qqqq")  # sender, channel, its group's hash, number of the message
Key = tuple[int, int, int, int]


class Mailbox:
    """Received messages that have not been taken yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: dict[Key, bytes] = {}
        self._next: Counter[tuple[int, int, int]] = Counter()  # of each sender and group
        self.failure = ""
        self.is_woken = False

    def put(self, request: bytes) -> bytes:
        """Add a message. One that came before, because a connection broke, is dropped."""
        sender, channel, group, number = HEADER.unpack_from(request)
        with self._changed:
            if number >= self._next[sender, channel, group]:
                self._messages[sender, channel, group, number] = request[HEADER.size :]
                self._changed.notify_all()
        return b""

    def fail(self, request: bytes) -> bytes:
        """Notes that a process has failed; all who wait are woken."""
        with self._changed:
            self.failure = request.decode(errors="replace")
            self._changed.notify_all()
        return b""

    def wake(self) -> None:
        """Wake all waiting readers to check the state."""
        with self._changed:
            self.is_woken = True
            self._changed.notify_all()

    def take(self, key: Key, seconds: float) -> bytes | None:
        """Returns a message, None if it has not come in some seconds.

        Raises:
          AbortedError: a process has failed.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: key in self._messages or self.failure or self.is_woken, seconds
            )
            if key not in self._messages:
                if self.failure:
                    raise AbortedError(None, None, self.failure + here())
                return None
            self._next[key[:3]] = key[3] + 1
            return self._messages.pop(key)
