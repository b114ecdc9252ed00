"""Definitions of operations by name: `tensorflow.python.framework.op_def_registry`."""

from __future__ import annotations

from typing import Any

from penstock._src.core.registry import lookup
from penstock._src.graph.serialize.op_definitions import op_def


def get(name: str) -> Any:
    """Returns the OpDef of an operation, or None."""
    definition = lookup(name)
    return None if definition is None else op_def(definition)


def sync() -> None:
    """No effect: all operations are known."""
