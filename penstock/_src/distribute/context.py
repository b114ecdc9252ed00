"""Tracks the current strategy and replica."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from penstock._src.core.dispatch import STATE


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
        self._around = STATE.trace_context
        # Functions read the copies of their replica, so each replica has traces of its own.
        STATE.trace_context = None if self.replica is None else ("replica", STATE.device)
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        STATE.trace_context = self._around
        CONTEXTS.stack.pop()


class StrategyScope(Entered):
    """A context in which a strategy is current and creates the variables, by its `_create(next_creator, **kwargs)`."""

    def __enter__(self) -> Any:
        self._creators = STATE.variable_creators
        make = self.strategy._create
        if make not in self._creators:  # a scope within a scope would create variables of variables
            STATE.variable_creators = [make, *self._creators]
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        STATE.variable_creators = self._creators


def create_in(strategy: Any, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
    """Creates a variable that knows the strategy in whose scope it was created."""
    made = next_creator(**kwargs)
    made._distribute_strategy = strategy
    return made


def creator_for(strategy: Any) -> Callable[..., Any]:
    """Returns `create_in` for a strategy."""
    return functools.partial(create_in, strategy)
