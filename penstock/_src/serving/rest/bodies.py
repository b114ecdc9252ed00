"""Reads the bodies of requests, within limits, and decompresses them."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable
from typing import Any

from penstock._src.core.errors import (
    CancelledError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock._src.serving.trust.admission import Admission

# Compressed size in bytes from which another thread decompresses.
_MANY = 16384
_GZIP = 16 + zlib.MAX_WBITS  # zlib's number for gzip's header


class Bodies:
    """Reads bodies; the bytes of each count as held until its caller releases them.

    Args:
      limit: bytes that a body may have, compressed or not.
      admission: where they are counted.
    """

    def __init__(self, limit: int, admission: Admission) -> None:
        self._limit, self._admission = limit, admission
        # One at a time: each may take memory up to the limit before it is counted.
        self._decompressing = asyncio.Lock()

    async def read(self, headers: Iterable[tuple[bytes, bytes]], receive: Any) -> bytes:
        """Returns the body of a request.

        Args:
          headers: of the request.
          receive: ASGI's.

        Raises:
          ResourceExhaustedError: it is too large.
          UnavailableError: other requests hold too much.
          UnimplementedError: it is compressed in a way that is not known.
          InvalidArgumentError: it is damaged.
          CancelledError: the client has gone.
        """
        encoding = b""
        for name, value in headers:
            if name == b"content-length" and int(value) > self._limit:
                self._refuse(int(value))
            if name == b"content-encoding":
                encoding = value.strip().lower()
        if encoding not in (b"", b"identity", b"gzip"):
            raise UnimplementedError(
                f"Content-Encoding: bodies may be compressed by gzip. Received {encoding.decode(errors='replace')}."
            )
        body = await self._received(receive)
        return await self._decompressed(body) if encoding == b"gzip" else body

    def release(self, body: bytes) -> None:
        """Ends the count of a body's bytes."""
        self._admission.release(len(body))

    async def _received(self, receive: Any) -> bytes:
        parts, length = [], 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CancelledError("The client has gone.")
                part = message.get("body", b"")
                if length + len(part) > self._limit:
                    self._refuse(length + len(part))
                self._admission.hold(len(part))
                parts.append(part)
                length += len(part)
                if not message.get("more_body"):
                    return part if len(parts) == 1 else b"".join(parts)
        except BaseException:
            self._admission.release(length)
            raise

    async def _decompressed(self, body: bytes) -> bytes:
        try:
            if len(body) < _MANY:
                plain = decompressed(body, self._limit)
            else:
                async with self._decompressing:
                    plain = await asyncio.to_thread(decompressed, body, self._limit)
        finally:
            self._admission.release(len(body))
        self._admission.hold(len(plain))
        return plain

    def _refuse(self, length: int) -> None:
        raise ResourceExhaustedError(
            f"The body of a request may have at most {self._limit:,} bytes. Received {length:,} or more."
        )


def decompressed(data: bytes, limit: int) -> bytes:
    """Returns the decompressed content of gzip data.

    Args:
      data: one or more members, one after the other.
      limit: bytes that they may have.

    Raises:
      ResourceExhaustedError: they have more.
      InvalidArgumentError: the data are damaged.
    """
    parts, left = [], limit
    try:
        while data:
            member = zlib.decompressobj(_GZIP)
            parts.append(member.decompress(data, left + 1))
            left -= len(parts[-1])
            if left < 0:
                raise ResourceExhaustedError(
                    f"The body of a request may have at most {limit:,} bytes. This one exceeds them after decompression."
                )
            if not member.eof:
                raise InvalidArgumentError("The gzip data of the body are truncated.")
            data = member.unused_data
    except zlib.error as error:
        raise InvalidArgumentError(f"The body is not valid gzip data: {error}.") from error
    return b"".join(parts)
