"""Error messages for clients."""

from __future__ import annotations

from penstock._src.core.calls.tracebacks import PLACE
from penstock._src.core.errors import OpError


def message_of(error: OpError) -> str:
    """Return an error's message without the line of the program that it names. Bytes that are not UTF-8 are escaped."""
    message = error.message.partition(f"\n{PLACE}")[0]
    return message.encode(errors="backslashreplace").decode()
