"""Calls the functions of dataset ops."""

import functools
from collections.abc import Callable
from typing import Any

from penstock._src.core.calls.placement import CPU
from penstock._src.core.errors import OpError
from penstock._src.core.values import kernel_state
from penstock._src.core.values.kernel_state import ApartStates
from penstock._src.ops.data.pipeline import Pipeline, Run, stateful_operation


def bound(
    function: Any,
    captured: list[Any],
    run: Run | None = None,
    owner: Pipeline | None = None,
    occurrence: Any = None,
) -> Callable[..., list[Any]]:
    """The graph function as a callable on the components of an element, for a new iteration.

    As in TensorFlow, random ops inside begin their streams with every iterator; within one `run`, such as the epochs of a
    repeated dataset, they continue, for each `occurrence` of a step on its own (by default that of the owner). With an `owner`,
    errors tell in which step of the pipeline they arose.
    """
    function.graph.home = CPU  # as in TensorFlow, where the CPU prepares the data for devices
    execute = function.executable
    caller = _caller(function, run, owner.occurrence if owner is not None else occurrence)
    if caller is not None:
        execute = functools.partial(kernel_state.run_as, caller, execute)
    if not captured:

        def call(*values: Any) -> list[Any]:
            return execute(list(values))

    else:

        def call(*values: Any) -> list[Any]:
            return execute([*values, *captured])

    if owner is None:
        return _noted(call, function, run)
    if run is not None and run.measures is not None:
        call = run.measures.function(owner, call)

    def explained(*values: Any) -> list[Any]:
        try:
            return call(*values)
        except OpError as error:
            raise owner.explained(error, run) from error

    return _noted(explained, function, run)


def _noted(
    call: Callable[..., list[Any]], function: Any, run: Run | None
) -> Callable[..., list[Any]]:
    """The call; the iteration is notified if it needs outside state."""
    operation = stateful_operation(function) if run is not None and function.is_stateful else None
    if run is not None and operation is not None:
        run.note_state(call, operation)
    return call


def _caller(function: Any, run: Run | None, occurrence: Any) -> tuple[Any, Any] | None:
    """The states for the kernels of a function, and the path in them; None if the function keeps them."""
    if not function.is_stateful:
        return None
    if run is not None and run.goes_on:
        return kernel_state.running_call()
    return ApartStates() if run is None else run.states_of(function, occurrence), None
