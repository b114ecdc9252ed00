"""Connections: errors of HTTP/2 by RFC 9113, floods, flow control, and clients that are slow or silent."""

import asyncio
import time

import ngh2
import pytest

from penstock._src.core import errors
from penstock._src.serving.grpc.gate import Gate
from tests.serving.grpc.http2.kit import (
    PREFACE,
    Client,
    connected,
    frame,
    framed,
    frames_of,
    headers,
    shared,
)
from tests.serving.grpc.http2.test_call import run

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED = 1, 4, 8
PROTOCOL, FLOW, CLOSED, SIZE, COMPRESSION, CALM = 1, 3, 5, 6, 9, 11
# :method POST, :scheme http, :authority x, :path /test/echo, content-type application/grpc, without Huffman and indexing.
BLOCK = b"\x83\x86\x01\x01x\x04\x0a/test/echo\x0f\x10\x10application/grpc"
BEGIN = frame(HEADERS, END_HEADERS, 1, BLOCK)
WORD = (2**31).to_bytes(4, "big")


def broken(data):
    """What a connection answers to bytes after the preface: {kind: error codes}, and whether it is closed."""

    async def main():
        connection = connected(shared())
        transport = connection._transport
        transport.taken()
        connection.data_received(PREFACE + frame(SETTINGS) + data)
        for _ in range(5):
            await asyncio.sleep(0)
        found = {}
        for kind, _, stream, payload in frames_of(transport.taken()):
            if kind == GOAWAY:
                found[kind] = int.from_bytes(payload[4:8], "big")
            elif kind == RESET:
                found[kind, stream] = int.from_bytes(payload, "big")
        closed = transport.closed
        connection.connection_lost(None)
        return found, closed

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(DATA, 0, 0, b"a"), PROTOCOL),
        (frame(DATA, 0, 3, b"a"), PROTOCOL),  # of an idle stream
        (BEGIN + frame(DATA, PADDED, 1, b"\x09abc"), PROTOCOL),
        (frame(HEADERS, END_HEADERS, 0, BLOCK), PROTOCOL),
        (frame(HEADERS, END_HEADERS, 2, BLOCK), PROTOCOL),
        (frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"), COMPRESSION),
        (frame(HEADERS, END_HEADERS, 1, b"\xbf"), COMPRESSION),  # an index that is not in the table
        (frame(HEADERS, 0, 1, BLOCK) + frame(PING, 0, 0, bytes(8)), PROTOCOL),
        (frame(HEADERS, 0, 1, BLOCK) + frame(CONTINUATION, END_HEADERS, 3), PROTOCOL),
        (frame(CONTINUATION, END_HEADERS, 1, BLOCK), PROTOCOL),
        (frame(RESET, 0, 0, bytes(4)), PROTOCOL),
        (frame(RESET, 0, 1, bytes(4)), PROTOCOL),  # of an idle stream
        (BEGIN + frame(RESET, 0, 1, bytes(3)), SIZE),
        (frame(SETTINGS, 0, 1), PROTOCOL),
        (frame(SETTINGS, 1, 0, bytes(6)), SIZE),
        (frame(SETTINGS, 0, 0, bytes(5)), SIZE),
        (frame(SETTINGS, 0, 0, b"\0\2\0\0\0\2"), PROTOCOL),
        (frame(SETTINGS, 0, 0, b"\0\4" + WORD), FLOW),
        (frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1"), PROTOCOL),
        (frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + BLOCK), PROTOCOL),
        (frame(PING, 0, 0, bytes(7)), SIZE),
        (frame(PING, 0, 1, bytes(8)), PROTOCOL),
        (frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL),
        (frame(WINDOW, 0, 0, bytes(4)), PROTOCOL),
        (frame(WINDOW, 0, 0, bytes(3)), SIZE),
        (frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"), FLOW),
        # Of a stream, but the connection may be ended as well.
        (BEGIN + frame(WINDOW, 0, 1, bytes(4)), PROTOCOL),
        (BEGIN + frame(WINDOW, 0, 1, b"\x7f\xff\xff\xff"), FLOW),
        (frame(DATA, 0, 1, bytes(16385)), SIZE),
        (BEGIN + frame(DATA, END_STREAM, 1, framed(b"")) + BEGIN, CLOSED),
    ],
)
def test_errors_of_the_connection(data, code):
    found, closed = broken(data)
    assert (found.get(GOAWAY), closed) == (code, True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(HEADERS, END_HEADERS, 1, b"\x00\x01A\x01b" + BLOCK), PROTOCOL),
        (frame(HEADERS, END_HEADERS, 1, BLOCK + b"\x00\x0aconnection\x01b"), PROTOCOL),
        (frame(HEADERS, END_HEADERS, 1, BLOCK + b"\x83"), PROTOCOL),  # :method after others
        (frame(HEADERS, END_HEADERS, 1, BLOCK[1:]), PROTOCOL),  # no :method
        (
            frame(HEADERS, END_HEADERS, 1, BLOCK + b"\x0f\x0d\x019") + frame(DATA, 1, 1, b"abc"),
            PROTOCOL,  # content-length: 9
        ),
    ],
)
def test_errors_of_a_stream(data, code):
    found, closed = broken(data)
    assert (found.get((RESET, 1)), closed, GOAWAY in found) == (code, False, False)


