"""The public functions that tell which strategy and replica are current."""

from typing import Any

from penstock._src.distribute import local  # noqa: F401  (it makes the default strategy)
from penstock._src.distribute.context import CONTEXTS, Defaults, current
from penstock._src.util.export import export


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
