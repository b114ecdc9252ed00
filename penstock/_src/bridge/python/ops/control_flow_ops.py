"""`tensorflow.python.ops.control_flow_ops`: what runs after what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.shaping import identity
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.util import nest


def with_dependencies(
    dependencies: Sequence[Any], output_tensor: Any, name: str | None = None
) -> Any:
    """Returns a copy of a tensor, or composite, that is computed after the dependencies."""
    with control_dependencies(list(dependencies)):
        return nest.map_structure(
            lambda tensor: identity(tensor, name=name), output_tensor, expand_composites=True
        )
