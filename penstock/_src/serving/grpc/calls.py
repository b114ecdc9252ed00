"""Steps of every method: parse the request, run, and make statuses of errors."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core import errors
from penstock._src.serving.grpc.http2.handlers import Handler, Kind
from penstock._src.serving.trust.messages import message_of

_LOG = logging.getLogger("penstock.serving")
# A method: of a message and the call's context, to a message.
Method = Callable[[Any, Any], Awaitable[Any]]
# The same to a stream of messages.
StreamMethod = Callable[[Any, Any], AsyncGenerator[Any, None]]


def unary(method: Method, request: type) -> Handler:
    """Returns the handler of a method with one request and one reply.

    Args:
      method: what answers.
      request: the class of the message that it gets.
    """

    async def answer(data: bytes, context: Any) -> bytes:
        reply = await method(parsed(data, request), context)
        return reply.SerializeToString()

    return Handler(Kind.UNARY, answer)


def streaming(method: StreamMethod, request: type) -> Handler:
    """Returns the handler of a method with one request and a stream of replies."""

    async def answer(data: bytes, context: Any) -> AsyncGenerator[bytes, None]:
        async with contextlib.aclosing(method(parsed(data, request), context)) as replies:
            async for reply in replies:
                yield reply.SerializeToString()

    return Handler(Kind.STREAM, answer)


def parsed(data: bytes, request: Any) -> Any:
    """Returns a request's message.

    Raises:
      InvalidArgumentError: it is damaged.
    """
    try:
        return request.FromString(data)
    except DecodeError as error:
        raise errors.InvalidArgumentError(
            f"The request is not a valid {request.DESCRIPTOR.name} message: {error}."
        ) from error


def status_of(error: Exception) -> tuple[int, str]:
    """Returns gRPC's status code, which is TensorFlow's, and the text for an error; of one that is not the client's, only that there was one."""
    if isinstance(error, errors.OpError):
        return error.error_code, message_of(error)
    if isinstance(error, MemoryError):
        return errors.RESOURCE_EXHAUSTED, "The server is out of memory."
    _LOG.error("A call failed", exc_info=error)
    return errors.INTERNAL, f"Internal error: {type(error).__name__}"
