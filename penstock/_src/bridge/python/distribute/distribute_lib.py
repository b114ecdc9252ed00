"""Strategies and where code runs: `tensorflow.python.distribute.distribute_lib`."""

from __future__ import annotations

from typing import Any

from penstock._src.distribute.context import Defaults, current
from penstock._src.distribute.current import get_strategy as _get_strategy
from penstock._src.distribute.strategy import Strategy as StrategyBase
from penstock._src.distribute.strategy import (
    _DefaultDistributionExtended,
    _DefaultDistributionStrategy,
    _DefaultReplicaContext,
)

__all__ = [
    "StrategyBase",
    "_DefaultDistributionExtended",
    "_DefaultDistributionStrategy",
    "_DefaultReplicaContext",
]


def _get_default_strategy() -> Any:
    """Returns the strategy of code outside all scopes."""
    return Defaults.strategy


def _get_default_replica_context() -> Any:
    """Returns the only replica of that strategy."""
    return Defaults.strategy.default_replica


def get_cross_replica_context() -> Any:
    """Returns the strategy where code runs once for all replicas; None in a replica."""
    return _get_strategy() if current()[1] is None else None
