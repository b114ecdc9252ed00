"""Calls: messages, replies, statuses, deadlines."""

import asyncio
import gzip

import ngh2
import pytest

from tests.serving.grpc.http2.kit import Client, framed, headers, shared


def run(test, **limits):
    """Runs a test with what connections have in common, then checks that nothing is held."""

    async def main():
        common = shared(**limits)
        async with asyncio.timeout(20):
            await test(common)
        for connection in list(common.connections):
            connection.connection_lost(None)
        await asyncio.sleep(0.01)
        assert common.admission.held_bytes == 0
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_kinds_of_methods():
    async def test(common):
        client = Client(common)
        assert await client.call("/test/echo", b"abc") == ([b"abc"], "OK", "")
        assert await client.call("/test/count", b"abc") == ([b"0", b"1", b"2"], "OK", "")
        assert await client.call("/test/count", b"") == ([], "OK", "")
        data = framed(b"ab") + framed(b"") + framed(b"c")
        replies = await client.ended(client.begin("/test/talk", data))
        assert replies == ([b"AB", b"", b"C"], "OK", "")
        large = bytes(range(256)) * 4000
        assert await client.call("/test/echo", large) == ([large], "OK", "")

    run(test)


def test_a_dialog_is_answered_while_it_goes_on():
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/talk", framed(b"a")[:3], False)
        client.frames.send_data(stream, framed(b"a")[3:])
        await client.until(lambda: client.of(ngh2.DataReceived))
        client.frames.send_data(stream, framed(b"b"), end_stream=True)
        assert await client.ended(stream) == ([b"A", b"B"], "OK", "")

    run(test)


def test_statuses():
    async def test(common):
        client = Client(common)
        text = "Nothing here: 100 %25, %C3%A9%0A."
        assert await client.call("/test/refuse") == ([], "NOT_FOUND", text)
        assert await client.call("/test/none") == ([], "UNIMPLEMENTED", "Method not found!")
        _, code, text = await client.call("/test/echo", grpc_timeout="1x")
        assert code == "INVALID_ARGUMENT" and "Received '1x'" in text

    run(test)


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "UNIMPLEMENTED", "takes one message. Received 0"),
        (framed(b"a") * 2, "UNIMPLEMENTED", "takes one message. Received 2"),
        (framed(b"abc")[:-1], "INVALID_ARGUMENT", "truncated"),
        (b"\0\0", "INVALID_ARGUMENT", "truncated"),
        (b"\7\0\0\0\0", "INVALID_ARGUMENT", "flag must be 0 or 1"),
        (b"\0\xff\xff\xff\xff", "RESOURCE_EXHAUSTED", "larger than max (4294967295 vs. 1000)"),
        (b"\1\0\0\0\1a", "UNIMPLEMENTED", "Received 'identity'"),
    ],
)
@pytest.mark.parametrize("ends", [True, False])
def test_data_that_are_not_one_message(data, code, says, ends):
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/echo", data, ends)
        if not ends and (not data or says == "truncated" or says.endswith("'identity'")):
            client.frames.end_stream(stream)
        found = await client.ended(stream)
        assert found[1] == code and says in found[2]
        await client.until(lambda: client.of(ngh2.StreamClosed))

    run(test, max_body_bytes=1000)


def test_compressed_messages():
    async def test(common):
        client = Client(common)
        for content in (b"abc", bytes(50_000), bytes(200_000)):
            data = gzip.compress(content)
            data = b"\1" + len(data).to_bytes(4, "big") + data
            found = await client.ended(client.begin("/test/echo", data, grpc_encoding="gzip"))
            if len(content) > 100_000:
                assert found[1] == "RESOURCE_EXHAUSTED"
            else:
                assert found == ([content], "OK", "")

    run(test, max_body_bytes=100_000)


def test_deadlines():
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/wait", framed(b""), grpc_timeout="20m")
        await asyncio.sleep(0.03)
        assert await client.ended(stream) == ([], "DEADLINE_EXCEEDED", "Deadline Exceeded")

    run(test)


def test_a_client_that_resets_a_call():
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/wait", framed(b"abc"))
        assert common.admission.held_bytes == 8
        client.frames.reset_stream(stream)
        await client.until(lambda: common.admission.held_bytes == 0)
        # All in one packet: the stream is gone before its headers are looked at.
        for path in ("/test/echo", "/test/none", "/test/talk"):
            stream = client.frames.send_request(headers(path))
            client.frames.send_data(stream, framed(b"a"), end_stream=True)
            sent = client.frames.data_to_send()
            reset = b"\0\0\4\3\0" + stream.to_bytes(4, "big") + b"\0\0\0\x08"
            client.connection.data_received(sent + reset)
        await asyncio.sleep(0)
        assert await client.call("/test/echo", b"z") == ([b"z"], "OK", "")

    run(test)


def test_what_messages_hold_is_counted():
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/echo", framed(bytes(3000))[:2000], False)
        assert common.admission.held_bytes == 2000
        _, code, text = await client.call("/test/echo", bytes(1200))
        assert code == "UNAVAILABLE" and "there is no room" in text
        client.frames.send_data(stream, bytes(1005), end_stream=True)
        found = await client.ended(stream)
        assert found == ([bytes(3000)], "OK", "")

    run(test, max_held_bytes=3100)


def test_requests_that_wait_are_limited():
    async def test(common):
        client = Client(common)
        stream = client.begin("/test/talk", framed(b"") * 3000, False)
        assert (await client.ended(stream))[1:] == (
            "RESOURCE_EXHAUSTED",
            "More than 1024 requests wait.",
        )

    run(test)
