"""Ports of this machine."""

import contextlib
import socket

# Connections that wait to be accepted.
_BACKLOG = 1024


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def listening(host: str, port: int) -> socket.socket:
    """Returns a socket that listens at an address; several processes may.

    Raises:
      OSError: the address is not free.
    """
    listener = bound(host, port)
    listener.listen(_BACKLOG)
    return listener


def bound(host: str, port: int) -> socket.socket:
    """Returns a socket that holds an address, and does not listen yet.

    Raises:
      OSError: the address is not free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small packets at once: without it, replies waited 40 ms for acknowledgements.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"Cannot listen at {host}:{port}: {error.strerror}") from error
    return listener
