"""Replies that come in pieces, as they are counted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

Item = TypeVar("Item")


async def noted(
    pieces: AsyncGenerator[Item, None], note: Callable[[BaseException | None], None]
) -> AsyncGenerator[Item, None]:
    """Yield a generator's values, and call a function with the error that ended it, or None."""
    try:
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                yield piece
    except BaseException as error:
        note(error)
        raise
    note(None)
