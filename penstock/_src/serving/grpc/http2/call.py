"""A call: one stream of a connection, from the request's headers to the status."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Protocol

from penstock._src.core import errors
from penstock._src.core.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock._src.serving.grpc.calls import status_of
from penstock._src.serving.grpc.http2.handlers import Handler, Kind
from penstock._src.serving.grpc.http2.headers import Head, Headers, metadata_of
from penstock._src.serving.grpc.http2.messages import (
    PREFIX,
    MessageReader,
    check_encoding,
    decompressed,
    is_message,
    pieces,
)
from penstock._src.serving.grpc.http2.progress import Progress, patience
from penstock._src.serving.grpc.http2.shared import Shared

# Compressed bytes from which another thread decompresses.
_MANY = 16384
# Requests of a dialog that wait for its method.
_MOST_WAITING = 1024


class Connection(Protocol):
    """Interface of a connection to its calls."""

    shared: Shared
    loop: asyncio.AbstractEventLoop
    peer: str

    def begin_reply(self, stream: int) -> None: ...
    def send(self, stream: int, data: tuple[bytes, ...]) -> None: ...
    def send_unary(self, stream: int, data: tuple[bytes, ...]) -> None: ...
    def send_status(self, call: Call, code: int, text: str, has_begun: bool) -> None: ...
    def reset(self, stream: int) -> None: ...
    async def drained(self, call: Call) -> None: ...


class Call:
    """A call of a method. Methods get it as their context.

    Args:
      connection: of the client.
      stream: the number of the stream.
      head: what the headers say.
      headers: of the request.
      handler: of the method.
      key: the name of the client's API key.

    Attributes:
      is_complete: True once the client has sent all of its messages.
      is_ended: True once the call has a status; nothing of it is sent afterwards.
      received: bytes of the client's messages.
      sent: bytes of the replies.
    """

    __slots__ = (
        "_arrived",
        "_connection",
        "_deadline",
        "_handler",
        "_head",
        "_headers",
        "_held",
        "_messages",
        "_progress",
        "_reader",
        "_replies_begun",
        "_since",
        "_status",
        "_task",
        "_timer",
        "_waiter",
        "began",
        "is_complete",
        "is_ended",
        "key",
        "received",
        "sent",
        "stream",
        "total",
    )

    def __init__(
        self,
        connection: Connection,
        stream: int,
        head: Head,
        headers: Headers,
        handler: Handler,
        key: str,
    ) -> None:
        self._connection, self.stream = connection, stream
        self._head, self._headers, self._handler, self.key = head, headers, handler, key
        self.began, self._since = time.perf_counter(), time.monotonic()
        self.is_complete = self.is_ended = self._replies_begun = False
        self.received = self.sent = self.total = self._held = self._arrived = 0
        self._reader: MessageReader | None = None
        self._messages: deque[tuple[bool, bytes]] = deque()
        self._waiter: asyncio.Future[None] | None = None  # of a dialog's method, for a message
        self._status = (errors.OK, "")
        self._task: asyncio.Task[None] | None = None
        self._progress: Progress | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        if head.timeout is not None:
            loop = connection.loop
            self._deadline = loop.time() + head.timeout
            self._timer = loop.call_later(head.timeout, self._expire)
        if handler.kind is Kind.DIALOG:
            self._task = connection.loop.create_task(self._run(self._requests()))

    @property
    def method(self) -> str:
        """The service and method."""
        return self._head.path

    def time_remaining(self) -> float | None:
        """Return the seconds until the client's deadline; None if it has none."""
        if not self._deadline:
            return None
        return max(self._deadline - self._connection.loop.time(), 0.0)

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the metadata that the client sent."""
        return metadata_of(self._headers)

    def set_status(self, code: int, text: str) -> None:
        """Set the status that the call ends with, instead of OK."""
        self._status = code, text

    def receive(self, data: bytes, is_last: bool) -> None:
        """Takes data of the client's messages.

        Args:
          data: a piece.
          is_last: True if the client sends no more.
        """
        self.is_complete = is_last
        if self.is_ended:
            return
        self._arrived += len(data)
        try:
            self._hold(len(data))
            if self._reader is None and is_last and is_message(data):
                self._messages.append((False, data[PREFIX:]))
                self.received = len(data) - PREFIX
            else:
                self._read(data, is_last)
        except Exception as error:
            self.fail(error)
            return
        if self._handler.kind is Kind.DIALOG:
            self._wake()
        elif is_last:
            self._task = self._connection.loop.create_task(self._run_with_request())

    def _read(self, data: bytes, is_last: bool) -> None:
        if self._reader is None:
            self._reader = MessageReader(self._connection.shared.limits.max_body_bytes)
        for message in self._reader.read(data) if data else ():
            self._messages.append(message)
            self.received += len(message[1])
        if is_last and not self._reader.is_between:
            raise InvalidArgumentError("The message of the request is truncated.")
        count = len(self._messages)
        if self._handler.kind is Kind.DIALOG:
            if count > _MOST_WAITING:
                raise ResourceExhaustedError(f"More than {_MOST_WAITING} requests wait.")
        elif count > 1 or is_last and not count:
            raise UnimplementedError(f"{self.method} takes one message. Received {count}.")

    async def _run_with_request(self) -> None:
        is_compressed, message = self._messages.popleft()
        if is_compressed:
            try:
                message = await self._plain(message)
            except Exception as error:
                self.fail(error)
                self._release()
                return
            except asyncio.CancelledError:
                self._release()
                return
        if self._handler.kind is Kind.STREAM:
            await self._run(message)
            return
        try:
            reply = await self._handler.answer(message, self)
            self._end(*self._status, reply)
        except Exception as error:
            self.fail(error)
        except asyncio.CancelledError:
            pass  # by what has ended the call
        finally:
            self._release()

    async def _run(self, argument: Any) -> None:
        """Sends a stream of replies."""
        try:
            async with contextlib.aclosing(self._handler.answer(argument, self)) as replies:
                async for reply in replies:
                    if self.is_ended:
                        return
                    self._send(reply)
                    await self._connection.drained(self)
            self._end(*self._status)
        except Exception as error:
            self.fail(error)
        except asyncio.CancelledError:
            pass  # by what has ended the call
        finally:
            self._release()

    async def _requests(self) -> AsyncIterator[bytes]:
        """Yield the requests of a dialog."""
        while True:
            while self._messages:
                is_compressed, message = self._messages.popleft()
                yield await self._plain(message) if is_compressed else message
            if not self._messages:
                self._release()
                if self.is_complete:
                    return
                self._waiter = self._connection.loop.create_future()
                await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _plain(self, data: bytes) -> bytes:
        encoding, limit = self._head.encoding, self._connection.shared.limits.max_body_bytes
        check_encoding(encoding)
        if len(data) < _MANY:
            message = decompressed(data, encoding, limit)
        else:
            async with self._connection.shared.decompressing:
                message = await asyncio.to_thread(decompressed, data, encoding, limit)
        self._hold(len(message))
        return message

    def _send(self, reply: bytes) -> None:
        connection = self._connection
        if not self._replies_begun:
            self._replies_begun = True
            connection.begin_reply(self.stream)
        self.sent += len(reply)
        self.total += PREFIX + len(reply)
        connection.send(self.stream, pieces(reply))

    def fail(self, error: Exception) -> None:
        """Ends the call with the status of an error."""
        if not self.is_ended:
            self._end(*status_of(error))

    def _expire(self) -> None:
        """Ends the call at its deadline."""
        self._timer = None
        self.cancel(DeadlineExceededError("Deadline Exceeded"))

    def cancel(self, error: Exception | None = None) -> None:
        """Ends the call while its method runs, with the status of an error; None: the client has gone, and gets none."""
        if error is not None:
            self.fail(error)
        elif not self.is_ended:
            self._note(errors.CANCELLED)
        if self._task is not None:
            self._task.cancel()
        self._release()  # a task that has not begun never does

    def _end(self, code: int, text: str, reply: bytes | None = None) -> None:
        """Sends a last reply and the status."""
        if self.is_ended:
            return
        if reply is not None and not self._replies_begun and code == errors.OK:
            self.sent, self.total = len(reply), PREFIX + len(reply)
            self._connection.send_unary(self.stream, pieces(reply))
        else:
            if reply is not None:
                self._send(reply)
            self._connection.send_status(self, code, text, self._replies_begun)
        self._note(code)
        if self._task is None:
            self._release()

    def _note(self, code: int) -> None:
        self.is_ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._connection.shared.gate.note(self, self._connection.peer, code)

    def _hold(self, size: int) -> None:
        self._connection.shared.admission.hold(size)
        self._held += size

    def _release(self) -> None:
        self._connection.shared.admission.release(self._held)
        self._held = 0
        self._messages.clear()

    def check(self, now: float, waiting: int) -> None:
        """Ends the call if its client is too slow.

        Args:
          now: on the monotonic clock.
          waiting: bytes of replies that the client's window has no room for.
        """
        limits = self._connection.shared.limits
        if waiting or self._progress is not None:
            self._progress = self._progress or Progress(limits)
            if self._progress.is_stalled(now, waiting, self.total):
                self._connection.reset(self.stream)
                self.cancel()
        elif not self.is_complete and not self.is_ended and self._handler.kind is not Kind.DIALOG:
            if now - self._since > patience(limits, self._arrived):
                self.cancel(
                    DeadlineExceededError("The message of the request did not arrive in time.")
                )
