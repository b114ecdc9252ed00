"""`tensorflow.python.ops.control_flow_ops`: what runs after what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.shaping import identity
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.core.errors import UnimplementedError
from penstock._src.util import nest


class ControlFlowContext:
    """What a condition or loop of Switch and Merge nodes is built in: `isinstance` finds none, for here all are functions.

    Raises:
      UnimplementedError: one is made.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        raise UnimplementedError(
            f"{type(self).__name__}: conditions and loops are functions here, control flow contexts cannot be made."
        )


class CondContext(ControlFlowContext):
    """That of a branch."""


class WhileContext(ControlFlowContext):
    """That of a loop."""


class XLAControlFlowContext(ControlFlowContext):
    """That of what XLA compiles."""


def with_dependencies(
    dependencies: Sequence[Any], output_tensor: Any, name: str | None = None
) -> Any:
    """Returns a copy of a tensor, or composite, that is computed after the dependencies."""
    with control_dependencies(dependencies):
        return nest.map_structure(
            lambda tensor: identity(tensor, name=name), output_tensor, expand_composites=True
        )
