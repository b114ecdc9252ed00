"""What is known of the variables and lists behind handles."""

from typing import Any


def copy_handle_data(source_t: Any, target_t: Any) -> None:
    """Makes known of one handle what is known of another."""
    target_t._handle_data = source_t._handle_data
