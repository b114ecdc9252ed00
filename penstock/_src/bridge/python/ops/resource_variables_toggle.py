"""The setting for resource variables in TensorFlow 1: `tensorflow.python.ops.resource_variables_toggle`."""

from __future__ import annotations

from typing import Any

from penstock._src.v1.graphs.default_graph import resource_variables_enabled

# Names whose value changes, so that they are looked up each time.
CHANGING = ("_DEFAULT_USE_RESOURCE",)


def __getattr__(name: str) -> Any:
    if name in CHANGING:
        return resource_variables_enabled()
    raise AttributeError(name)
