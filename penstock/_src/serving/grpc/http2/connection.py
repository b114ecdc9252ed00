"""A client's connection: frames to calls, calls to frames, and the limits of both.

ngh2 takes received bytes and gives events, takes replies and gives bytes. Connections have no timers: the server looks at all of them every second (`check`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

import ngh2

from penstock._src.core.errors import OpError, UnavailableError, UnimplementedError
from penstock._src.serving.grpc.calls import status_of
from penstock._src.serving.grpc.http2 import headers as headers_
from penstock._src.serving.grpc.http2.call import Call
from penstock._src.serving.grpc.http2.progress import Progress
from penstock._src.serving.grpc.http2.shared import Shared

# Bytes that clients may send of a stream, and of a connection, before this side has taken them.
_STREAM_WINDOW, _CONNECTION_WINDOW = 1 << 20, 1 << 24
# Bytes of a stream's replies that may wait before its method does.
_MANY = 1 << 16
# Bytes that are handed to the transport at a time, and that it may hold. Larger pieces take new memory of the system each time, which costs more than they save.
_PIECE, _MOST_WRITTEN = 1 << 16, 1 << 19
# Pings, settings, resets and empty frames of a client between two checks; more are an attack.
_MOST_NOISE = 2000
# Requests that a client may cancel: at once, and in a second.
_RESETS = (10_000, 1_000)
# How much the ages differ at which connections are closed, so that clients do not come back at once.
_JITTER = 0.1
_ENHANCE_YOUR_CALM = int(ngh2.ErrorCode.ENHANCE_YOUR_CALM)
# The client has reset the stream, or the connection is closing: nothing can be sent.
_GONE = (ngh2.StreamProtocolError, ngh2.ConnectionStateError, ngh2.ConnectionClosingError)


class Connection(asyncio.Protocol):
    """A client's connection.

    Args:
      shared: by all connections.
      loop: the event loop.

    Attributes:
      peer: the client's address.
    """

    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop) -> None:
        self.shared, self.loop = shared, loop
        self.peer = ""
        self._transport: Any = None
        self._calls: dict[int, Call] = {}
        self._early: set[int] = set()  # streams that ended before their client had sent all
        self._is_paused = self._flushes = self._is_draining = self._is_leaving = False
        self._is_greeted = False  # the client's first settings have come
        self._is_pinged = False
        self._drained: list[asyncio.Future[None]] = []
        self._noise = self._written = 0
        self._progress = Progress(shared.limits)
        self._began = self._used = time.monotonic()
        self._age = shared.limits.max_call_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)
        limits = shared.limits
        self._frames = ngh2.Connection(
            ngh2.Role.SERVER,
            ngh2.Configuration(
                max_inbound_header_list_size=4 * limits.max_header_bytes,
                stream_reset_rate_limit=_RESETS,
            ),
        )
        self._actions = {
            ngh2.RequestReceived: self._request,
            ngh2.DataReceived: self._data,
            ngh2.TrailersReceived: self._trailers,
            ngh2.StreamClosed: self._stream_closed,
            ngh2.SettingsReceived: self._settings,
            ngh2.PingReceived: self._ignored,
            ngh2.StreamReset: self._ignored,
            ngh2.PriorityUpdateReceived: self._ignored,
            ngh2.PingAcknowledged: self._ping_acknowledged,
            ngh2.ConnectionClosed: self._connection_closed,
        }

    def connection_made(self, transport: Any) -> None:
        """Begins, or refuses, a new connection."""
        self._transport = transport
        shared = self.shared
        if len(shared.connections) >= shared.limits.max_connections:
            transport.abort()
            return
        if shared.is_secure:
            agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
            if agreed != "h2":
                transport.abort()
                return
        shared.connections.add(self)
        transport.set_write_buffer_limits(_MOST_WRITTEN)
        self.peer = _shown(transport.get_extra_info("peername"))
        self._frames.initiate_connection(
            {
                ngh2.Setting.MAX_CONCURRENT_STREAMS: min(shared.limits.max_requests, 2**31 - 1),
                ngh2.Setting.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
                ngh2.Setting.MAX_HEADER_LIST_SIZE: shared.limits.max_header_bytes,
            }
        )
        self._frames.set_local_window_size(_CONNECTION_WINDOW)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the calls of a client that has gone."""
        self.shared.connections.discard(self)
        self.shared.closed.set()
        for call in self._calls.values():
            call.cancel()
        self._calls.clear()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Takes bytes of the client."""
        try:
            self._frames.receive_data(data)
        except ngh2.NGH2Error:
            # Not HTTP/2, or beyond one of its limits: nghttp2 sends nothing more.
            self._handle()
            self._transport.abort()
            return
        self._handle()
        if self._frames.want_write:
            self._flush()

    def eof_received(self) -> None:
        """Close the connection of a client that sends no more; what was written is sent before."""

    def pause_writing(self) -> None:
        """Holds replies and stops reading until the client has received what was written."""
        self._is_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Goes on."""
        self._is_paused = False
        if not self._transport.is_closing():
            self._transport.resume_reading()
        self._flush()

    # What methods send.

    def begin_reply(self, stream: int) -> None:
        """Sends the headers of a reply."""
        with contextlib.suppress(*_GONE):
            self._frames.send_response(stream, headers_.REPLY)

    def send(self, stream: int, data: tuple[bytes, ...]) -> None:
        """Sends a part of a reply."""
        with contextlib.suppress(*_GONE):
            for piece in data:
                self._frames.send_data(stream, piece)
            self._flush_soon()

    def send_unary(self, stream: int, data: tuple[bytes, ...]) -> None:
        """Sends a whole reply."""
        frames = self._frames
        try:
            frames.send_response(stream, headers_.REPLY)
            for piece in data:
                frames.send_data(stream, piece)
            frames.send_trailers(stream, headers_.OK)
        except _GONE:
            return
        self._flush_soon()

    def send_status(self, call: Call, code: int, text: str, has_begun: bool) -> None:
        """Sends the status of a call."""
        trailers = headers_.trailers_of(code, text)
        if not has_begun:
            self._refuse(call.stream, (*headers_.REPLY, *trailers), call.is_complete)
            return
        with contextlib.suppress(*_GONE):
            self._frames.send_trailers(call.stream, trailers)
            self._ended(call.stream, call.is_complete)

    def reset(self, stream: int) -> None:
        """Ends a stream at once."""
        with contextlib.suppress(*_GONE):
            self._frames.reset_stream(stream, int(ngh2.ErrorCode.CANCEL))
            self._flush_soon()

    async def drained(self, call: Call) -> None:
        """Wait until the client has taken most of what was sent of a call."""
        while (
            self._is_paused or self._frames.queued_body_size(call.stream) > _MANY
        ) and not call.is_ended:
            waiter = self.loop.create_future()
            self._drained.append(waiter)
            await waiter

    def _wake(self) -> None:
        waiters, self._drained = self._drained, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _flush_soon(self) -> None:
        """Schedules the sending of pending frames after the ready callbacks of the event loop: replies that end together share one packet."""
        if not self._flushes:
            self._flushes = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushes = False
        frames, transport = self._frames, self._transport
        try:
            while not self._is_paused and not transport.is_closing():
                is_large = frames.queued_body_size() > _PIECE
                data = frames.data_to_send(_PIECE) if is_large else frames.data_to_send()
                if not data:
                    break
                self._written += len(data)
                transport.write(data)
                if not is_large:
                    break
            if self._early and not self._is_paused:
                self._reset_early()
        except ngh2.NGH2Error:
            transport.abort()
            return
        if self._drained and not self._is_paused:
            self._wake()
        self._handle()
        if self._is_leaving and not self._calls:
            transport.close()

    def _reset_early(self) -> None:
        """Tells clients to send no more of requests that are answered."""
        frames = self._frames
        for stream in [each for each in self._early if not frames.queued_body_size(each)]:
            self._early.discard(stream)
            frames.reset_stream(stream, int(ngh2.ErrorCode.NO_ERROR))
        data = frames.data_to_send()
        self._written += len(data)
        self._transport.write(data)

    # Events of ngh2.

    def _handle(self) -> None:
        """Does what the events ask for."""
        actions = self._actions
        while events := self._frames.events():
            for event in events:
                action = actions.get(type(event))
                if action is not None:
                    action(event)

    def _request(self, event: Any) -> None:
        stream, headers, shared = event.stream_id, event.headers, self.shared
        try:
            head = headers_.head_of(headers)
            headers_.check_size(headers, shared.limits.max_header_bytes)
            if head.status:
                self._refuse(stream, ((b":status", b"%d" % head.status),), event.end_stream)
                return
            handler = shared.handlers.get(head.path)
            if handler is None:
                raise UnimplementedError("Method not found!")
            key = shared.gate.name_of(head.path, headers)
        except OpError as error:
            path = dict(headers).get(b":path", b"").decode("latin-1")
            code, text = status_of(error)
            shared.gate.refused(path, self.peer, code)
            trailers = headers_.trailers_of(code, text)
            self._refuse(stream, (*headers_.REPLY, *trailers), event.end_stream)
            return
        call = self._calls[stream] = Call(self, stream, head, headers, handler, key)
        if event.end_stream:
            call.receive(b"", True)

    def _refuse(self, stream: int, headers: headers_.Headers, is_complete: bool) -> None:
        """Answers a stream by headers alone."""
        with contextlib.suppress(*_GONE):
            self._frames.send_response(stream, headers, end_stream=True)
            self._ended(stream, is_complete)

    def _ended(self, stream: int, is_complete: bool) -> None:
        if not is_complete:
            self._early.add(stream)
        self._flush_soon()

    def _data(self, event: Any) -> None:
        data, call = event.data, self._calls.get(event.stream_id)
        if not data:
            self._ignored(event)
        if call is not None:
            call.receive(data, event.end_stream)

    def _trailers(self, event: Any) -> None:
        call = self._calls.get(event.stream_id)
        if call is not None:
            call.receive(b"", True)

    def _stream_closed(self, event: Any) -> None:
        self._early.discard(event.stream_id)
        call = self._calls.pop(event.stream_id, None)
        if call is not None:
            if not call.is_ended:
                call.cancel()
            if self._drained:
                self._wake()
            if not self._calls:
                self._used = time.monotonic()

    def _settings(self, event: Any) -> None:
        self._is_greeted = True
        self._ignored(event)

    def _ignored(self, event: Any) -> None:
        """Counts what costs time and brings nothing."""
        self._noise += 1
        if self._noise > _MOST_NOISE:
            self._noise = 0
            with contextlib.suppress(*_GONE):
                self._frames.terminate_connection(_ENHANCE_YOUR_CALM)
                self._flush_soon()

    def _ping_acknowledged(self, event: Any) -> None:
        self._is_pinged = False
        if self._is_draining:
            self._leave()

    def _connection_closed(self, event: Any) -> None:
        self._transport.close()

    # The end.

    def drain(self) -> None:
        """Asks the client to begin no more calls here; the connection closes once those that it has begun have ended."""
        if self._is_draining or self._transport.is_closing():
            return
        self._is_draining = True
        if not self._is_greeted:
            self._transport.close()
            return
        with contextlib.suppress(*_GONE):
            self._frames.send_shutdown_notice()
            # Calls that the client began before it saw the notice come before its answer.
            self._frames.ping(b"draining")
            self._flush()

    def _leave(self) -> None:
        """Names the last call that is answered."""
        if not self._is_leaving:
            self._is_leaving = True
            with contextlib.suppress(*_GONE):
                self._frames.send_goaway()
                self._flush_soon()

    def end(self) -> None:
        """Ends the calls, and closes the connection."""
        for call in list(self._calls.values()):
            call.cancel(UnavailableError("The server is ending."))
        self._leave()
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Ends what takes too long; called every second."""
        limits, transport = self.shared.limits, self._transport
        self._noise = 0
        # Also of a closing connection, which stays open until its client has read the rest.
        if self._progress.is_stalled(now, transport.get_write_buffer_size(), self._written):
            transport.abort()
            return
        if transport.is_closing():
            return
        if not self._is_greeted:
            if now - self._began > limits.transfer_seconds:
                transport.abort()
            return
        for call in list(self._calls.values()):
            call.check(now, self._frames.queued_body_size(call.stream))
        if self._is_draining:
            self._leave()
        if now - self._began > self._age + limits.max_call_seconds:
            self.end()
        elif now - self._began > self._age:
            self.drain()
        elif not self._calls:
            if now - self._used > limits.idle_seconds:
                self.drain()
        else:
            self._probe(now)

    def _probe(self, now: float) -> None:
        """Finds out if a client whose calls are silent is still there."""
        limits = self.shared.limits
        if not self._is_pinged:
            if now - self._used > limits.idle_seconds:
                self._is_pinged, self._used = True, now
                with contextlib.suppress(*_GONE):
                    self._frames.ping()
                    self._flush()
        elif self._is_paused:  # the answer is not read
            self._used = now
        elif now - self._used > limits.transfer_seconds:
            self._transport.abort()


def _shown(address: Any) -> str:
    """The client's address as gRPC writes it."""
    if not isinstance(address, tuple):
        return "unknown"
    host, port = address[:2]
    return f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"
