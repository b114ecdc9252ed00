"""tf.raw_ops: ops as functions that take keyword arguments only."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from penstock._src.core import registry
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.dispatch import STATE
from penstock._src.devices.accelerator import accelerator
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.util import lazy


def names() -> list[str]:
    """Returns the names of all ops."""
    return registry.raw_names()


def implemented() -> list[str]:
    """Returns the names of the ops whose classes are there, which loads all of them: what `import *` brings."""
    importlib.import_module(lazy.STARTUP)
    return [name for name in names() if registry.lookup(name) is not None]


@functools.cache
def function(name: str) -> Callable[..., Any]:
    """Returns the function of the op `name`.

    Raises:
      AttributeError: there is none.
    """
    importlib.import_module(lazy.STARTUP)
    if registry.lookup(name) is None or registry.index().get(name, "").startswith(
        registry.OF_PACKAGES
    ):
        raise AttributeError(
            f"module 'penstock.raw_ops' has no attribute {name!r}: this operation is not implemented."
        )
    run, cls = getattr(registry.raw, name), registry.find(name)

    @functools.wraps(run)
    def call(**kwargs: Any) -> Any:
        try:
            refusal = cls.refused_on_accelerators() if _is_traced_for_accelerator() else None
            if refusal is not None:
                raise refusal
            return run(**kwargs)
        except Exception as error:
            shorten(error)
            raise

    call.__signature__ = run.__signature__  # type: ignore[attr-defined]  # `inspect` reads it
    return call


def _is_traced_for_accelerator() -> bool:
    """True if a program for an accelerator is being traced, by a function that is not one of several implementations to choose from."""
    graph = STATE.graph
    if not isinstance(graph, FuncGraph) or accelerator() is None:
        return False
    while isinstance(graph, FuncGraph):
        if graph.implements:
            return False
        graph = graph.enclosing
    return True
