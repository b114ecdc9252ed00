"""HTTP connections with time limits for their clients.

uvicorn's protocol, with limits of time, of headers, and of connections. Requests have no timers of their own: the server checks all connections every
second (`check`), and compares their state with that at the previous check.
"""

from __future__ import annotations

import enum
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from penstock._src.serving.trust.limits import Limits

# Bytes of chunks' sizes and the like that may come with each byte of a body.
_FRAMING = 16


class Phase(enum.Enum):
    """Event that a connection waits for."""

    HEADERS = enum.auto()  # the first byte of a new connection, or the rest of a request's headers
    BODY = enum.auto()
    REPLY = enum.auto()  # that it is made and read; then the next request


class Connection(HttpToolsProtocol):
    """A client's connection.

    Args:
      limits: of clients.
      more: uvicorn's arguments.
    """

    def __init__(self, limits: Limits, **more: Any) -> None:
        super().__init__(**more)
        self._limits = limits
        self._phase = Phase.HEADERS
        self._since = 0.0  # when the phase began
        self._received = self._delivered = 0  # bytes of this request, and of its body
        # Time of the `check` that first found the connection idle, or a reply unread, and the number of its bytes.
        self._idle_since = self._unread_since = 0.0
        self._unread = 0

    def connection_made(self, transport: Any) -> None:
        """Accept a new connection, or refuse it."""
        super().connection_made(transport)
        self._since = time.monotonic()
        if len(self.connections) > self._limits.max_connections:
            self._end(503, "The server has as many connections as it takes.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the requests of the lost connection."""
        super().connection_lost(exc)
        state = {} if self.scope is None else self.scope["state"]
        task = state.get("task")
        if task is not None and not self.cycle.response_complete:
            state["is_gone"] = True
            task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parses received data."""
        self._received += len(data)
        super().data_received(data)
        most = self._limits.max_header_bytes
        if self._phase is Phase.HEADERS and self._received > most:
            self._end(431, f"The headers of a request may have at most {most:,} bytes.")
        elif self._phase is Phase.BODY:
            if self._received - self._delivered > most + _FRAMING * self._delivered:
                self._end(400, "The body has more to say of its chunks than in them.")

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self._phase, self._since = Phase.HEADERS, time.monotonic()
        self._received = self._delivered = 0
        self._idle_since = 0.0

    def on_headers_complete(self) -> None:
        """Begins a request's body."""
        super().on_headers_complete()
        self._phase = Phase.BODY
        self._since = time.monotonic()
        self._received = 0

    def on_body(self, body: bytes) -> None:
        """Receive a part of a body."""
        self._delivered += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request's body."""
        super().on_message_complete()
        self._phase = Phase.REPLY

    def send_400_response(self, msg: str) -> None:
        """Reject malformed HTTP."""
        self._end(400, msg)

    def _end(self, status: int, text: str) -> None:
        """Replies, unless another reply is due or sent, and closes the connection."""
        if self.transport.is_closing():
            return
        if self._phase is Phase.HEADERS:
            is_our_turn = self.cycle is None or self.cycle.response_complete
        else:
            is_our_turn = not self.cycle.response_started
        if is_our_turn:
            self.transport.write(_reply(status, text))
        self.transport.close()

    def check(self, now: float) -> None:
        """Closes the connection if its client is silent for too long."""
        if self._is_unread_too_long(now):
            self.transport.abort()
        elif self.transport.is_closing() or self.flow.read_paused:
            return  # it waits for the server
        elif self._phase is not Phase.REPLY:
            if now - self._since > self._patience():
                what = self._phase.name.lower()
                self._end(408, f"The {what} of the request did not arrive in time.")
        elif self.cycle is None or self.cycle.response_complete:
            self._idle_since = self._idle_since or now
            if now - self._idle_since > self._limits.idle_seconds:
                self.transport.close()

    def _patience(self) -> float:
        """Seconds that the phase may take."""
        limits = self._limits
        if self._phase is Phase.HEADERS or self.cycle.response_complete:  # the body was refused
            return limits.transfer_seconds
        return limits.transfer_seconds + self._delivered / limits.transfer_bytes_per_second

    def _is_unread_too_long(self, now: float) -> bool:
        """True if the client has left a reply, or a part of it, unread for too long."""
        size = self.transport.get_write_buffer_size()
        if not size:
            self._unread = 0
            return False
        if not self._unread:
            self._unread_since = now
        self._unread = max(self._unread, size)
        limits = self._limits
        patience = limits.transfer_seconds + self._unread / limits.transfer_bytes_per_second
        return now - self._unread_since > patience


def _reply(status: int, text: str) -> bytes:
    body = b'{"error": "%s"}' % text.encode()
    return (
        b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
        % (status, len(body), body)
    )
