"""Messages of gRPC within the data of a stream: a byte that says if it is compressed, four with its length, and the message."""

from __future__ import annotations

import zlib

from penstock._src.core.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)

# Bytes before a message.
PREFIX = 5
# {grpc-encoding: zlib's number for its format}
_FORMATS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
# Bytes of a message that is not copied.
_LARGE = 16384
ENCODINGS = b"identity, deflate, gzip"


def pieces(message: bytes) -> tuple[bytes, ...]:
    """Returns a message as a stream carries it; a large one is not copied for its prefix."""
    prefix = b"\0" + len(message).to_bytes(4, "big")
    return (prefix, message) if len(message) > _LARGE else (prefix + message,)


def is_message(data: bytes) -> bool:
    """True if the data are one message, and it is not compressed."""
    return (
        len(data) >= PREFIX
        and not data[0]
        and int.from_bytes(data[1:PREFIX], "big") == len(data) - PREFIX
    )


class MessageReader:
    """Cuts data into messages.

    Args:
      limit: bytes that a message may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = b""  # of a prefix that is not complete
        self._length = -1  # of the message that is being read; -1: its prefix is
        self._is_compressed = False
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_between(self) -> bool:
        """True if no message has begun."""
        return self._length < 0 and not self._head

    def read(self, data: bytes) -> list[tuple[bool, bytes]]:
        """Returns the messages that some more data complete, each with True if it is compressed.

        Raises:
          ResourceExhaustedError: a message is too large.
          InvalidArgumentError: the data are not gRPC's.
        """
        messages: list[tuple[bool, bytes]] = []
        while True:
            if self._length < 0:
                data = self._read_prefix(data)
                if self._length < 0:
                    return messages
            missing = self._length - self._size
            self._parts.append(data[:missing])
            if len(data) < missing:
                self._size += len(data)
                return messages
            parts = self._parts
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
            messages.append((self._is_compressed, whole))
            self._parts, self._size, self._length = [], 0, -1
            data = data[missing:]
            if not data:
                return messages

    def _read_prefix(self, data: bytes) -> bytes:
        """Reads the prefix of a message if it is complete; returns the data after it."""
        data = self._head + data
        if len(data) < PREFIX:
            self._head = data
            return b""
        if data[0] > 1:
            raise InvalidArgumentError(
                f"The message's flag must be 0 or 1 (compressed). Received {data[0]}."
            )
        length = int.from_bytes(data[1:PREFIX], "big")
        if length > self._limit:
            raise ResourceExhaustedError(
                f"Received message larger than max ({length} vs. {self._limit})"
            )
        self._head, self._length, self._is_compressed = b"", length, bool(data[0])
        return data[PREFIX:]


def check_encoding(encoding: bytes) -> None:
    """Raises an error for an encoding of compressed messages that is not known.

    Raises:
      UnimplementedError: it is not gzip or deflate.
    """
    if encoding not in _FORMATS:
        raise UnimplementedError(
            f"grpc-encoding: messages may be compressed by gzip or deflate. Received {encoding.decode(errors='replace')!r:.60}."
        )


def decompressed(data: bytes, encoding: bytes, limit: int) -> bytes:
    """Returns the content of a compressed message.

    Args:
      data: the message.
      encoding: how it is compressed.
      limit: bytes that the content may have.

    Raises:
      ResourceExhaustedError: it has more.
      InvalidArgumentError: the data are damaged.
    """
    reader = zlib.decompressobj(_FORMATS[encoding])
    try:
        content = reader.decompress(data, limit + 1)
    except zlib.error as error:
        raise InvalidArgumentError(
            f"The message is not valid {encoding.decode()} data: {error}."
        ) from error
    if len(content) > limit:
        raise ResourceExhaustedError(
            f"Received message larger than max (more than {limit} bytes after decompression)"
        )
    if not reader.eof or reader.unused_data:
        raise InvalidArgumentError(f"The {encoding.decode()} data of the message are truncated.")
    return content
