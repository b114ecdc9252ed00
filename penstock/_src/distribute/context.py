"""Tracks the current strategy and replica."""

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.function.autograph import convert
from penstock._src.util.process import forks
from penstock._src.util.slots import above


class Contexts(threading.local):
    """The strategies and replicas that this thread has entered, innermost last."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, Any]] = []
        # Index of the copies of distributed variables that an update changes.
        self.updated: int | None = None
        self.in_parts = False  # True if an update changes only this process's shards of variables


CONTEXTS = Contexts()


# The copies of distributed variables but for the first ones, by their `id`: variables have no hash.
FURTHER_COPIES: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


class _Defaults:
    """The strategies of code outside all scopes."""

    experimental: Any = None

    @forks.cached_property
    def strategy(self) -> Any:
        """The strategy if none is chosen; made when it is first asked for."""
        return above("default_strategy")()


Defaults = _Defaults()


def current() -> tuple[Any, Any]:
    """Returns (strategy, replica context or None in a cross-replica context)."""
    if CONTEXTS.stack:
        return CONTEXTS.stack[-1]
    strategy = Defaults.experimental or Defaults.strategy
    if strategy is Defaults.strategy:
        return strategy, strategy.default_replica
    return strategy, None


def entered_strategy() -> Any:
    """Return the strategy whose scope is entered, or None for the default one."""
    strategy = current()[0]
    return None if strategy is Defaults.strategy else strategy


def acts_for_all_replicas() -> bool:
    """True if an update of a distributed variable is one of all its copies."""
    return current()[1] is None and CONTEXTS.updated is None


@contextlib.contextmanager
def first_copies() -> Iterator[None]:
    """Within, distributed variables act as their first copies, and functions are traced again: so they are saved."""
    before = CONTEXTS.updated
    with Entered(Defaults.strategy, Defaults.strategy.default_replica):
        CONTEXTS.updated, STATE.trace_context = 0, ("first copies",)
        try:
            yield
        finally:
            CONTEXTS.updated = before


def uses_copies(trace: Any, context: Any) -> bool:
    """True if a trace uses copies of distributed variables other than the first, or was made within a replica.

    Args:
      trace: a `ConcreteFunction`.
      context: the `trace_context` in which it was made.
    """
    if type(context) is tuple and context[0] == "replica":
        return True
    captured = {id(tensor) for tensor in trace.captured_inputs}
    return any(id(copy._handle) in captured for copy in FURTHER_COPIES.values())


def require_cross_replica(strategy: Any) -> None:
    """Raises RuntimeError unless code runs once for all replicas of a strategy, or outside of all strategies."""
    active, replica = current()
    if active is Defaults.strategy and replica is active.default_replica:
        return
    require_strategy(strategy)
    if replica is not None:
        raise RuntimeError(
            "Method requires being in cross-replica context, use get_replica_context().merge_call()"
        )


def require_strategy(strategy: Any) -> None:
    """Raises RuntimeError unless a strategy is the current one."""
    active = current()[0]
    if active is strategy:
        return
    if active is Defaults.strategy:
        raise RuntimeError(f'Need to be inside "with strategy.scope()" for {strategy}')
    raise RuntimeError(
        f"Mixing different tf.distribute.Strategy objects: {active} is not {strategy}"
    )


def require_replica(replica: Any) -> None:
    """Raises RuntimeError unless a replica is the current one."""
    strategy, active = current()
    if active is replica:
        return
    if active is None:
        raise RuntimeError("Need to be inside `call_for_each_replica()`")
    if strategy is replica.strategy:
        raise RuntimeError("Mismatching ReplicaContext.")
    raise RuntimeError(
        f"Mismatching tf.distribute.Strategy objects: {strategy} is not {replica.strategy}."
    )


class Entered:
    """A `with` block in which a strategy and replica are current."""

    def __init__(self, strategy: Any, replica: Any) -> None:
        self.strategy, self.replica = strategy, replica

    def __enter__(self) -> Any:
        CONTEXTS.stack.append((self.strategy, self.replica))
        self._around = STATE.trace_context
        # Functions read the copies of their replica, so each replica needs its own traces.
        STATE.trace_context = None if self.replica is None else ("replica", STATE.device)
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        STATE.trace_context = self._around
        CONTEXTS.stack.pop()


class StrategyScope(Entered):
    """A context in which a strategy is current, and its `extended._create_variable` makes the variables.

    It can be entered again within itself, and within other scopes of its strategy; nothing changes then.
    """

    def __init__(self, strategy: Any) -> None:
        super().__init__(strategy, None)
        self._again = 0

    def __enter__(self) -> Any:
        if current()[0] is not Defaults.strategy:
            require_cross_replica(self.strategy)
            self._again += 1
            return self.strategy
        self._devices = STATE.device
        device = getattr(self.strategy.extended, "_default_device", None)
        if device is not None:
            STATE.device = device
        self._device = STATE.device
        self._creators = STATE.variable_creators
        self._own_creators = [Creator(self.strategy), *self._creators]
        STATE.variable_creators = self._own_creators
        self._variables = None
        if STATE.graph is not None and not STATE.graph.building_function:
            self._variables = above("resource_variable_scope")()
            self._variables.__enter__()
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        if self._again:
            self._again -= 1
            return
        if STATE.device != self._device:
            raise _nesting_error("Device")
        if STATE.variable_creators is not self._own_creators:
            raise _nesting_error("Variable creator")
        STATE.device, STATE.variable_creators = self._devices, self._creators
        super().__exit__(*exception)
        if self._variables is None:
            return
        try:
            self._variables.__exit__(*exception)
        except RuntimeError as error:
            raise _nesting_error("Variable") from error


def _nesting_error(what: str) -> RuntimeError:
    return RuntimeError(
        f"{what} scope nesting error: move call to tf.distribute.set_strategy() out of `with` scope."
    )


class Creator:
    """Create variables as the strategy of the scope does."""

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy

    def __call__(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        require_strategy(self.strategy)
        return self.strategy.extended._create_variable(next_creator, **kwargs)


def converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function as AutoGraph converts it where a tf.function is traced."""
    if STATE.graph is None or not STATE.graph.building_function:
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return convert.converted_call(function, *args, **kwargs)

    return convert.mark_converted(call)  # type: ignore[no-any-return]
