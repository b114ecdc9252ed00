"""Variables with a copy for each replica.

MirroredVariable     equal copies: values that replicas assign are first reduced by the variable's `aggregation`
SyncOnReadVariable   each replica has its own value; a read outside of the replicas reduces them
"""

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.api.control.scopes import group
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.distribute.context import CONTEXTS, FURTHER_COPIES, current
from penstock._src.distribute.values import DistributedValues, Mirrored, PerReplica, ReduceOp
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation
from penstock._src.graph.operation import Operation
from penstock._src.util.signatures import read_only

# Methods that update the value and take one argument.
UPDATES = (
    "assign assign_add assign_sub scatter_add scatter_sub scatter_update scatter_max scatter_min "
    "scatter_mul scatter_div batch_scatter_update scatter_nd_add scatter_nd_sub scatter_nd_update"
).split()
# Updates whose rows cannot be summed over the replicas.
_NOT_REDUCED = ("scatter_update", "scatter_min", "scatter_max")
# Aggregations that take the value of one replica.
_AS_THEY_ARE = (VariableAggregation.ONLY_FIRST_REPLICA, VariableAggregation.NONE)


@contextlib.contextmanager
def updating(index: int) -> Iterator[None]:
    """Within, distributed variables act as their copy of this index, as in `extended.update`."""
    before, CONTEXTS.updated = CONTEXTS.updated, index
    try:
        yield
    finally:
        CONTEXTS.updated = before


def builds_for_sessions() -> bool:
    """True if a graph for sessions is being built."""
    return STATE.graph is not None and not STATE.graph.building_function


def run_together(updates: Sequence[Any]) -> Any:
    """Returns the updates of all copies such that a session that runs one of them runs all."""
    if isinstance(updates[0], Operation):
        return group(*updates)
    if len(updates) == 1:
        return Mirrored(updates)
    every = group(*updates)
    with STATE.graph.control_dependencies([every]):
        return Mirrored([raw.Identity(input=convert_to_tensor(update)) for update in updates])


class DistributedVariable(DistributedValues, Variable):
    """A variable with a copy for each replica; acts as the copy of the current replica, or else as the first.

    Raises:
      ValueError: its values are to be averaged, but a mean is not of their type.
    """

    def __init__(self, strategy: Any, values: Sequence[Variable], aggregation: Any = None) -> None:
        DistributedValues.__init__(self, values)
        first = values[0]
        self._distribute_strategy = strategy
        self._trainable, self._constraint = first._trainable, first._constraint
        self._synchronization = first._synchronization
        self._aggregation = first._aggregation if aggregation is None else aggregation
        self._dtype, self._shape, self._name = first._dtype, first._shape, first._name
        if self._aggregation is VariableAggregation.MEAN and not self._dtype.is_floating:
            raise ValueError(
                f"aggregation: `MEAN` is for variables of a floating dtype, but '{self._name}' is of {self._dtype.name}."
            )
        self._in_graph_mode, self._unique = first._in_graph_mode, first._unique
        for copy in values:
            object.__setattr__(copy, "_distributed_container", weakref.ref(self))
            object.__setattr__(copy, "_distribute_strategy", strategy)
        for copy in values[1:]:
            FURTHER_COPIES[id(copy)] = copy

    @property
    def _replica(self) -> int | None:
        """The index of the current replica; None outside of replicas."""
        if CONTEXTS.updated is not None:
            return CONTEXTS.updated
        replica = current()[1]
        if replica is None or replica.strategy is not self._distribute_strategy:
            return None
        return replica._local_id

    @property
    def _copy(self) -> Variable:
        """The current copy."""
        return self.values[self._replica or 0]

    def _get(self) -> Any:
        """The current replica's copy; outside of replicas, the value for all of them."""
        return self._copy if self._replica is not None else self._get_cross_replica()

    def _get_cross_replica(self) -> Any:
        return self.values[0]

    distribute_strategy = read_only("_distribute_strategy", "The strategy that made it.")

    @property
    def _handle(self) -> Any:  # type: ignore[override]
        return self._copy._handle

    @property
    def device(self) -> str:
        """The device of the current copy."""
        return self._copy.device

    @property
    def _devices(self) -> tuple[str, ...]:
        """The devices of the copies."""
        return tuple(copy.device for copy in self.values)

    @property
    def initializer(self) -> Any:
        """The operation that initializes all copies (graphs only)."""
        if STATE.graph is None:
            return None
        with STATE.graph.control_dependencies([copy.initializer for copy in self.values]):
            return raw.NoOp()

    @property
    def _initial_value(self) -> Any:  # type: ignore[override]
        return self.values[0]._initial_value

    @property
    def _graph_element(self) -> Any:  # type: ignore[override]
        return self.values[0]._graph_element

    def _assign_all(self, method: str, value: Any, **kwargs: Any) -> Any:
        """Updates every copy, with its own value if the values are per-replica."""
        updates = []
        for i, copy in enumerate(self.values):
            own = value.values[i] if isinstance(value, DistributedValues) else value
            updates.append(getattr(copy, method)(own, **kwargs))
        if builds_for_sessions():
            return run_together(updates)
        if not kwargs.get("read_value", True):
            return None if STATE.graph is None else run_together(updates)
        # Values of now, which later updates leave as they are.
        return Mirrored([copy.read_value() for copy in self.values])

    def _update(self, method: str, value: Any, **kwargs: Any) -> Any:
        """Implements the methods of UPDATES, in any context."""
        raise NotImplementedError(f"{type(self).__name__}.{method}()")

    def __repr__(self) -> str:
        return DistributedValues.__repr__(self)

    __str__ = __repr__


