"""The shortest input with the same finding."""

from collections.abc import Callable

TRIES = 300


def smaller(data: bytes, holds: Callable[[bytes], bool], tries: int = TRIES) -> bytes:
    """Leaves out parts of an input, half of it first, as long as the finding stays.

    Args:
      data: the input.
      holds: whether another input has the same finding.
      tries: how often it may be asked.

    Example:
      >>> from tests.fuzz.bytes.smaller import smaller
      >>> smaller(b"some words", lambda data: b"w" in data)
      b'w'
    """
    size = len(data) // 2
    while size and tries > 0:
        at = 0
        while at < len(data) and tries > 0:
            shorter = data[:at] + data[at + size :]
            tries -= 1
            if holds(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data
