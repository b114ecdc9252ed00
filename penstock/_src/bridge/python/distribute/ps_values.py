"""Counterpart of `tensorflow/python/distribute/ps_values.py`."""

from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.current import get_strategy, in_cross_replica_context
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation


class AggregatingVariable(Variable):
    """A variable of a parameter server; all replicas share this view.

    Args:
      strategy: the strategy that made it.
      v: the variable itself, which it reads and assigns.
      aggregation: how the values that replicas assign are combined.
    """

    _distribute_strategy: Any
    _v: Variable

    def __init__(self, strategy: Any, v: Variable, aggregation: VariableAggregation) -> None:
        self.__dict__.update(vars(v), _distribute_strategy=strategy, _v=v, _aggregation=aggregation)

    @property
    def distribute_strategy(self) -> Any:
        """The strategy that made it."""
        return self._distribute_strategy

    def get(self) -> Variable:
        """Returns the variable itself."""
        return self._v

    def assign(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Assigns a value."""
        return self._assign("assign", value, *args, **kwargs)

    def assign_add(self, delta: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds to the value."""
        return self._assign("assign_add", delta, *args, **kwargs)

    def assign_sub(self, delta: Any, *args: Any, **kwargs: Any) -> Any:
        """Subtracts from the value."""
        return self._assign("assign_sub", delta, *args, **kwargs)

    def _assign(self, method: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not in_cross_replica_context() and get_strategy().num_replicas_in_sync > 1:
            raise UnimplementedError(
                f"AggregatingVariable.{method}: '{self.name}' is assigned by several replicas, whose values Penstock does not combine "
                "in variables of parameter servers. Assign it outside of `strategy.run`."
            )
        return getattr(self._v, method)(value, *args, **kwargs)
