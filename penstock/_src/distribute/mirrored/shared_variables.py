"""Variables that replicas share: the first makes them, the others find them by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def canonical_name(name: str | None) -> str:
    """Returns a name without the numbers that made it and its scopes unique."""
    return "Variable" if name is None else re.sub(r"_\d(?=/|$)", "", name)


def shared_variable_creator(
    shared_variable_store: dict[str, list[Any]], device_id: int
) -> Callable[..., Any]:
    """Returns a variable creator: that of device 0 makes variables, those of others return these by name, in order.

    Args:
      shared_variable_store: the variables by name.
      device_id: of the device.

    Raises:
      RuntimeError: (by the creator) device 0 has made no such variable.
    """
    taken: dict[str, int] = {}

    def create(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        name = canonical_name(kwargs.get("name"))
        variable = next_creator(**kwargs)
        shared_variable_store.setdefault(name, []).append(variable)
        return variable

    def reuse(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        del next_creator
        name = canonical_name(kwargs.get("name"))
        position = taken.get(name, 0)
        variables = shared_variable_store.get(name, [])
        if position >= len(variables):
            raise RuntimeError(
                f"Tried to create variable {kwargs.get('name')} with mismatching name on device "
                f"{device_id}"
            )
        taken[name] = position + 1
        return variables[position]

    return create if device_id == 0 else reuse