def test_frames_that_are_not_known_are_ignored():
    unknown = frame(99, 255, 7, b"abc") + frame(SETTINGS, 0, 0, b"\x77\x77\0\0\0\1")
    assert broken(unknown + frame(PRIORITY, 0, 9, bytes(5))) == ({}, False)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" * 30, PREFACE[:-1] + b"x"]
)
def test_data_that_is_not_http2_closes_the_connection(data):
    async def test(common):
        connection = connected(common)
        connection.data_received(data)
        assert connection._transport.closed

    run(test)


def test_bytes_one_at_a_time():
    async def test(common):
        connection = connected(common)
        connection._transport.taken()
        for byte in PREFACE + frame(SETTINGS) + BEGIN + frame(DATA, 1, 1, framed(b"abc")):
            connection.data_received(bytes([byte]))
        for _ in range(5):
            await asyncio.sleep(0)
        kinds = [(kind, stream) for kind, _, stream, _ in frames_of(connection._transport.taken())]
        assert kinds[-3:] == [(HEADERS, 1), (DATA, 1), (HEADERS, 1)]

    run(test)


@pytest.mark.parametrize(
    "each",
    [
        frame(PING, 0, 0, bytes(8)),
        frame(SETTINGS),
        frame(DATA, 0, 1),
    ],
)
def test_floods_end_the_connection(each):
    found, closed = broken(BEGIN + each * 900)
    assert not closed
    found, closed = broken(BEGIN + each * 2100)
    assert (found.get(GOAWAY), closed) == (CALM, True) or closed


def test_a_flood_of_resets():
    pairs = b"".join(
        frame(HEADERS, END_HEADERS, stream, BLOCK) + frame(RESET, 0, stream, b"\0\0\0\x08")
        for stream in range(1, 5000, 2)
    )
    found, closed = broken(pairs)
    assert closed


def test_a_flood_of_continuations():
    data = frame(HEADERS, 0, 1, BLOCK) + frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b") * 100
    assert broken(data)[1]


def test_large_headers():
    async def test(common):
        client = Client(common)
        _, code, text = await client.call("/test/echo", x="a" * 2000)
        assert code == "RESOURCE_EXHAUSTED" and "at most 1,000 bytes" in text
        assert (await client.call("/test/echo", b"z"))[0] == [b"z"]
        client.begin("/test/echo", framed(b""), x="a" * 9000)
        assert client.transport.closed

    run(test, max_header_bytes=1000)


def test_more_calls_than_allowed_end_the_connection():
    async def test(common):
        connection = connected(common)
        block = frame(SETTINGS, 1)
        for stream in (1, 3, 5):
            block += frame(HEADERS, END_HEADERS, stream, BLOCK)
        connection.data_received(PREFACE + frame(SETTINGS) + block)
        assert len(connection._calls) == 2
        (end,) = [f for f in frames_of(connection._transport.taken()) if f[0] == GOAWAY]
        assert end[3][7] == PROTOCOL and connection._transport.closed

    run(test, max_requests=2)


def test_connections_beyond_the_limit_are_closed():
    async def test(common):
        first, second = connected(common), connected(common)
        assert (first._transport.closed, second._transport.closed) == (False, True)
        first.connection_lost(None)
        assert not connected(common)._transport.closed

    run(test, max_connections=1)


def test_requests_that_are_not_grpc():
    async def test(common):
        client = Client(common)
        for more, status in (({":method": "GET"}, b"405"), ({"content-type": "text/x"}, b"415")):
            stream = client.begin("/test/echo", b"", **more)
            (reply,) = (e for e in client.of(ngh2.ResponseReceived) if e.stream_id == stream)
            assert dict(reply.headers) == {b":status": status}

    run(test)


def test_keys_are_looked_at_before_messages():
    class Keys:
        def name_of(self, headers):
            if (b"x-api-key", b"k") not in headers:
                raise errors.UnauthenticatedError("no key")
            return "alice"

    notes = []

    class Log:
        def add(self, entry):
            notes.append((entry.method, entry.status, entry.key, entry.received, entry.sent))

    async def test(common):
        common.gate = Gate(Keys(), Log())
        client = Client(common)
        stream = client.begin("/test/echo", framed(b"abc")[:6], False)
        assert await client.ended(stream) == ([], "UNAUTHENTICATED", "no key")
        await client.until(lambda: client.of(ngh2.StreamReset))
        assert (await client.call("/test/echo", b"abc", x_api_key="k"))[1] == "OK"
        assert await client.call("/test/count", b"abc", x_api_key="k")
        assert notes == [
            ("/test/echo", "UNAUTHENTICATED", "", 0, 0),
            ("/test/echo", "OK", "alice", 3, 3),
            ("/test/count", "OK", "alice", 3, 3),
        ]

    run(test)


