"""`contextlib.contextmanager`, with the record that tools look through."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from .tf_decorator import make_decorator


def contextmanager(target: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a generator function a function of contexts."""
    return make_decorator(target, contextlib.contextmanager(target), "contextmanager")
