"""grpcio, imported when a server or channel is made."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from penstock._src.util.process.installing import pip_install

# A tensor has to fit into a message, and protocol buffers hold less than 2 GiB.
MOST_BYTES = (1 << 31) - (1 << 16)
PING_MILLISECONDS = 10_000


@functools.cache
def grpc() -> ModuleType:
    """gRPC's server and client.

    Raises:
      ImportError: it is not installed.
    """
    try:
        return importlib.import_module("grpc")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Processes of a cluster that call one another need the package grpcio: {pip_install('cluster')}."
        ) from error


def options(**more: int) -> list[tuple[str, int]]:
    """Returns gRPC's settings that servers and channels have in common, and others."""
    common = {
        "grpc.max_receive_message_length": MOST_BYTES,
        "grpc.max_send_message_length": MOST_BYTES,
        # Who is gone without a word (its host is down, its cable cut) is found out.
        "grpc.keepalive_time_ms": PING_MILLISECONDS,
        "grpc.keepalive_timeout_ms": PING_MILLISECONDS // 2,
        "grpc.http2.ping_timeout_ms": PING_MILLISECONDS,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,
    }
    named = {f"grpc.{name}": value for name, value in more.items()}
    return list({**common, **named}.items())
