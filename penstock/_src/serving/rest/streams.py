"""Replies that come in pieces, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from penstock._src.core.errors import UnavailableError
from penstock._src.serving.requirements import orjson
from penstock._src.serving.rest.replies import Stream, error_reply


async def send_stream(reply: Stream, send: Any) -> int:
    """Sends the pieces of a reply as they arrive; returns their total size. An error ends it, as an event; so does a client that leaves: its connection cancels the task."""
    headers = [(b"content-type", reply.content_type), (b"cache-control", b"no-cache")]
    failure: Exception | None = None
    sent = 0
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for piece in reply.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += len(piece)
    except Exception as error:
        failure = error
    except asyncio.CancelledError:  # the client has gone, or the time to drain is over
        failure = UnavailableError("The server is ending.")
    finally:
        reply.close()
        await reply.pieces.aclose()
    last = b"" if failure is None else event(_told(failure))
    await send({"type": "http.response.body", "body": last})
    return sent + len(last)


def _told(error: Exception) -> Mapping[str, Any]:
    return orjson().loads(error_reply(error).body)


def event(value: Any) -> bytes:
    """A value as a server-sent event."""
    return b"data: " + orjson().dumps(value) + b"\n\n"
