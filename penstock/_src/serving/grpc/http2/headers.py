"""Headers of requests, and the headers and trailers of replies."""

from __future__ import annotations

import base64
import binascii
import string
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple

from penstock._src.core import errors
from penstock._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock._src.serving.grpc.http2.messages import ENCODINGS

Headers = Sequence[tuple[bytes, bytes]]
# Bytes that HTTP/2 counts for each header besides name and value.
_EACH = 32
# Seconds of a unit of grpc-timeout.
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_LONGEST_TIMEOUT = 8  # digits
# Headers that are not metadata.
_RESERVED = (b":", b"grpc-")
_NOT_METADATA = {b"te", b"content-type"}
# Characters of grpc-message that are sent as they are.
_PLAIN = string.ascii_letters + string.digits + string.punctuation.replace("%", "") + " "
# Bytes of grpc-message: clients accept headers of 8 KB in all.
_LONGEST_MESSAGE = 6000

REPLY: Headers = (
    (b":status", b"200"),
    (b"content-type", b"application/grpc"),
    (b"grpc-accept-encoding", ENCODINGS),
)
OK: Headers = ((b"grpc-status", b"0"),)


class Head(NamedTuple):
    """The headers of a request.

    Args:
      status: of HTTP, for a request that is not gRPC's; 0 for one that is.
      path: "/service/method".
      timeout: seconds that the client waits; None if it does not say.
      encoding: of compressed messages.
    """

    status: int
    path: str
    timeout: float | None
    encoding: bytes


def head_of(headers: Headers) -> Head:
    """Reads the headers of a request.

    Raises:
      InvalidArgumentError: the timeout is damaged.
    """
    values = dict(headers)
    path = values.get(b":path", b"").decode("latin-1")
    if values.get(b":method") != b"POST":
        return Head(405, path, None, b"")
    if not values.get(b"content-type", b"").startswith(b"application/grpc"):
        return Head(415, path, None, b"")
    timeout = values.get(b"grpc-timeout")
    return Head(
        0,
        path,
        None if timeout is None else _seconds(timeout),
        values.get(b"grpc-encoding", b"identity"),
    )


def check_size(headers: Headers, limit: int) -> None:
    """Raises an error for too many headers.

    Raises:
      ResourceExhaustedError: they have more bytes than the limit.
    """
    size = sum([len(name) + len(value) + _EACH for name, value in headers])
    if size > limit:
        raise ResourceExhaustedError(
            f"The headers of a request may have at most {limit:,} bytes. Received {size:,}."
        )


def _seconds(timeout: bytes) -> float:
    digits, unit = timeout[:-1], _UNITS.get(timeout[-1:])
    if unit is None or not digits.isdigit() or len(digits) > _LONGEST_TIMEOUT:
        raise InvalidArgumentError(
            f"grpc-timeout: expected up to {_LONGEST_TIMEOUT} digits and one of the units H, M, S, m, u and n. "
            f"Received {timeout.decode(errors='replace')!r:.60}."
        )
    return int(digits) * unit


def metadata_of(headers: Headers) -> tuple[tuple[str, str | bytes], ...]:
    """Returns the metadata among the headers of a request: bytes for names that end in `-bin`; values that are not base64 are left out."""
    metadata: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if name.startswith(_RESERVED) or name in _NOT_METADATA:
            continue
        if not name.endswith(b"-bin"):
            metadata.append((name.decode("latin-1"), value.decode("latin-1")))
            continue
        for part in value.split(b","):
            try:
                content = base64.b64decode(part.strip() + b"=" * (-len(part.strip()) % 4))
            except binascii.Error:
                continue
            metadata.append((name.decode("latin-1"), content))
    return tuple(metadata)


def trailers_of(code: int, text: str) -> Headers:
    """Returns the trailers with a status."""
    if code == errors.OK:
        return OK
    message = urllib.parse.quote(text, _PLAIN, errors="backslashreplace")
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE]
        end = message.rfind("%", -2)  # half of a quoted byte
        message = (message if end < 0 else message[:end]) + "..."
    return ((b"grpc-status", b"%d" % code), (b"grpc-message", message.encode()))
