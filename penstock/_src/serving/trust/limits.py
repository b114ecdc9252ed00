"""Limits of a server on one request and on all clients together."""

from __future__ import annotations

import dataclasses

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

KIBIBYTE = 1 << 10
MEBIBYTE = 1 << 20


@export("serving.Limits", v1=[])
@dataclass(frozen=True)
class Limits:
    """Limits of requests and clients.

    Args:
      max_body_bytes: of a request, after it is decompressed.
      max_header_bytes: of a request's headers.
      max_tensor_bytes: of one input, once it is an array.
      max_string_bytes: of one string in an input.
      max_values: of a JSON text, except arrays of numbers, which are read separately: lists, objects, strings, single numbers.
      max_rows: of a request: the extent of its inputs' first axis, for functions that are batched.
      max_requests: that are computed or wait for it at a time; further ones are refused.
      max_held_bytes: of the bodies and arrays of all requests at a time; what goes beyond is refused.
      max_connections: of REST, and as many of gRPC, at a time; further ones are closed.
      transfer_seconds: that a client may take to send headers, to send a body, and to read a reply.
      transfer_bytes_per_second: a body or reply may take longer than that if it moves as fast as this.
      idle_seconds: after which a connection without a request is closed.
      max_call_seconds: after which a gRPC connection is asked to end; its calls are ended after as long again.

    Raises:
      InvalidArgumentError: a limit is not positive.
    """

    max_body_bytes: int = 256 * MEBIBYTE
    max_header_bytes: int = 64 * KIBIBYTE
    max_tensor_bytes: int = 256 * MEBIBYTE
    max_string_bytes: int = 64 * MEBIBYTE
    max_values: int = 1_000_000
    max_rows: int = 1_000_000
    max_requests: int = 4096
    max_held_bytes: int = 2048 * MEBIBYTE
    max_connections: int = 4096
    transfer_seconds: float = 20.0
    transfer_bytes_per_second: float = 10.0 * KIBIBYTE
    idle_seconds: float = 75.0
    max_call_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not value > 0:
                raise InvalidArgumentError(f"{name}: expected more than 0. Received {value}.")
