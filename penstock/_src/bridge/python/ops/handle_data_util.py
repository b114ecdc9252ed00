"""Shapes and types of the variables and lists to which handles refer."""

from typing import Any


def copy_handle_data(source_t: Any, target_t: Any) -> None:
    """Copies the static facts about one handle to another."""
    target_t._handle_data = source_t._handle_data
