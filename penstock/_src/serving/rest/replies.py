"""Replies, and errors in TensorFlow Serving's form."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple

from penstock._src.core import errors
from penstock._src.serving.requirements import orjson
from penstock._src.serving.trust.messages import message_of

_LOG = logging.getLogger("penstock.serving")
JSON = b"application/json"
EVENTS = b"text/event-stream"


class Reply(NamedTuple):
    """An HTTP reply; `headers` are those besides its type and length."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Stream(NamedTuple):
    """A reply that comes in pieces.

    Args:
      pieces: of the body.
      close: called at the end in any case.
      content_type: of the whole.
    """

    pieces: AsyncGenerator[bytes, None]
    close: Callable[[], None]
    content_type: bytes = EVENTS


# The header with the version of the model that answered.
VERSION_HEADER = b"penstock-model-version"

# HTTP's status of TensorFlow's codes; 500 for others.
STATUS = {
    errors.OK: 200,
    errors.CANCELLED: 499,
    errors.INVALID_ARGUMENT: 400,
    errors.DEADLINE_EXCEEDED: 504,
    errors.NOT_FOUND: 404,
    errors.ALREADY_EXISTS: 409,
    errors.PERMISSION_DENIED: 403,
    errors.UNAUTHENTICATED: 401,
    errors.RESOURCE_EXHAUSTED: 429,
    errors.FAILED_PRECONDITION: 400,
    errors.ABORTED: 409,
    errors.OUT_OF_RANGE: 400,
    errors.UNIMPLEMENTED: 501,
    errors.UNAVAILABLE: 503,
}


def json_reply(value: Any, status: int = 200) -> Reply:
    """A reply of what orjson writes: plain Python values."""
    return Reply(status, orjson().dumps(value))


def error_reply(error: Exception) -> Reply:
    """The error reply: the message for a client's error; otherwise only that there was an error."""
    if isinstance(error, errors.OpError):
        return json_reply({"error": message_of(error)}, STATUS.get(error.error_code, 500))
    if isinstance(error, MemoryError):
        return json_reply({"error": "The server is out of memory."}, 503)
    _LOG.error("A request failed", exc_info=error)
    return json_reply({"error": f"Internal error: {type(error).__name__}"}, 500)
