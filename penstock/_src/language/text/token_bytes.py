"""Bytes of tokens within a text."""

from __future__ import annotations

import functools
import re
from typing import Any

# SentencePiece writes spaces so, and single bytes as <0x41>.
_SPACE, _BYTE = "\u2581", re.compile("<0x([0-9A-Fa-f]{2})>")


class TokenBytes:
    """Translates the token names of a tokenizer's vocabulary to bytes.

    Args:
      decoder: as `tokenizer.json` has it.
    """

    def __init__(self, decoder: Any) -> None:
        kinds = list(_kinds(decoder))
        self._is_of_bytes = "ByteLevel" in kinds
        self._has_spaces = "Metaspace" in kinds or "Replace" in kinds
        self._has_bytes = "ByteFallback" in kinds
        self._is_of_pieces = "WordPiece" in kinds

    def of(self, name: str) -> bytes:
        """Returns the bytes of the token that a vocabulary calls by a name, which is not an added one."""
        if self._is_of_bytes:
            numbers = _numbers()
            if all(character in numbers for character in name):
                return bytes(numbers[character] for character in name)
            return name.encode()
        match = _BYTE.fullmatch(name) if self._has_bytes else None
        if match:
            return bytes([int(match[1], 16)])
        if self._is_of_pieces:
            return name[2:].encode() if name.startswith("##") else b" " + name.encode()
        return (name.replace(_SPACE, " ") if self._has_spaces else name).encode()


def _kinds(decoder: Any) -> Any:
    """Yields the types of a decoder and of those within it."""
    if isinstance(decoder, dict):
        yield decoder.get("type")
        for each in decoder.get("decoders", ()):
            yield from _kinds(each)


@functools.cache
def _numbers() -> dict[str, int]:
    """Returns the bytes by the characters that represent them in byte-level vocabularies: printable ones by themselves, others by characters after 255."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [number for number in range(256) if number not in plain]
    return {chr(n): n for n in plain} | {chr(256 + at): n for at, n in enumerate(others)}
