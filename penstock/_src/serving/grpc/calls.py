"""Steps of every method: parse the request, run, and report errors by TensorFlow's codes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core import errors
from penstock._src.serving.requirements import grpc
from penstock._src.serving.trust.messages import message_of

_LOG = logging.getLogger("penstock.serving")
# A method: of a message and the call's context, to a message.
Method = Callable[[Any, Any], Awaitable[Any]]
# The same to a stream of messages.
StreamMethod = Callable[[Any, Any], AsyncGenerator[Any, None]]


def unary(method: Method, request: type) -> Any:
    """Returns grpcio's handler of a method with one request and one reply.

    Args:
      method: what answers.
      request: the class of the message that it gets.
    """

    async def answer(data: bytes, context: Any) -> bytes:
        try:
            reply = await method(parsed(data, request), context)
        except Exception as error:
            await context.abort(*told(error))
        return reply.SerializeToString()

    return grpc().unary_unary_rpc_method_handler(answer)


def streaming(method: StreamMethod, request: type) -> Any:
    """Returns grpcio's handler of a method with one request and a stream of replies."""

    async def answer(data: bytes, context: Any) -> AsyncGenerator[bytes, None]:
        try:
            async with contextlib.aclosing(method(parsed(data, request), context)) as replies:
                async for reply in replies:
                    yield reply.SerializeToString()
        except Exception as error:
            await context.abort(*told(error))

    return grpc().unary_stream_rpc_method_handler(answer)


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


def told(error: Exception) -> tuple[Any, str]:
    """Returns gRPC's status code and the text for an error; of one that is not the client's, only that there was one."""
    if isinstance(error, errors.OpError):
        return _status(error.error_code), message_of(error)
    if isinstance(error, MemoryError):
        return _status(errors.RESOURCE_EXHAUSTED), "The server is out of memory."
    _LOG.error("A call failed", exc_info=error)
    return _status(errors.INTERNAL), f"Internal error: {type(error).__name__}"


def _status(code: int) -> Any:
    """gRPC's codes are TensorFlow's."""
    return _by_number()[code]


def _by_number() -> dict[int, Any]:
    return {status.value[0]: status for status in grpc().StatusCode}
