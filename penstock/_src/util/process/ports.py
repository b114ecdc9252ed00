"""Ports of this machine."""

import contextlib
import errno
import random
import socket

# Connections that wait to be accepted.
_BACKLOG = 1024


# Below the ports that systems give to connections (Linux from 32768, others from 49152): one of those may be taken before it is listened at.
_OF_SERVERS = range(10_000, 32_768)
_TAKEN = (errno.EADDRINUSE, errno.EACCES)  # Windows refuses ranges that it has reserved
_MOST_TRIES = 1000  # for each port


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now, and that no connection is given.

    Raises:
      OSError: too few are free.
    """
    draw = random.SystemRandom()  # the state of Python's own generator is the user's
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        for _ in range(_MOST_TRIES * count):
            if len(found) == count:
                break
            one = socket.socket()
            try:
                one.bind(("localhost", draw.choice(_OF_SERVERS)))
            except OSError as error:
                one.close()
                if error.errno not in _TAKEN:
                    raise
            else:
                stack.enter_context(one)
                found.append(one.getsockname()[1])
    if len(found) < count:
        raise OSError(f"{count} ports are needed, {len(found)} are free")
    return found


def listening(host: str, port: int, is_shared: bool) -> socket.socket:
    """Returns a socket that listens at an address.

    Args:
      host: the address.
      port: there; 0 for a free one.
      is_shared: True if several processes listen there, all of which say so; the system spreads connections over them.

    Raises:
      OSError: the address is not free.
    """
    listener = bound(host, port, is_shared)
    listener.listen(_BACKLOG)
    return listener


def bound(host: str, port: int, is_shared: bool) -> socket.socket:
    """Returns a socket that holds an address, and does not listen yet; see `listening`.

    Raises:
      OSError: the address is not free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small packets at once: without it, replies waited 40 ms for acknowledgements.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared and hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"Cannot listen at {host}:{port}: {error.strerror}") from error
    return listener
