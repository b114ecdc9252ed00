"""Bytes as text, as the corpora hold them."""

import base64
import zlib


def packed(data: bytes) -> str:
    """The text of some bytes."""
    return base64.b64encode(zlib.compress(data, 9)).decode()


def unpacked(text: str) -> bytes:
    """The bytes of such a text."""
    return zlib.decompress(base64.b64decode(text))
