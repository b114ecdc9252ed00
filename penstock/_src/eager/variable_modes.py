"""How the copies of a distributed variable are brought together."""

from enum import Enum

from penstock._src.util.export import export


@export("VariableSynchronization")
class VariableSynchronization(Enum):
    """When the copies of a distributed variable are brought together."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@export("VariableAggregation", v1=[])
class VariableAggregation(Enum):
    """How values assigned by several replicas become one."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
