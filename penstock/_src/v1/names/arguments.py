"""Arguments that have an older and a newer name."""

from typing import Any


def either(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """Returns the one of two arguments that was given.

    Raises:
      ValueError: both were.
    """
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
    return old
