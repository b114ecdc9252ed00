"""Which strategy is in force, and in which replica code runs."""

import threading
from typing import Any

from penstock._src.util.export import export


class Contexts(threading.local):
    """The strategies and replicas that this thread has entered, innermost last."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, Any]] = []


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


@export("distribute.get_strategy")
def get_strategy() -> Any:
    """Returns the strategy in force: the default one outside `strategy.scope()`."""
    return current()[0]


@export("distribute.has_strategy")
def has_strategy() -> bool:
    """Whether a strategy other than the default one is in force."""
    return get_strategy() is not Defaults.strategy


@export("distribute.get_replica_context")
def get_replica_context() -> Any:
    """Returns the context of the replica that runs this code; None in a cross-replica context."""
    return current()[1]


@export("distribute.in_cross_replica_context")
def in_cross_replica_context() -> bool:
    """Whether code runs for all replicas together, as directly within `strategy.scope()`."""
    return current()[1] is None


@export("distribute.experimental_set_strategy")
def experimental_set_strategy(strategy: Any) -> None:
    """Makes a strategy that of all code outside scopes; None brings the default one back.

    Raises:
      RuntimeError: a scope is open.
    """
    if CONTEXTS.stack:
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    Defaults.experimental = strategy


class Entered:
    """A `with` block in which a strategy and replica are current."""

    def __init__(self, strategy: Any, replica: Any) -> None:
        self.strategy, self.replica = strategy, replica

    def __enter__(self) -> Any:
        CONTEXTS.stack.append((self.strategy, self.replica))
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        CONTEXTS.stack.pop()