def test_replies_wait_for_the_clients_window():
    async def test(common):
        client = Client(common, {ngh2.Setting.INITIAL_WINDOW_SIZE: 1000})
        frames = client.frames
        found = await client.call("/test/echo", bytes(range(256)) * 1000)
        assert found == ([bytes(range(256)) * 1000], "OK", "")
        assert not frames.want_write

    run(test)


def test_a_method_waits_for_its_client():
    async def test(common):
        client = Client(common)
        client.exchange = lambda: None  # it takes nothing more
        stream = client.frames.send_request(headers("/test/flood"))
        client.frames.send_data(stream, framed(b""), end_stream=True)
        client.connection.data_received(client.frames.data_to_send())
        for _ in range(200):
            await asyncio.sleep(0)
        (call,) = client.connection._calls.values()
        assert 65_535 < call.sent < 300_000
        now = time.monotonic()
        client.transport.taken()
        client.connection.check(now)
        client.connection.check(now + 19)
        assert not call.is_ended
        client.connection.check(now + 21)
        assert call.is_ended
        for _ in range(5):
            await asyncio.sleep(0)
        (reset,) = [f for f in frames_of(client.transport.taken()) if f[0] == RESET]
        assert reset[2] == stream

    run(test)


def test_a_client_that_does_not_read_is_not_read():
    async def test(common):
        client = Client(common)
        client.connection.pause_writing()
        assert not client.transport.reads
        client.begin("/test/echo", framed(b"abc"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not client.transport.written
        client.connection.resume_writing()
        assert client.transport.reads and client.transport.written
        now = time.monotonic()
        client.connection.check(now)
        client.connection.check(now + 21)
        assert client.transport.closed

    run(test)


def test_a_closing_connection_whose_client_does_not_read():
    async def test(common):
        client = Client(common)
        client.connection.drain()
        client.transport.close()
        now = time.monotonic()
        client.connection.check(now)
        client.connection.check(now + 19)
        assert not client.transport.aborted
        client.connection.check(now + 21)
        assert client.transport.aborted

    run(test)


def test_messages_that_do_not_arrive():
    async def test(common):
        client = Client(common)
        first = client.begin("/test/echo", framed(bytes(300_000))[:200_000], False)
        second = client.begin("/test/echo", framed(b"abc")[:6], False)
        dialog = client.begin("/test/talk", framed(b"abc")[:6], False)
        now = time.monotonic()
        client.connection.check(now + 22)
        text = "The message of the request did not arrive in time."
        assert await client.ended(second) == ([], "DEADLINE_EXCEEDED", text)
        assert client.status(first) is None  # 200 KB may take longer
        client.connection.check(now + 45)
        assert (await client.ended(first))[1:] == ("DEADLINE_EXCEEDED", text)
        assert client.status(dialog) is None
        client.frames.reset_stream(dialog)
        client.exchange()

    run(test)


def test_clients_that_say_nothing():
    async def test(common):
        silent = connected(common)
        idle, busy, dead = Client(common), Client(common), Client(common)
        stream = busy.begin("/test/wait", framed(b""))
        dead.begin("/test/wait", framed(b""))
        now = time.monotonic()
        for connection in list(common.connections):
            connection.check(now + 21)
        assert silent._transport.closed and not idle.transport.closed
        for client in (idle, busy, dead):
            client.connection.check(now + 80)
        idle.exchange()
        busy.exchange()  # answers the ping
        await asyncio.sleep(0)
        idle.exchange()
        assert [e.error_code for e in idle.of(ngh2.GoAwayReceived)] == [0]
        assert idle.transport.closed
        assert busy.of(ngh2.PingReceived) and not busy.transport.closed
        for client in (busy, dead):
            client.connection.check(now + 102)
        assert (busy.transport.closed, dead.transport.closed) == (False, True)
        busy.frames.reset_stream(stream)
        busy.exchange()

    run(test)


def test_old_connections_finish_their_calls():
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/talk", framed(b"a"), False)
        client.connection.check(time.monotonic() + 12)
        await client.until(lambda: len(client.of(ngh2.GoAwayReceived)) == 2)
        assert not client.frames.can_send_request and not client.transport.closed
        client.frames.send_data(stream, framed(b"b"), end_stream=True)
        assert await client.ended(stream) == ([b"A", b"B"], "OK", "")
        await client.until(lambda: client.transport.closed)
        lasting = Client(common)
        lasting.begin("/test/wait", framed(b""))
        lasting.connection.check(time.monotonic() + 23)
        lasting.exchange()
        assert lasting.status(1) == ("UNAVAILABLE", "The server is ending.")
        assert lasting.transport.closed

    run(test, max_call_seconds=10)
