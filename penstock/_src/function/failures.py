"""The calls of functions that have raised, as long as their errors live."""

import weakref
from collections.abc import Sequence
from typing import Any

from penstock._src.core.errors import OpError

# (function, arguments, named arguments) of a call.
Call = tuple[Any, Sequence[Any], dict[str, Any]]
_CALLS: weakref.WeakKeyDictionary[OpError, Call] = weakref.WeakKeyDictionary()


def note_failure(
    error: Exception, function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> None:
    """Remembers the outermost call that an operation's error ended."""
    if isinstance(error, OpError):
        _CALLS[error] = function, args, kwargs


def failed_call(error: BaseException) -> Call | None:
    """The call that an error ended; None if it was none of a function."""
    return _CALLS.get(error) if isinstance(error, OpError) else None
