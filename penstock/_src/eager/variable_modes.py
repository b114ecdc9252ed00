"""Synchronization and aggregation of a distributed variable's copies."""

from enum import Enum
from typing import Any

from penstock._src.util.export import export


@export("VariableSynchronization")
class VariableSynchronization(Enum):
    """Time at which the copies of a distributed variable are aggregated.

    `AUTO`, `NONE`, `ON_WRITE` (at each assignment) or `ON_READ` (when it is read, as for
    metrics).

    >>> v = tf.Variable(0.0, synchronization=tf.VariableSynchronization.ON_READ)
    >>> v.synchronization.name
    'ON_READ'
    """

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@export("VariableAggregation", v1=[])
class VariableAggregation(Enum):
    """Aggregation of values that several replicas assign to a variable.

    `NONE` (assigning different values is an error), `SUM`, `MEAN` or `ONLY_FIRST_REPLICA`.

    >>> v = tf.Variable(0.0, aggregation=tf.VariableAggregation.SUM)
    >>> v.aggregation.name
    'SUM'
    """

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


def mode_of(default: Any, mode: Any, name: str | None) -> Any:
    """Returns a mode of synchronization or aggregation; None is the default.

    Raises:
      ValueError: it is not such a mode.
    """
    if mode is None:
        return default
    if not isinstance(mode, Enum):
        what = type(default).__name__.removeprefix("Variable").lower()
        raise ValueError(f"Invalid variable {what} mode: {mode} for variable: {name}")
    return mode
