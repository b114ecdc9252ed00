"""The public functions that return the current strategy and replica."""

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.distribute.context import CONTEXTS, Creator, Defaults, current, entered_strategy
from penstock._src.util.export import export


@export("distribute.get_strategy")
def get_strategy() -> Any:
    """Returns the strategy of the current scope, or the default one.

    Returns:
      A `tf.distribute.Strategy`.

    >>> tf.distribute.get_strategy().num_replicas_in_sync
    1
    """
    return current()[0]


@export("distribute.has_strategy")
def has_strategy() -> bool:
    """Returns True if the scope of a strategy other than the default one is entered.

    Returns:
      A Python bool.

    >>> tf.distribute.has_strategy()
    False
    """
    return entered_strategy() is not None


@export("distribute.get_replica_context")
def get_replica_context() -> Any:
    """Returns the context of the replica that runs, or None between replicas.

    Returns:
      A `tf.distribute.ReplicaContext`, or None.

    >>> tf.distribute.get_replica_context().replica_id_in_sync_group
    0
    """
    return current()[1]


@export("distribute.in_cross_replica_context")
def in_cross_replica_context() -> bool:
    """True if code runs once for all replicas, as it does directly within `strategy.scope()`.

    Returns:
      A bool.
    """
    return current()[1] is None


@export("distribute.experimental_set_strategy")
def experimental_set_strategy(strategy: Any) -> None:
    """Sets the strategy of all code outside of scopes; None restores the default.

    Args:
      strategy: a `tf.distribute.Strategy` or None.

    Raises:
      RuntimeError: a scope is open.
    """
    if CONTEXTS.stack:
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    creators = STATE.variable_creators
    if Defaults.experimental is not None:
        creators = [creator for creator in creators if not isinstance(creator, Creator)]
    if strategy is not None:
        creators = [Creator(strategy), *creators]
    Defaults.experimental, STATE.variable_creators = strategy, creators
