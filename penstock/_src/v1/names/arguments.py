"""Arguments with an older and a newer name."""

from typing import Any


def either(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """Returns whichever of the two arguments is given.

    Raises:
      ValueError: both are given.
    """
    if old is None:
        return new
    if new is not None:
        raise both_given(old_name, new_name)
    return old


def both_given(old_name: str, new_name: str) -> ValueError:
    """Returns the error of a call that gives an argument under both names."""
    return ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