def give_updates(cls: Any, update: Callable[..., Any]) -> None:
    """Add the methods of UPDATES to a class; each is `update(variable, its name, value, **kwargs)`."""
    for name in UPDATES:
        if hasattr(Variable, name):
            setattr(cls, name, _updating_method(name, update))


def _updating_method(name: str, update: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if args:
            kwargs |= dict(zip(("use_locking", "name", "read_value"), args))
        return update(self, name, value, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(Variable, name).__doc__
    return method


def _update(variable: DistributedVariable, method: str, /, value: Any, **kwargs: Any) -> Any:
    if CONTEXTS.updated is not None:
        return getattr(variable._copy, method)(value, **kwargs)
    return variable._update(method, value, **kwargs)


give_updates(DistributedVariable, _update)


class MirroredVariable(DistributedVariable):
    """A variable with copies that are always equal."""

    def _update(self, method: str, value: Any, **kwargs: Any) -> Any:
        """Updates all copies, inside of replicas by the aggregated value.

        Raises:
          NotImplementedError: rows that replace others, or their extremes, cannot be reduced.
        """
        context = current()[1]
        if method in _NOT_REDUCED and self._aggregation not in _AS_THEY_ARE:
            raise NotImplementedError(
                f"{method} is only supported for mirrored variable (variable created within certain "
                "`tf.distribute.Strategy` scope) with NONE or `ONLY_FIRST_REPLICA` aggregation, got: "
                f"{self._aggregation}."
            )
        if self._replica is None:
            return self._assign_all(method, value, **kwargs)
        if self._aggregation is VariableAggregation.NONE:
            return getattr(self._copy, method)(value, **kwargs)

        def merge(strategy: Any, values: Any) -> Any:
            return self._assign_all(method, aggregated(strategy, values, self), **kwargs)

        return context.merge_call(merge, (value,))


class SyncOnReadVariable(DistributedVariable):
    """A variable that each replica updates independently, as for metrics."""

    def _update(self, method: str, value: Any, **kwargs: Any) -> Any:
        """Updates the current replica's value, or all; the result is then the reduced value.

        Raises:
          ValueError: outside of replicas, for a variable whose values cannot be reduced so.
        """
        if self._replica is not None:
            return getattr(self._copy, method)(value, **kwargs)
        if self._aggregation is VariableAggregation.SUM:
            if method != "assign":
                raise ValueError(
                    f"SyncOnReadVariable does not support `{method}` in cross-replica context when "
                    "aggregation is set to `tf.VariableAggregation.SUM`."
                )
            part = convert_to_tensor(value, dtype=self._dtype) / len(self.values)
            value = raw.Cast(x=part, DstT=self._dtype)
        updates = self._assign_all(method, value, **kwargs)
        if builds_for_sessions() or not kwargs.get("read_value", True):
            return updates
        if not self._distribute_strategy.extended.reads_assigned_sums:
            return self
        return self.read_value()

    def _get_cross_replica(self) -> Any:
        if self._aggregation is VariableAggregation.ONLY_FIRST_REPLICA:
            return self.values[0]
        kind = ReduceOp.from_variable_aggregation(self._aggregation)
        return self._distribute_strategy.extended.reduce_to(kind, PerReplica(self.values), None)

    def _read(self) -> Any:
        value = self._get()
        return value._read() if isinstance(value, Variable) else value

    @property
    def _graph_element(self) -> Any:  # type: ignore[override]
        return self._copy._graph_element if self._replica is not None else self._read()


def aggregated(strategy: Any, values: Any, variable: Variable) -> Any:
    """Reduces the values of replicas by a variable's aggregation."""
    kind = variable.aggregation
    if kind in _AS_THEY_ARE:
        return values.values[0] if isinstance(values, DistributedValues) else values
    return strategy.extended.reduce_to(ReduceOp.from_variable_aggregation(kind), values, None)
