"""Connections in memory: a transport that keeps what is written, and a client on nghttp2."""

import asyncio

import ngh2

from penstock._src.core import errors
from penstock._src.serving.grpc.gate import Gate
from penstock._src.serving.grpc.http2.connection import Connection
from penstock._src.serving.grpc.http2.handlers import Handler, Kind
from penstock._src.serving.grpc.http2.shared import Shared
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits


def framed(message):
    """A message as a stream carries it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Transport:
    """Keeps what is written; `closed` is True after close and abort."""

    def __init__(self):
        self.written, self.closed, self.aborted, self.reads = [], False, False, True

    def write(self, data):
        self.written.append(data)

    def taken(self):
        """What was written since the last time."""
        written, self.written = b"".join(self.written), []
        return written

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def is_closing(self):
        return self.closed

    def get_extra_info(self, name):
        return ("127.0.0.1", 7) if name == "peername" else None

    def get_write_buffer_size(self):
        return sum(map(len, self.written))

    def set_write_buffer_limits(self, high):
        pass

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True


async def echo(data, call):
    return data


async def refuse(data, call):
    raise errors.NotFoundError("Nothing here: 100 %, \u00e9\n.")


async def wait(data, call):
    await asyncio.sleep(60)


async def count(data, call):
    """As many replies as the request has bytes."""
    for number in range(len(data)):
        yield b"%d" % number


async def flood(data, call):
    while True:
        yield b"x" * 10_000


async def talk(requests, call):
    async for data in requests:
        yield data.upper()


HANDLERS = {
    "/test/echo": Handler(Kind.UNARY, echo),
    "/test/refuse": Handler(Kind.UNARY, refuse),
    "/test/wait": Handler(Kind.UNARY, wait),
    "/test/count": Handler(Kind.STREAM, count),
    "/test/flood": Handler(Kind.STREAM, flood),
    "/test/talk": Handler(Kind.DIALOG, talk),
}


def shared(handlers=None, gate=None, **limits):
    """What connections have in common, with the test's handlers."""
    made = Limits(**limits)
    return Shared(handlers or HANDLERS, made, gate or Gate(None, None), Admission(made))


def connected(common):
    """A connection that has begun."""
    made = Connection(common, asyncio.get_running_loop())
    made.connection_made(Transport())
    return made


def headers(path, **more):
    """The headers of a call."""
    values = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return [(name.encode(), value.encode()) for name, value in values.items() if value is not None]


class Client:
    """A client of a connection.

    Args:
      common: what connections have in common.
      settings: of HTTP/2.

    Attributes:
      connection: the server's side.
      events: that the client has had.
    """

    def __init__(self, common, settings=None):
        self.connection = connected(common)
        self.transport = self.connection._transport
        self.frames = ngh2.Connection(ngh2.Role.CLIENT)
        self.frames.initiate_connection(settings)
        self.events = []
        self.exchange()

    def exchange(self):
        """Passes on what both sides have to send."""
        while True:
            sent, received = self.frames.data_to_send(), self.transport.taken()
            if not sent and not received:
                return
            if received and self.frames.want_read:
                self.frames.receive_data(received)
                self.events += self.frames.events()
            if sent and not self.transport.closed:
                self.connection.data_received(sent)

    def begin(self, path, data=None, ends=True, **more):
        """Begins a call, with the data of a stream if there are any; returns its number."""
        stream = self.frames.send_request(headers(path, **more))
        if data is not None:
            self.frames.send_data(stream, data, end_stream=ends)
        self.exchange()
        return stream

    async def until(self, condition, turns=2000):
        """Runs the event loop until a condition holds."""
        for _ in range(turns):
            self.exchange()
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError(f"never: {self.events}")

    async def ended(self, stream, turns=2000):
        """The call's messages, and its status and text."""
        await self.until(lambda: self.status(stream) is not None, turns)
        data = b"".join(
            e.data
            for e in self.events
            if isinstance(e, ngh2.DataReceived) and e.stream_id == stream
        )
        found = []
        while data:
            end = 5 + int.from_bytes(data[1:5], "big")
            found.append(data[5:end])
            data = data[end:]
        return found, *self.status(stream)

    def status(self, stream):
        """The code and text of a call that has ended; None before."""
        for event in self.events:
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, ngh2.ResponseReceived | ngh2.TrailersReceived):
                values = dict(event.headers)
                if b"grpc-status" in values:
                    code = errors.CODE_NAMES[int(values[b"grpc-status"])]
                    return code, values.get(b"grpc-message", b"").decode()
        return None

    async def call(self, path, message=b"", turns=2000, **more):
        """Calls a method with one message: its replies, code and text."""
        return await self.ended(self.begin(path, framed(message), **more), turns)

    def of(self, kind):
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


def frame(kind, flags=0, stream=0, payload=b""):
    """A frame of HTTP/2."""
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
    return head + stream.to_bytes(4, "big") + payload


def frames_of(data):
    """(kind, flags, stream, payload) of frames."""
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        stream = int.from_bytes(data[5:9], "big")
        found.append((data[3], data[4], stream, data[9 : 9 + size]))
        data = data[9 + size :]
    return found
