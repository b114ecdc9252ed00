"""Tracks the current strategy and replica."""

import threading
from typing import Any


class Contexts(threading.local):
    """The strategies and replicas that this thread has entered, innermost last."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, Any]] = []
        self.updated: int | None = (
            None  # index of the copies of distributed variables that an update changes
        )


CONTEXTS = Contexts()


class Defaults:
    """The strategy of code outside all scopes."""

    strategy: Any = None
    experimental: Any = None


def current() -> tuple[Any, Any]:
    """Returns (strategy, replica context or None in a cross-replica context)."""
    if CONTEXTS.stack:
        return CONTEXTS.stack[-1]
    strategy = Defaults.experimental or Defaults.strategy
    if strategy is Defaults.strategy:
        return strategy, strategy.default_replica
    return strategy, None


class Entered:
    """A `with` block in which a strategy and replica are current."""

    def __init__(self, strategy: Any, replica: Any) -> None:
        self.strategy, self.replica = strategy, replica

    def __enter__(self) -> Any:
        CONTEXTS.stack.append((self.strategy, self.replica))
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        CONTEXTS.stack.pop()
