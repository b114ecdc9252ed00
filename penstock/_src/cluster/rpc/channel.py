"""Channel: calls the methods of a service at an address."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from penstock._src.cluster.rpc.requirements import grpc, options
from penstock._src.core.errors import (
    CANCELLED,
    CLASS_OF_CODE,
    InternalError,
    OpError,
    UnavailableError,
)
from penstock._src.util.flags import flags

KEY = "penstock-cluster-key"
# Seconds for which a call is retried if no server is at the address, and the pause between two attempts.
RETRY_SECONDS = 2.0
_PAUSE = 0.1


class Channel:
    """A connection to a server, which is made by the first call, and again if it breaks.

    Args:
      address: host and port.
      service: its full name.
      name: who is there, for messages.
    """

    def __init__(self, address: str, service: str, name: str) -> None:
        self.address, self.name = address, name
        self._service = service
        self._channel = grpc().insecure_channel(
            address, options(initial_reconnect_backoff_ms=100, max_reconnect_backoff_ms=1000)
        )
        self._methods: dict[str, Callable[..., bytes]] = {}

    def call(
        self,
        method: str,
        request: bytes,
        timeout: float | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> bytes:
        """Returns the reply of a method. The request may arrive twice if the connection breaks.

        Args:
          method: its name.
          request: the message.
          timeout: seconds to wait for the reply.
          retry_seconds: how long to try if the address does not answer.

        Raises:
          UnavailableError: no server answers.
          OpError: the server refuses the request.
        """
        until = time.monotonic() + retry_seconds
        while True:
            try:
                return self._method(method)(request, timeout=timeout, metadata=_metadata())
            except grpc().RpcError as error:
                if error.code().name != "UNAVAILABLE" or time.monotonic() >= until:
                    raise self._as_error(error, method) from None
            except ValueError as error:  # the channel was closed
                raise UnavailableError(f"{self.name} at {self.address}: {error}") from error
            time.sleep(_PAUSE)

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def _method(self, name: str) -> Callable[..., bytes]:
        if name not in self._methods:
            self._methods[name] = self._channel.unary_unary(f"/{self._service}/{name}")
        return self._methods[name]

    def _as_error(self, error: Any, method: str) -> OpError:
        number, _ = error.code().value  # gRPC's codes have the numbers of TensorFlow's
        kind = UnavailableError if number == CANCELLED else CLASS_OF_CODE.get(number, InternalError)
        return kind(
            None,
            None,
            f"{self.name} at {self.address} ({method}): {error.details()}",
        )


def _metadata() -> tuple[tuple[str, str], ...]:
    return ((KEY, flags.cluster_key),) if flags.cluster_key else ()
