"""Replies that come in pieces, as they are counted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

Item = TypeVar("Item")


async def noted(
    pieces: AsyncGenerator[Item, None], note: Callable[[BaseException | None], None]
) -> AsyncGenerator[Item, None]:
    """Gives what a generator gives, and calls a function with what ended it: an error, or None."""
    try:
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                yield piece
    except BaseException as error:
        note(error)
        raise
    note(None)
