"""Calls the functions of dataset ops."""

from collections.abc import Callable
from typing import Any

from penstock._src.core.calls.placement import CPU
from penstock._src.core.errors import OpError
from penstock._src.ops.data.pipeline import Pipeline, Run


def bound(
    function: Any, captured: list[Any], run: Run | None = None, owner: Pipeline | None = None
) -> Callable[..., list[Any]]:
    """The graph function as a callable on the components of an element, for a new iteration.

    As in TensorFlow, random ops inside restart their streams with every iterator; within one `run`, such as the epochs of a
    repeated dataset, they continue. With an `owner`, errors tell in which step of the pipeline they arose.
    """
    function.graph.home = CPU  # as in TensorFlow, where the CPU prepares the data for devices
    execute = function.executable
    if function.is_stateful and (run is None or run.begins(function)):
        _restart(function)
    if not captured:

        def call(*values: Any) -> list[Any]:
            return execute(list(values))

    else:

        def call(*values: Any) -> list[Any]:
            return execute([*values, *captured])

    if owner is None:
        return call
    if run is not None and run.measures is not None:
        call = run.measures.function(owner, call)

    def explained(*values: Any) -> list[Any]:
        try:
            return call(*values)
        except OpError as error:
            raise owner.explained(error, run) from error

    return explained


def _restart(function: Any) -> None:
    """Resets the kernel state of a function and of the functions it calls."""
    function.graph.kernel_states.clear()
    for op in function.graph._operations:
        for value in op.raw_op.attrs.values():
            for item in value if isinstance(value, tuple) else (value,):
                if hasattr(item, "executable") and hasattr(item, "graph"):
                    _restart(item)
