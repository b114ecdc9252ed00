"""What clients are told of an error."""

from __future__ import annotations

from penstock._src.core.calls.tracebacks import PLACE
from penstock._src.core.errors import OpError


def message_of(error: OpError) -> str:
    """Returns an error's message without the line of the program that it names; bytes that are no UTF-8 are written as escapes."""
    message = error.message.partition(f"\n{PLACE}")[0]
    return message.encode(errors="backslashreplace").decode()
