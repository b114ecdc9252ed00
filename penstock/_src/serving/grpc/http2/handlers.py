"""Methods as the server calls them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple


class Kind(enum.Enum):
    """The messages of a call."""

    UNARY = enum.auto()  # a request, a reply
    STREAM = enum.auto()  # a request, a stream of replies
    DIALOG = enum.auto()  # a stream of requests, a stream of replies


class Handler(NamedTuple):
    """A method.

    Args:
      kind: its messages.
      answer: called with the request's bytes, or an asynchronous iterator of them, and the call. Returns an awaitable of the reply's bytes, or an asynchronous generator of
        them. What it raises becomes the call's status.
    """

    kind: Kind
    answer: Callable[[Any, Any], Any]
