"""Sends gRPC's calls by grpcio, from threads or from an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock._src.core import errors
from penstock._src.serving.client.address import Address
from penstock._src.serving.client.protocols.base import Answer, Call
from penstock._src.serving.client.retries import Failure
from penstock._src.serving.requirements import grpc

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # the client's own
]
# Milliseconds after which a busy server wants to be called again.
_PUSHBACK = "grpc-retry-pushback-ms"


class Threads:
    """Sends calls from threads.

    Args:
      address: of the server.
      credentials: how connections are encrypted; None if they are not.
    """

    def __init__(self, address: Address, credentials: Any) -> None:
        self._address = address
        self._channel = _opened(grpc(), address, credentials)
        self._methods: dict[str, Any] = {}

    def send(self, call: Call, seconds: float, headers: Mapping[str, str]) -> Answer:
        """Returns the answer to a call.

        Raises:
          Failure: there is none, or it is an error.
        """
        method = self._methods.get(call.target)
        if method is None:
            method = self._methods[call.target] = self._channel.unary_unary(call.target)
        try:
            return Answer(method(call.body, timeout=seconds, metadata=_metadata(headers)))
        except grpc().RpcError as error:
            raise _failure(self._address, error) from error

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


class Loop:
    """Sends calls from an event loop.

    Args:
      address: of the server.
      credentials: how connections are encrypted; None if they are not.
    """

    def __init__(self, address: Address, credentials: Any) -> None:
        self._address, self._credentials = address, credentials
        self._channel: Any = None

    async def send(self, call: Call, seconds: float, headers: Mapping[str, str]) -> Answer:
        """Returns the answer to a call.

        Raises:
          Failure: there is none, or it is an error.
        """
        if self._channel is None:  # it belongs to the event loop of the first call
            self._channel = _opened(grpc().aio, self._address, self._credentials)
        try:
            method = self._channel.unary_unary(call.target)
            return Answer(await method(call.body, timeout=seconds, metadata=_metadata(headers)))
        except grpc().RpcError as error:
            raise _failure(self._address, error) from error

    async def close(self) -> None:
        """Closes the connection."""
        if self._channel is not None:
            await self._channel.close()


def _opened(module: Any, address: Address, credentials: Any) -> Any:
    if credentials is None:
        return module.insecure_channel(address.place, options=_OPTIONS)
    return module.secure_channel(address.place, credentials, options=_OPTIONS)


def _metadata(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers.items()]


def _failure(address: Address, error: Any) -> Failure:
    code = error.code().value[0]
    text = error.details() or f"{address.place} answered with {error.code().name}."
    trailing = {name: value for name, value in error.trailing_metadata() or ()}
    wait = str(trailing.get(_PUSHBACK, ""))
    # A message that is too large is refused by RESOURCE_EXHAUSTED too; only a retryable reply has a delay.
    is_busy = code == errors.RESOURCE_EXHAUSTED and wait.isdecimal()
    is_gone = code == errors.UNAVAILABLE
    return Failure(
        errors.exception_type_from_error_code(code)(text),
        is_busy or is_gone,
        # A busy server replies UNAVAILABLE; grpcio uses the same code for broken connections.
        is_gone,
        float(wait) / 1000 if wait.isdecimal() else 0.0,
    )
